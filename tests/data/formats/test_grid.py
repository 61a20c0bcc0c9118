"""Grids of files; rasterio, which reads by GDAL, is the judge of those on the ground."""

import numpy as np
import pytest
import rasterio
import tifffile
from rasterio.transform import Affine

from unetzoo.data.formats import Axis, Grid, coarser, grid_of_transform, transform_of
from unetzoo.data.formats.read import open_raster, read_grid

_TRANSFORM = (1.6, 1.2, 4_321_000, 1.2, -1.6, 3_210_000)


@pytest.mark.parametrize(
    ("crs", "transform", "unit"),
    [
        ("EPSG:32633", (10, 0, 500_000, 0, -20, 5_000_000), "m"),
        ("EPSG:4326", (1e-4, 0, 12.5, 0, -2e-4, 47.25), "degree"),
        ("EPSG:3035", _TRANSFORM, "m"),
    ],
)
@pytest.mark.parametrize("options", [{}, {"AREA_OR_POINT": "Point"}], ids=str)
def test_the_affine_of_a_geotiff_maps_middles_of_pixels_as_gdal_does(crs, transform, unit, options, tmp_path):
    shape = {"count": 1, "height": 4, "width": 6, "dtype": "uint8"}
    with rasterio.open(tmp_path / "a.tif", "w", driver="GTiff", crs=crs, transform=Affine(*transform), **shape) as file:
        file.write(np.zeros((1, 4, 6), np.uint8))
        file.update_tags(**options)
    grid = read_grid(tmp_path / "a.tif")
    with rasterio.open(tmp_path / "a.tif") as file:
        xs, ys = rasterio.transform.xy(file.transform, [0, 3, 2], [0, 1, 5], offset="center")
        steps = np.hypot(transform[1], transform[4]), np.hypot(transform[0], transform[3])
    places = np.array([[0, 0, 1], [3, 1, 1], [2, 5, 1]]) @ np.array(grid.affine).T
    np.testing.assert_allclose(places, np.stack([xs, ys], 1), rtol=1e-12)
    assert grid.crs == crs
    assert [(axis.name, axis.unit) for axis in grid.axes] == [("y", unit), ("x", unit)]
    np.testing.assert_allclose([axis.step for axis in grid.axes], steps)


def test_the_six_numbers_of_rasterio_come_back():
    np.testing.assert_allclose(transform_of(grid_of_transform(_TRANSFORM)), _TRANSFORM, rtol=1e-12)


def test_a_coarser_level_covers_the_same_ground():
    level = coarser(grid_of_transform(_TRANSFORM), (4, 2))
    expected = Affine(*_TRANSFORM) @ Affine.scale(2, 4)
    np.testing.assert_allclose(transform_of(level), tuple(expected)[:6], rtol=1e-12)
    fine = Grid(axes=(Axis("y", 0.5, "um"), Axis("x", 0.25, "um")))
    assert [axis.step for axis in coarser(fine, (4, 2)).axes] == [2, 0.5]


def test_the_levels_of_a_pyramid_are_read(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (96, 80, 3), np.uint8)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(pixels, tile=(16, 32), subifds=2, photometric="rgb")
        for step in (2, 4):
            writer.write(pixels[::step, ::step], tile=(16, 16), subfiletype=1, photometric="rgb")
    with open_raster(tmp_path / "a.tif") as raster:
        assert [level.shape for level in raster.levels] == [(48, 40, 3), (24, 20, 3)]
        assert raster.block == (16, 32)
        window = slice(3, 20), slice(5, 19)
        np.testing.assert_array_equal(raster.levels[1].read(window), pixels[::4, ::4][window])
        np.testing.assert_array_equal(raster.levels[0].read(raster.levels[0].whole), pixels[::2, ::2])
