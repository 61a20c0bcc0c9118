"""Pages of a TIFF that may be channels of an image, or rows of one."""

import numpy as np
import pytest
import tifffile

import unetzoo
from unetzoo.data.find import open_source
from unetzoo.data.formats.content import Known
from unetzoo.data.formats.read import glance, read_image


def _write(path, pixels, how):
    with tifffile.TiffWriter(path) as writer:
        if how == "one by one":
            for page in pixels:
                writer.write(page, photometric="minisblack", contiguous=False)
        else:
            metadata = None if how == "without names" else {}
            writer.write(pixels, photometric="minisblack", metadata=metadata)


_WAYS = ["one by one", "without names", "with the shape"]


@pytest.mark.parametrize("how", _WAYS)
def test_pages_are_rows_of_the_image_if_their_mask_says_so(how, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (28, 36, 5), np.uint8)
    _write(tmp_path / "a.tif", pixels, how)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", Known(size=(28, 36))), pixels)
    of_pages = np.moveaxis(pixels, 0, 2)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", Known(size=(36, 5))), of_pages)
    doubt = glance(tmp_path / "a.tif", Known(size=(28, 36))).doubt
    expected = "its 28 pages of 36 x 5 are taken for 28 x 36 pixels with 5 channels, which fits its mask"
    assert doubt == ("" if how == "with the shape" else expected)


@pytest.mark.parametrize("how", _WAYS)
def test_where_no_reading_fits_the_mask_both_are_named(how, tmp_path):
    _write(tmp_path / "a.tif", np.zeros((28, 36, 5), np.uint8), how)
    with pytest.raises(unetzoo.DataError) as error:
        read_image(tmp_path / "a.tif", Known(size=(28, 37)))
    assert str(error.value) == (
        f"{tmp_path / 'a.tif'} has 28 pages of 36 x 5: 36 x 5 pixels with 28 channels, or 28 x 36 pixels with 5 "
        "channels; neither fits its mask of 28 x 37: name its axes, as tifffile.imwrite(..., metadata={'axes': 'YXC'}) "
        "does"
    )


def test_where_both_readings_fit_the_mask_the_axes_must_have_names(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (9, 9, 9), np.uint8)
    _write(tmp_path / "a.tif", pixels, "with the shape")
    with pytest.raises(unetzoo.DataError, match="both fit its mask of 9 x 9: name its axes"):
        read_image(tmp_path / "a.tif", Known(size=(9, 9)))
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack", metadata={"axes": "YXC"})
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", Known(size=(9, 9))), pixels)


def test_a_data_set_says_how_it_reads_such_pages(tmp_path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (28, 36, 5), np.uint8)
    _write(tmp_path / "images" / "a.tif", pixels, "without names")
    tifffile.imwrite(tmp_path / "masks" / "a.tif", (pixels[..., 0] > 99).astype(np.uint8))
    source = open_source(tmp_path)
    assert source.pair(0)[0].shape == (28, 36, 5)
    assert list(source.doubts(0)) == [
        "its 28 pages of 36 x 5 are taken for 28 x 36 pixels with 5 channels, which fits its mask"
    ]
