import json
import math

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
import tifffile
from grounds import PLACES, write_tif
from rasterio.features import rasterize
from scipy import ndimage
from typer.testing import CliRunner
from unetzoo_geo.polygons import write_polygons

import unetzoo
from unetzoo.cli import app

pytestmark = [
    pytest.mark.filterwarnings("ignore:Use .@. matmul:PendingDeprecationWarning"),  # rasterio's own
    pytest.mark.filterwarnings("ignore:Dataset has no geotransform"),
]


def _classes(height=60, width=90, seed=0):
    """Smooth regions of 0 to 3 with holes, larger than the blocks of the file."""
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(height, width)), 3)
    return np.digitize(smooth, np.quantile(smooth, [0.3, 0.6, 0.8])).astype(np.uint8)


def _labels(path, ids, place="UTM", **options):
    return write_tif(path, ids[None], place, tiled=True, blockxsize=16, blockysize=16, **options)


def _read(path):
    meta, _, geometry, columns = pyogrio.raw.read(path)
    return meta, shapely.from_wkb(geometry), dict(zip(meta["fields"], columns, strict=True))


def _regions(ids, number):
    return ndimage.label(ids == number)[1]


@pytest.mark.parametrize("place", PLACES)
def test_each_region_is_one_polygon_whatever_the_blocks(place, tmp_path):
    ids = _classes()
    write_polygons(_labels(tmp_path / "a.tif", ids, place), tmp_path / "a.gpkg")
    meta, polygons, columns = _read(tmp_path / "a.gpkg")
    for number in (1, 2, 3):
        assert (columns["class_id"] == number).sum() == _regions(ids, number)
    assert set(columns["class_id"]) == {1, 2, 3}
    assert shapely.is_valid(polygons).all()
    assert any(len(polygon.interiors) for polygon in polygons)
    assert rasterio.CRS.from_user_input(meta["crs"]) == rasterio.CRS.from_user_input(PLACES[place][0])


@pytest.mark.parametrize("place", PLACES)
def test_polygons_drawn_again_are_the_classes(place, tmp_path):
    ids = _classes()
    write_polygons(_labels(tmp_path / "a.tif", ids, place), tmp_path / "a.gpkg")
    _, polygons, columns = _read(tmp_path / "a.gpkg")
    shapes = zip(polygons, columns["class_id"].tolist(), strict=True)
    np.testing.assert_array_equal(rasterize(shapes, ids.shape, transform=PLACES[place][1], dtype="uint8"), ids)


def test_areas_of_a_projected_system_are_those_of_the_pixels(tmp_path):
    ids = _classes()
    written = write_polygons(_labels(tmp_path / "a.tif", ids), tmp_path / "a.gpkg")
    for number in (1, 2, 3):
        assert written.totals[number].area == pytest.approx((ids == number).sum() * 10 * 20, rel=1e-9)


def test_areas_of_feet_are_in_square_meters(tmp_path):
    path = _labels(tmp_path / "a.tif", np.ones((3, 5), np.uint8))
    with rasterio.open(path, "r+") as file:
        file.crs = "EPSG:2263"  # New York, in US survey feet
    written = write_polygons(path, tmp_path / "a.gpkg")
    assert written.totals[1].area == pytest.approx(15 * 200 * (1200 / 3937) ** 2)


def test_areas_of_degrees_are_those_on_the_ellipsoid(tmp_path):
    ids = np.zeros((40, 50), np.uint8)
    ids[10:30, 5:45] = 1
    ids[15:20, 10:12] = 0
    written = write_polygons(_labels(tmp_path / "a.tif", ids, "degrees"), tmp_path / "a.gpkg")
    eccentricity = math.sqrt(2 / 298.257223563 - 1 / 298.257223563**2)

    def zone(row):  # of one degree between the equator and the row's upper side
        sine = math.sin(math.radians(47.25 - 2e-4 * row))
        term = sine / (1 - (eccentricity * sine) ** 2) + math.atanh(eccentricity * sine) / eccentricity
        return math.radians(1) * 6378137**2 * (1 - eccentricity**2) / 2 * term

    expected = 1e-4 * (40 * (zone(10) - zone(30)) - 2 * (zone(15) - zone(20)))
    assert written.totals[1].area == pytest.approx(expected, rel=1e-6)


def test_geojson_is_that_of_rfc_7946(tmp_path):
    ids = _classes()
    write_polygons(_labels(tmp_path / "a.tif", ids, "rotated"), tmp_path / "a.geojson", {1: "crop", 3: 'a "wood"'})
    parsed = json.loads((tmp_path / "a.geojson").read_text())
    assert set(parsed) == {"type", "features"}
    for feature in parsed["features"]:
        outer, *holes = (shapely.LinearRing(ring) for ring in feature["geometry"]["coordinates"])
        assert outer.is_ccw
        assert not any(hole.is_ccw for hole in holes)
        assert feature["properties"]["class_name"] == {1: "crop", 3: 'a "wood"'}[feature["properties"]["class_id"]]
    assert len(parsed["features"]) == _regions(ids, 1) + _regions(ids, 3)
    _, polygons, _ = _read(tmp_path / "a.geojson")
    with rasterio.open(tmp_path / "a.tif") as file:
        expected = rasterio.warp.transform_bounds(file.crs, "EPSG:4326", *file.bounds)
    west, south, east, north = shapely.total_bounds(polygons)
    assert expected[0] - 1e-8 < west < east < expected[2]
    assert expected[1] < south < north < expected[3]


def test_long_edges_follow_the_curves_of_degrees(tmp_path):
    path = _labels(tmp_path / "a.tif", np.ones((2, 2000), np.uint8))
    write_polygons(path, tmp_path / "a.geojson")
    _, (polygon,), _ = _read(tmp_path / "a.geojson")
    middle = rasterio.warp.transform("EPSG:32633", "EPSG:4326", [510_000], [5_000_000])
    assert polygon.boundary.distance(shapely.Point(middle[0][0], middle[1][0])) < 1e-7


def test_a_polygon_across_the_antimeridian_is_cut_there(tmp_path):
    path = _labels(tmp_path / "a.tif", np.ones((20, 40), np.uint8))
    with rasterio.open(path, "r+") as file:
        file.crs, file.transform = "EPSG:32601", rasterio.Affine(1000, 0, 150_000, 0, -1000, 1_000_000)
    write_polygons(path, tmp_path / "a.geojson")
    _, (polygon,), _ = _read(tmp_path / "a.geojson")
    west, east = sorted(polygon.geoms, key=lambda part: part.bounds[0])
    assert (west.bounds[0], east.bounds[2]) == (-180, 180)
    assert west.bounds[2] < -179
    assert east.bounds[0] > 179


def test_the_value_for_no_data_is_no_class(tmp_path):
    ids = np.where(_classes() == 1, 255, 2).astype(np.uint8)
    write_polygons(_labels(tmp_path / "a.tif", ids, nodata=255), tmp_path / "a.gpkg")
    assert set(_read(tmp_path / "a.gpkg")[2]["class_id"]) == {2}


def test_numbers_of_objects_of_32_bits_are_kept(tmp_path):
    ids = np.zeros((20, 20), np.uint32)
    ids[2:5, 2:5], ids[8:12, 8:12] = 70_001, 2**31 - 2
    write_polygons(_labels(tmp_path / "a.tif", ids), tmp_path / "a.gpkg")
    assert set(_read(tmp_path / "a.gpkg")[2]["class_id"]) == {70_001, 2**31 - 2}


def test_without_a_coordinate_system_areas_are_in_pixels(tmp_path):
    ids = _classes()
    tifffile.imwrite(tmp_path / "a.tif", ids)
    write_polygons(tmp_path / "a.tif", tmp_path / "a.gpkg")
    meta, _, columns = _read(tmp_path / "a.gpkg")
    assert columns["area_px"].sum() == (ids > 0).sum()
    assert not meta["crs"] or "Undefined" in meta["crs"]


def test_a_raster_without_regions_becomes_a_layer_of_none(tmp_path):
    path = _labels(tmp_path / "a.tif", np.zeros((8, 8), np.uint8))
    for name in ("a.gpkg", "a.geojson"):
        write_polygons(path, tmp_path / name)
        assert len(_read(tmp_path / name)[1]) == 0


def test_more_regions_than_a_batch_are_all_there(tmp_path):
    ids = (np.indices((150, 200)).sum(0) % 2).astype(np.uint8)
    write_polygons(_labels(tmp_path / "a.tif", ids), tmp_path / "a.gpkg")
    assert len(_read(tmp_path / "a.gpkg")[1]) == 15_000


def test_the_result_of_a_prediction_becomes_polygons_on_the_command_line(tmp_path):
    image = write_tif(tmp_path / "image.tif", np.random.default_rng(0).integers(0, 255, (1, 40, 60), np.uint8))
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, in_channels=1, classes=3).eval()
    unetzoo.predict_files(model, image, tmp_path / "mask.tif")
    arguments = ["polygons", str(tmp_path / "mask.tif"), str(tmp_path / "a.gpkg")]
    classes = ["--class", "soil=0", "--class", "crop=1", "--class", "wood=2"]
    done = CliRunner().invoke(app, [*arguments, *classes])
    assert done.exit_code == 0, done.output
    _, polygons, columns = _read(tmp_path / "a.gpkg")
    count = len(polygons)
    assert f"{count:,} polygon{'' if count == 1 else 's'}" in done.output
    assert columns["area_m2"].sum() == pytest.approx(40 * 60 * 200)
    again = CliRunner().invoke(app, [*arguments, *classes])
    assert again.exit_code == 2
    assert "is there already" in again.output


@pytest.mark.parametrize(
    ("labels", "out", "options", "problem"),
    [
        ("none.tif", "a.gpkg", [], "there is no file"),
        ("text.tif", "a.gpkg", [], "it must be a TIFF or PNG"),
        ("image.tif", "a.gpkg", [], "must have one band of class ids"),
        ("float.tif", "a.gpkg", [], "1 bands of float32"),
        ("bare.tif", "a.geojson", [], "has no coordinate system"),
        ("bare.tif", "a.kml", [], "none of the endings that can be written: .gpkg, .geojson"),
        ("bare.tif", "none/a.gpkg", [], "there is no folder"),
        ("bare.tif", "a.gpkg", ["--class", "crop"], "--class must be a name and an id"),
        ("bare.tif", "a.gpkg", ["--class", "crop=1", "--class", "wood=1"], "each needs its own"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(labels, out, options, problem, tmp_path):
    (tmp_path / "text.tif").write_text("no pixels")
    write_tif(tmp_path / "image.tif", np.ones((3, 4, 5), np.uint8))
    write_tif(tmp_path / "float.tif", np.ones((1, 4, 5), np.float32))
    tifffile.imwrite(tmp_path / "bare.tif", np.ones((4, 5), np.uint8))
    before = sorted(tmp_path.iterdir())
    done = CliRunner().invoke(app, ["polygons", str(tmp_path / labels), str(tmp_path / out), *options])
    assert done.exit_code == 2
    assert problem in " ".join(done.output.split())
    assert "Traceback" not in done.output
    assert sorted(tmp_path.iterdir()) == before
