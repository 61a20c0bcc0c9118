import re
import warnings

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from grounds import PLACES, noise, write_tif
from rasterio.warp import transform_geom
from typer.testing import CliRunner
from unetzoo_geo.masks import write_mask

from unetzoo.cli import app

pytestmark = pytest.mark.filterwarnings("ignore:Use .@. matmul:PendingDeprecationWarning")  # rasterio's own

_OUTLINES = {"crop": [(3.2, 4.4), (40.7, 9.1), (22.3, 41.8)], "wood": [(30.1, 20.2), (64.9, 31.3), (35.5, 47.7)]}
"""Corners in columns and rows."""
_OVERLAP = "polygons with different ids overlap (1 pairs); the later in the file is on top"


def _on_ground(place, corners):
    return shapely.Polygon([PLACES[place][1] * corner for corner in corners])


def _vector(path, place="UTM", crs=None, outlines=_OUTLINES, layer=None, **options):
    """A file of triangles with the column `kind`, in the coordinate system of a place or another one."""
    source = PLACES[place][0]
    shapes = [_on_ground(place, corners) for corners in outlines.values()]
    if crs:
        shapes = [
            shapely.geometry.shape(transform_geom(source, crs, shapely.geometry.mapping(each))) for each in shapes
        ]
    columns = {"field_data": [np.array(list(outlines), object)], "fields": ["kind"]}
    geometry = shapely.to_wkb(np.array(shapes, object))
    kind = {"geometry_type": "Polygon", "crs": crs or source, "layer": layer} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyogrio.raw.write(path, geometry=geometry, **columns, **kind)
    return path


def _expected(outlines=_OUTLINES):
    """Which triangle covers the middle of each pixel, by shapely."""
    rows, columns = np.indices((50, 70)) + 0.5
    ids = np.zeros((50, 70), np.uint8)
    for number, corners in enumerate(outlines.values(), start=1):
        ids[shapely.contains_xy(shapely.Polygon(corners), columns, rows)] = number
    return ids


def _read(path):
    with rasterio.open(path) as file:
        return file.read(1)


@pytest.fixture
def image(tmp_path):
    return write_tif(tmp_path / "image.tif", noise())


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("ending", [".gpkg", ".shp"])
def test_pixels_have_the_polygon_that_covers_their_middle(place, ending, tmp_path):
    image = write_tif(tmp_path / "image.tif", noise(), place)
    vector = _vector(tmp_path / f"a{ending}", place)
    drawn = write_mask(vector, image, tmp_path / "mask.tif", {"crop": 1, "wood": 2}, column="kind")
    np.testing.assert_array_equal(_read(tmp_path / "mask.tif"), _expected())
    assert drawn.notes == (_OVERLAP,)
    with rasterio.open(tmp_path / "mask.tif") as mask, rasterio.open(image) as source:
        assert (mask.crs, mask.transform, mask.shape) == (source.crs, source.transform, source.shape)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3035"])
def test_polygons_in_another_system_are_brought_into_that_of_the_image(crs, image, tmp_path):
    vector = _vector(tmp_path / "a.geojson", crs=crs) if crs == "EPSG:4326" else _vector(tmp_path / "a.gpkg", crs=crs)
    drawn = write_mask(vector, image, tmp_path / "mask.tif", {"crop": 1, "wood": 2}, column="kind")
    np.testing.assert_array_equal(_read(tmp_path / "mask.tif"), _expected())
    assert drawn.notes == (f"polygons are brought from {crs} into EPSG:32633", _OVERLAP)


def test_strips_are_those_of_the_whole(tmp_path):
    tall = {name: [(x, 30 * y) for x, y in corners] for name, corners in _OUTLINES.items()}
    image = write_tif(tmp_path / "image.tif", np.zeros((1, 1500, 70), np.uint8))
    vector = _vector(tmp_path / "a.gpkg", outlines=tall)
    for touched in (False, True):
        options = {"column": "kind", "all_touched": touched, "overwrite": True}
        write_mask(vector, image, tmp_path / "mask.tif", {"crop": 1, "wood": 2}, **options)
        shapes = [(_on_ground("UTM", corners), number) for number, corners in enumerate(tall.values(), start=1)]
        whole = rasterio.features.rasterize(shapes, (1500, 70), transform=PLACES["UTM"][1], all_touched=touched)
        np.testing.assert_array_equal(_read(tmp_path / "mask.tif"), whole)


def test_all_touched_are_the_pixels_that_share_more_than_a_side_with_it(image, tmp_path):
    vector = _vector(tmp_path / "a.gpkg", outlines={"crop": _OUTLINES["crop"]})
    write_mask(vector, image, tmp_path / "mask.tif", all_touched=True)
    triangle = shapely.Polygon(_OUTLINES["crop"])
    pixels = [[shapely.box(x, y, x + 1, y + 1).intersects(triangle) for x in range(70)] for y in range(50)]
    np.testing.assert_array_equal(_read(tmp_path / "mask.tif"), pixels)


def test_polygons_without_an_id_are_left_out_and_counted(image, tmp_path):
    drawn = write_mask(
        _vector(tmp_path / "a.gpkg"), image, tmp_path / "mask.tif", {"wood": 7}, column="kind", outside=255
    )
    expected = np.where(_expected({"wood": _OUTLINES["wood"]}), 7, 255)
    np.testing.assert_array_equal(_read(tmp_path / "mask.tif"), expected)
    assert drawn.notes == ("1 of 2 polygons, whose classes have no id, are left out",)
    assert drawn.pixels == {7: (expected == 7).sum(), 255: (expected == 255).sum()}


def test_the_mask_of_a_vector_file_comes_from_the_command_line(image, tmp_path):
    _vector(tmp_path / "a.gpkg")
    arguments = [str(tmp_path / name) for name in ("a.gpkg", "image.tif", "mask.tif")]
    done = CliRunner().invoke(
        app, ["rasterize", *arguments, "--column", "kind", "--class", "crop=1", "--class", "wood=2"]
    )
    assert done.exit_code == 0, done.output
    assert f"outside (0) {(_expected() == 0).sum():,}, crop {(_expected() == 1).sum():,}" in done.output
    np.testing.assert_array_equal(_read(tmp_path / "mask.tif"), _expected())


def _far(tmp_path):
    far = {name: [(x + 900, y) for x, y in corners] for name, corners in _OUTLINES.items()}
    return _vector(tmp_path / "far.gpkg", outlines=far)


def _points(tmp_path):
    path = tmp_path / "points.gpkg"
    geometry = shapely.to_wkb(np.array([shapely.Point(500_100, 4_999_900)], object))
    pyogrio.raw.write(path, geometry=geometry, field_data=[], fields=[], geometry_type="Point", crs="EPSG:32633")
    return path


def _layers(tmp_path):
    _vector(tmp_path / "layers.gpkg", layer="north")
    return _vector(tmp_path / "layers.gpkg", layer="south", append=True)


def _text(tmp_path):
    (tmp_path / "text.gpkg").write_text("no polygons")
    return tmp_path / "text.gpkg"


def _bare(tmp_path):
    path = _vector(tmp_path / "bare.shp")
    path.with_suffix(".prj").unlink()
    return path


@pytest.mark.parametrize(
    ("make", "options", "problem"),
    [
        (_far, [], "all 2 polygons of .*far.gpkg lie outside of .*in EPSG:32633 they reach over 5"),
        (_points, [], "1 of its 1 shapes are no polygons, such as Point"),
        (_layers, [], "has the layers north, south; name one with --layer"),
        (_layers, ["--layer", "west"], "has no layer 'west', but the layers north, south"),
        (_text, [], "text.gpkg cannot be read"),
        (_bare, [], "bare.shp has no coordinate system"),
        (lambda folder: folder / "none.gpkg", [], "there is no file"),
        (_far, ["--column", "type"], "has no column 'type'; its columns are kind"),
        (_far, ["--column", "kind"], "its column kind has the values crop, wood: give each an id"),
        (_far, ["--class", "a=1", "--class", "b=2"], "2 classes need a column of"),
        (_far, ["--class", "a=70000"], "ids must be at most 65,535"),
    ],
)
def test_a_vector_file_that_does_not_fit_is_one_line(make, options, problem, image, tmp_path):
    vector = make(tmp_path)
    before = sorted(tmp_path.iterdir())
    done = CliRunner().invoke(app, ["rasterize", str(vector), str(image), str(tmp_path / "mask.tif"), *options])
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output
    assert re.search(problem, " ".join(done.output.split())), done.output
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
def test_an_image_without_a_place_is_one_line(tmp_path):
    image = write_tif(tmp_path / "image.tif", noise(), None)
    vector = _vector(tmp_path / "a.gpkg")
    done = CliRunner().invoke(app, ["rasterize", str(vector), str(image), str(tmp_path / "mask.tif")])
    assert done.exit_code == 2
    assert "has no coordinate system, so that polygons have no place in it" in " ".join(done.output.split())
