"""CZI that pylibCZIrw, ZEISS's own library, writes; czifile is the judge of colors where it is installed."""

import numpy as np
import pytest

import unetzoo
from unetzoo.data.formats import open_raster
from unetzoo.data.formats.read import read_image
from unetzoo.testing import check_format

czi = pytest.importorskip("pylibCZIrw.czi")


def _write(path, planes, **metadata):
    """Planes (h, w, c) with their coordinates, and where they lie."""
    with czi.create_czi(str(path)) as file:
        for plane, coordinates, options in planes:
            file.write(plane, plane=coordinates, **options)
        file.write_metadata("a", **metadata)
    return path


def _noise(*shape, dtype=np.uint16, seed=0):
    return np.random.default_rng(seed).integers(0, 250, shape).astype(dtype)


def test_it_keeps_the_contract():
    check_format("czi")


def test_tiles_of_channels_and_slices_are_a_volume_with_its_steps_and_names(tmp_path):
    values = _noise(2, 3, 40, 50)
    planes = [
        (values[c, z, :, left:right, None], {"C": c, "Z": z}, {"location": (left + 100, -30)})
        for c in range(2)
        for z in range(3)
        for left, right in ((0, 20), (20, 50))
    ]
    steps = {"scale_x": 1e-7, "scale_y": 2e-7, "scale_z": 3e-6}
    path = _write(tmp_path / "a.czi", planes, channel_names={0: "DAPI", 1: "GFP"}, **steps)
    with open_raster(path) as raster:
        assert (raster.shape, raster.dtype) == ((3, 40, 50, 2), np.uint16)
        expected = np.moveaxis(values, 0, -1)
        np.testing.assert_array_equal(raster.read(raster.whole), expected)
        window = slice(1, 3), slice(5, 30), slice(15, 33)
        np.testing.assert_array_equal(raster.read(window), expected[window])
        assert raster.grid.bands == ("DAPI", "GFP")
        axes = [(axis.name, pytest.approx(axis.step), axis.unit) for axis in raster.grid.axes]
        assert axes == [("z", 3, "um"), ("y", 0.2, "um"), ("x", 0.1, "um")]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_one_plane_is_an_image(dtype, tmp_path):
    values = _noise(20, 30, 1, dtype=dtype)
    np.testing.assert_array_equal(read_image(_write(tmp_path / "a.czi", [(values, {"C": 0}, {})])), values)


def test_colors_are_red_green_and_blue(tmp_path):
    stored = _noise(20, 30, 3, dtype=np.uint8)  # blue, green and red, as CZI has them
    path = _write(tmp_path / "a.czi", [(stored, {"C": 0}, {})])
    np.testing.assert_array_equal(read_image(path), stored[..., ::-1])
    czifile = pytest.importorskip("czifile")
    np.testing.assert_array_equal(read_image(path), np.squeeze(czifile.imread(str(path))))


@pytest.mark.parametrize(
    ("planes", "text"),
    [
        ([(_noise(9, 9, 1), {"C": 0, "T": t}, {}) for t in range(2)], "has 2 times, and one is read"),
        ([(_noise(9, 9, 1), {"C": 0}, {"scene": s, "location": (20 * s, 0)}) for s in range(3)], "has 3 scenes"),
        (
            [(_noise(9, 9, 1, dtype=kind), {"C": c}, {}) for c, kind in enumerate(("u1", "u2"))],
            "of Gray8, Gray16; gray",
        ),
    ],
)
def test_what_is_not_one_image_is_an_error_in_one_line(planes, text, tmp_path):
    with pytest.raises(unetzoo.DataError, match=text) as caught:
        read_image(_write(tmp_path / "a.czi", planes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"ZISRAWFILE", b"ZISRAWFILE" + bytes(2000), b"\xff" * 2000])
def test_damaged_files_are_errors_that_name_them(content, tmp_path):
    (tmp_path / "a.czi").write_bytes(content)
    with pytest.raises(unetzoo.DataError, match=r"a\.czi"):
        read_image(tmp_path / "a.czi")


def test_a_file_that_announces_far_more_than_it_holds_is_refused(tmp_path):
    far = [(_noise(9, 9, 1), {"C": 0}, {"location": (place, place)}) for place in (0, 2**20)]
    with pytest.raises(unetzoo.DataError, match=r"a\.czi announces 2,199 GB of pixels"):
        read_image(_write(tmp_path / "a.czi", far))


def test_without_pylibczirw_the_error_says_what_to_install(tmp_path, monkeypatch):
    path = _write(tmp_path / "a.czi", [(_noise(9, 9, 1), {"C": 0}, {})])
    monkeypatch.setattr("unetzoo_bioimage.czi.find_spec", lambda name: None)
    with pytest.raises(unetzoo.MissingExtraError, match=r"pip install 'unetzoo-bioimage\[czi\]'"):
        read_image(path)


def test_a_result_has_the_size_of_the_pixels_of_its_image(tmp_path):
    steps = {"scale_x": 1e-7, "scale_y": 2e-7}
    image = _write(tmp_path / "a.czi", [(_noise(40, 50, 1, dtype=np.uint8), {"C": 0}, {})], **steps)
    options = {"encoder_options": {"widths": (4, 8)}, "in_channels": 1}
    model = unetzoo.create("unet", encoder="plain", **options).eval()
    (done,) = unetzoo.predict_files(model, image, tmp_path / "mask.ome.zarr")
    assert done.state == "predicted"
    with open_raster(tmp_path / "mask.ome.zarr") as mask:
        assert mask.shape == (40, 50, 1)
        assert [axis.step for axis in mask.grid.axes] == [pytest.approx(0.2), pytest.approx(0.1)]
