"""A result lies on the ground where its image lies; rasterio, which reads by GDAL, is the judge."""

import numpy as np
import pytest
import rasterio
import tifffile
from cells import Cells
from predicting import varied_model
from rasterio.transform import Affine

import unetzoo
from unetzoo import PredictOptions
from unetzoo.data.formats.grid import NO_GRID
from unetzoo.data.formats.read import read_grid

pytestmark = pytest.mark.filterwarnings("ignore:Use .@. matmul:PendingDeprecationWarning")  # rasterio's own

_PLACES = {
    "UTM": ("EPSG:32633", Affine(10, 0, 500_000, 0, -10, 5_000_000)),
    "degrees": ("EPSG:4326", Affine(1e-4, 0, 12.5, 0, -2e-4, 47.25)),
    "rotated": ("EPSG:3035", Affine(1.6, 1.2, 4_321_000, 1.2, -1.6, 3_210_000)),
}


def _write(path, place="UTM", bands=1, **options):
    crs, transform = _PLACES[place]
    pixels = np.random.default_rng(0).integers(0, 255, (bands, 48, 64), np.uint8)
    shape = {"count": bands, "height": 48, "width": 64, "dtype": "uint8"}
    with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=transform, **shape, **options) as file:
        file.write(pixels)
    return path


def _predict(image, target, model=None, **options):
    (result,) = unetzoo.predict_files(model or varied_model(), image, target, options=PredictOptions(**options))
    assert result.state == "predicted", result
    return result


@pytest.mark.parametrize("place", _PLACES)
@pytest.mark.parametrize("storage", [{}, {"tiled": True, "blockxsize": 16, "blockysize": 16, "compress": "deflate"}])
def test_a_mask_has_the_coordinate_system_and_the_transform_of_its_image(place, storage, tmp_path):
    image = _write(tmp_path / "image.tif", place, **storage)
    assert _predict(image, tmp_path / "mask.tif").warnings == ()
    with rasterio.open(image) as source, rasterio.open(tmp_path / "mask.tif") as mask:
        assert mask.crs == source.crs
        assert mask.transform.almost_equals(source.transform, 1e-9)
        assert (mask.width, mask.height) == (64, 48)
        assert mask.nodata == 255


def test_pixels_without_data_are_those_of_gdal(tmp_path):
    path = _write(tmp_path / "image.tif", nodata=0)
    with rasterio.open(path, "r+") as file:
        pixels = file.read(1)
        pixels[:20, :30] = 0
        file.write(pixels, 1)
    _predict(path, tmp_path / "mask.tif")
    _predict(path, tmp_path / "probabilities.tif", probabilities=True)
    with rasterio.open(tmp_path / "mask.tif") as mask:
        np.testing.assert_array_equal(mask.read_masks(1) == 0, pixels == 0)
    with rasterio.open(tmp_path / "probabilities.tif") as probabilities:
        assert np.isnan(probabilities.nodata)
        assert probabilities.crs.to_epsg() == 32633


def test_label_images_of_objects_lie_there_and_have_no_value_for_no_data(tmp_path):
    options = {"encoder_options": {"widths": (4, 8)}, "in_channels": 1}
    model = unetzoo.create("unet", encoder="plain", objects="components", **options).eval()
    _predict(_write(tmp_path / "image.tif"), tmp_path / "labels.tif", model)
    with rasterio.open(tmp_path / "labels.tif") as labels:
        assert labels.crs.to_epsg() == 32633
        assert labels.nodata is None


def test_a_format_without_a_grid_is_said(tmp_path):
    image = _write(tmp_path / "image.tif")
    (warning,) = _predict(image, tmp_path / "mask.png").warnings
    assert warning.startswith("a .png file has no georeference, which the image has; choose .tif")
    assert warning.endswith("(--format tif)")
    plain = tmp_path / "plain.tif"
    tifffile.imwrite(plain, Cells(1, 0)[0].image[..., 0])
    assert _predict(plain, tmp_path / "plain.png").warnings == ()


def test_the_resolution_of_an_image_without_a_place_is_kept(tmp_path):
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, np.zeros((40, 40), np.uint8), resolution=(20_000, 10_000), resolutionunit="CENTIMETER")
    _predict(path, tmp_path / "mask.tif")
    with tifffile.TiffFile(tmp_path / "mask.tif") as file:
        tags = file.pages[0].tags
        assert (tags.valueof(282), tags.valueof(283), tags.valueof(296)) == ((20_000, 1), (10_000, 1), 3)
        assert 42113 not in tags


@pytest.mark.parametrize("orientation", [3, 6])
def test_an_image_that_is_turned_before_it_is_shown_has_no_grid(orientation, tmp_path):
    path = _write(tmp_path / "image.tif")
    with tifffile.TiffFile(path) as file:
        tag = file.pages[0].tags[33550]
        extra = [(33550, 12, 3, tag.value, True), (274, 3, 1, orientation, True)]
    tifffile.imwrite(tmp_path / "turned.tif", np.zeros((8, 9), np.uint8), extratags=extra)
    assert read_grid(tmp_path / "turned.tif") == NO_GRID


def test_tags_of_another_type_or_of_millions_of_numbers_are_left_out(tmp_path):
    many = np.zeros(100_002)
    extra = [(33550, 3, 3, (1, 1, 0), True), (33922, 12, many.size, many, True), (34735, 3, 4, (1, 1, 0, 0), True)]
    tifffile.imwrite(tmp_path / "image.tif", np.zeros((8, 9), np.uint8), extratags=extra)
    assert [key.name for key in read_grid(tmp_path / "image.tif").keys if key.name > 300] == [34735]
