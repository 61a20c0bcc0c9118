"""Grids of files; rasterio, which reads by GDAL, is the judge of those on the ground."""

from dataclasses import dataclass

import numpy as np
import pytest
import rasterio
import tifffile
from rasterio.transform import Affine

import unetzoo
from unetzoo._utils.units import meters_of
from unetzoo.data.formats import Axis, Grid, coarser, grid_of_transform, transform_of
from unetzoo.data.formats.read import open_raster, read_grid
from unetzoo.data.formats.tiff import write_tiff

pytestmark = pytest.mark.filterwarnings("ignore:Use .@. matmul:PendingDeprecationWarning")  # rasterio's own

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
    slices = Grid(axes=(Axis("z", 3, "um"), *fine.axes))
    assert [axis.step for axis in coarser(slices, (4, 2)).axes] == [3, 2, 0.5]


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


@pytest.mark.parametrize(
    ("crs", "transform", "unit"),
    [
        ("EPSG:32633", (10, 0, 500_000, 0, -20, 5_000_000), "m"),
        ("EPSG:4326", (1e-4, 0, 12.5, 0, -2e-4, 47.25), "degree"),
        ("EPSG:3035", _TRANSFORM, "m"),
    ],
)
def test_gdal_reads_a_grid_that_another_format_gave(crs, transform, unit, tmp_path):
    _write(tmp_path / "a.tif", grid_of_transform(transform, unit=unit, crs=crs))
    with rasterio.open(tmp_path / "a.tif") as file:
        assert file.crs == rasterio.crs.CRS.from_string(crs)
        assert file.transform.almost_equals(Affine(*transform), 1e-9)


_SYSTEMS = {  # without a code of EPSG
    "projected": "+proj=laea +lat_0=10 +lon_0=20 +x_0=123 +y_0=456 +ellps=GRS80 +units=m",
    "in feet": "+proj=tmerc +lat_0=40 +lon_0=-75.5 +k=0.9999 +x_0=200000 +datum=NAD83 +units=us-ft",
    "geographic": "+proj=longlat +ellps=intl +pm=paris",
}
_IN = {"projected": "m", "in feet": "ftUS", "geographic": "degree"}


@pytest.mark.parametrize("version", ["WKT1_GDAL", "WKT2_2019"])
@pytest.mark.parametrize("system", _SYSTEMS)
def test_gdal_reads_a_coordinate_system_that_has_no_code(system, version, tmp_path):
    wkt = rasterio.crs.CRS.from_proj4(_SYSTEMS[system]).to_wkt(version=version)
    grid = grid_of_transform((1e-3, 0, 12.5, 0, -2e-3, 47.25), unit=_IN[system], crs=wkt)
    _write(tmp_path / "a.tif", grid)
    with rasterio.open(tmp_path / "a.tif") as file:
        assert file.crs == rasterio.crs.CRS.from_wkt(wkt)
        assert file.transform.almost_equals(Affine(1e-3, 0, 12.5, 0, -2e-3, 47.25), 1e-12)
    again = read_grid(tmp_path / "a.tif")
    assert (again.crs, [axis.unit for axis in again.axes]) == (wkt, [_IN[system]] * 2)


@pytest.mark.parametrize("crs", ["ESRI:54009", "+proj=laea +lat_0=10", 'PROJCS["a | b"]', f'PROJCS["{"a" * 3000}"]'])
def test_a_coordinate_system_that_tags_cannot_say_is_said(crs, tmp_path):
    with pytest.warns(unetzoo.DataWarning, match=r"a TIFF result cannot say the coordinate system (ESRI|\+proj|PROJ)"):
        _write(tmp_path / "a.tif", grid_of_transform(_TRANSFORM, unit="m", crs=crs))
    with rasterio.open(tmp_path / "a.tif") as file:
        assert file.crs is None
        assert file.transform.almost_equals(Affine(*_TRANSFORM), 1e-9)


def test_a_place_without_a_coordinate_system_is_written(tmp_path):
    _write(tmp_path / "a.tif", grid_of_transform(_TRANSFORM))
    with rasterio.open(tmp_path / "a.tif") as file:
        assert (file.crs, file.transform.almost_equals(Affine(*_TRANSFORM), 1e-9)) == (None, True)


def test_the_size_of_pixels_under_a_microscope_is_written_where_their_place_is_not(tmp_path):
    with pytest.warns(unetzoo.DataWarning, match="cannot say the place of the pixels"):
        _write(tmp_path / "a.tif", grid_of_transform((0.5, 0, 7, 0, 0.25, 9), unit="um"))
    assert _axes(tmp_path / "a.tif") == [("y", 0.25, "um"), ("x", 0.5, "um")]


@dataclass
class _Zeros:
    """A result without values of its own."""

    grid: Grid
    shape: tuple[int, ...] = (4, 6)
    dtype = np.dtype(np.uint8)
    axes, palette, nodata = "YX", None, 255

    def blocks(self, rows=None):
        yield 0, np.zeros(self.shape, self.dtype)


def _write(path, grid, **options):
    write_tiff(path, _Zeros(grid, **options))


def test_small_results_are_no_bigtiff(tmp_path):
    _write(tmp_path / "a.tif", Grid())
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert not file.is_bigtiff


def _axes(path):
    return [(axis.name, pytest.approx(axis.step), axis.unit) for axis in read_grid(path).axes]


_PIXELS = np.zeros((4, 6), np.uint8)
_SIZED = {  # in which pixels are 0.25 um high and 0.5 um wide
    "ImageJ": {"imagej": True, "resolution": (2, 4), "metadata": {"unit": "micron"}},
    "ImageJ in inches": {"imagej": True, "resolution": (50_800, 101_600), "metadata": {"unit": "inch"}},
    "ImageJ in nm": {"imagej": True, "resolution": (0.002, 0.004), "metadata": {"unit": "nm"}},
    "OME": {"ome": True, "metadata": {"axes": "YX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25}},
    "OME in nm": {
        "ome": True,
        "metadata": {
            "axes": "YX",
            "PhysicalSizeX": 500,
            "PhysicalSizeXUnit": "nm",
            "PhysicalSizeY": 250,
            "PhysicalSizeYUnit": "nm",
        },
    },
    "centimeters": {"resolution": (20_000, 40_000), "resolutionunit": "CENTIMETER"},
    "inches": {"resolution": (50_800, 101_600), "resolutionunit": "INCH"},
}


@pytest.mark.parametrize("how", _SIZED)
def test_the_size_of_a_pixel_is_read_and_written_into_a_result(how, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", _PIXELS, **_SIZED[how])
    grid = read_grid(tmp_path / "a.tif")
    sizes = {axis.name: axis.step * meters_of(axis.unit) for axis in grid.axes}
    assert sizes == {"y": pytest.approx(0.25e-6), "x": pytest.approx(0.5e-6)}
    _write(tmp_path / "result.tif", grid)
    with tifffile.TiffFile(tmp_path / "result.tif") as file:
        assert file.pages[0].resolution == pytest.approx((20_000, 40_000))
        assert file.pages[0].resolutionunit == 3


_SPACED = {  # slices that are 3 um apart
    "ImageJ": {"imagej": True, "resolution": (2, 4), "metadata": {"axes": "ZYX", "unit": "micron", "spacing": 3.0}},
    "ImageJ, turned": {"imagej": True, "resolution": (2, 4), "metadata": {"axes": "ZYX", "unit": "um", "spacing": -3}},
    "OME": {
        "ome": True,
        "metadata": {
            "axes": "ZYX",
            "PhysicalSizeX": 0.5,
            "PhysicalSizeY": 0.25,
            "PhysicalSizeZ": 3000,
            "PhysicalSizeZUnit": "nm",
        },
    },
}


@pytest.mark.parametrize("how", _SPACED)
def test_the_distance_of_slices_is_read(how, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((5, 4, 6), np.uint8), photometric="minisblack", **_SPACED[how])
    assert _axes(tmp_path / "a.tif") == [("z", 3, "um"), ("y", 0.25, "um"), ("x", 0.5, "um")]
    _write(tmp_path / "result.tif", read_grid(tmp_path / "a.tif"))
    assert _axes(tmp_path / "result.tif") == [("y", 0.25, "um"), ("x", 0.5, "um")]


@pytest.mark.parametrize("spacing", [None, 0.0, float("nan")])
def test_slices_of_unknown_distance_and_channels_have_the_size_of_a_pixel_alone(spacing, tmp_path):
    metadata = {"axes": "ZYX", "unit": "um"} | ({} if spacing is None else {"spacing": spacing})
    pixels = np.zeros((5, 4, 6), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", pixels, imagej=True, resolution=(2, 4), metadata=metadata)
    metadata = {"axes": "CYX", "unit": "um", "spacing": 3.0}
    tifffile.imwrite(tmp_path / "b.tif", pixels, imagej=True, resolution=(2, 4), metadata=metadata)
    for name in ("a.tif", "b.tif"):
        assert _axes(tmp_path / name) == [("y", 0.25, "um"), ("x", 0.5, "um")]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"resolution": (72, 72), "resolutionunit": "INCH"},
        {"resolution": (118, 118), "resolutionunit": "CENTIMETER"},
        {"resolution": (2, 4), "resolutionunit": "NONE"},
        {"imagej": True, "resolution": (2, 4), "metadata": {"unit": "pixel"}},
        {"imagej": True, "metadata": {"unit": "um"}, "resolution": (0, 0)},
        {"imagej": True, "metadata": {"unit": "inch"}, "resolution": (300, 300)},
        {"imagej": True, "metadata": {"unit": "cm"}, "resolution": (118, 118)},
        {"ome": True, "metadata": {"axes": "YX"}},
    ],
    ids=str,
)
def test_the_resolution_of_a_print_or_without_a_unit_is_no_size_of_the_object(options, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", _PIXELS, **options)
    assert read_grid(tmp_path / "a.tif").axes == ()


def test_slides_of_aperio_say_micrometers_per_pixel(tmp_path):
    text = "Aperio Image Library v12.0.15 \r\n40x30 [0,0 40x30] (16x16)|AppMag = 20|MPP = 0.4990"
    tifffile.imwrite(
        tmp_path / "a.svs", np.zeros((30, 40, 3), np.uint8), tile=(16, 16), description=text, metadata=None
    )
    assert _axes(tmp_path / "a.svs") == [("y", 0.499, "um"), ("x", 0.499, "um")]


def test_a_slide_whose_size_of_pixels_is_no_number_is_read(tmp_path):
    text = "Aperio Image Library v12.0.15 \r\n40x30 [0,0 40x30] (16x16)|AppMag = 20|MPP = 0.4.9"
    tifffile.imwrite(
        tmp_path / "a.svs", np.zeros((30, 40, 3), np.uint8), tile=(16, 16), description=text, metadata=None
    )
    assert _axes(tmp_path / "a.svs") == []


def test_bands_have_the_names_of_gdal_and_channels_those_of_ome(tmp_path):
    shape = {"count": 3, "height": 4, "width": 6, "dtype": "uint8"}
    with rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", crs="EPSG:32633", transform=Affine.scale(10), **shape
    ) as file:
        file.write(np.zeros((3, 4, 6), np.uint8))
        file.descriptions = ("B2", None, "B8 & more")
    assert read_grid(tmp_path / "a.tif").bands == ("B2", "", "B8 & more")
    names = {"axes": "CYX", "Channel": {"Name": ["DAPI", "GFP"]}}
    tifffile.imwrite(tmp_path / "b.ome.tif", np.zeros((2, 4, 6), np.uint8), metadata=names, photometric="minisblack")
    assert read_grid(tmp_path / "b.ome.tif").bands == ("DAPI", "GFP")
    tifffile.imwrite(tmp_path / "c.tif", _PIXELS)
    assert read_grid(tmp_path / "c.tif").bands == ()


def test_metadata_that_is_no_xml_or_declares_entities_is_passed_over(tmp_path):
    for text in (
        "<GDALMetadata><Item",
        '<!DOCTYPE a [<!ENTITY b "c">]><GDALMetadata/>',
        "<GDALMetadata><Item/></GDALMetadata>",
    ):
        extra = [(42112, 2, 0, text, True)]
        tifffile.imwrite(tmp_path / "a.tif", _PIXELS, metadata=None, extratags=extra)
        assert read_grid(tmp_path / "a.tif").bands == ()
