"""Outlines of objects: polygons that hold the pixels of the object and no others, in the formats of other programs."""

import json

import numpy as np
import pytest
from drawn_objects import drawn, ellipses, nuclei
from matplotlib.path import Path

from unetzoo import outline_objects
from unetzoo.objects.geojson import open_geojson
from unetzoo.objects.outlines import outlines_of
from unetzoo.objects.rois import write_rois
from unetzoo.objects.windows import object_windows

RING = drawn("11111", "1...1", "1.2.1", "1...1", "11111")
PINCHED = drawn("111", "1.1", "11.")  # the hole meets the outside at a corner


def _rasterized(shape, rings):
    """The pixels whose centers lie within an odd number of rings, by matplotlib's test of points."""
    rows, columns = np.indices(shape).reshape(2, -1) + 0.5
    inside = [Path(np.array(ring)).contains_points(np.stack([columns, rows], axis=1)) for ring in rings]
    return np.logical_xor.reduce(inside).reshape(shape)


def _area(ring):
    x, y = np.array(ring, float).T
    return (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2


def _check(ids):
    outlines = outline_objects(ids)
    assert sorted(outline.number for outline in outlines) == np.unique(ids[ids > 0]).tolist()
    for number, polygons in outlines:
        rings = [ring for polygon in polygons for ring in polygon]
        np.testing.assert_array_equal(_rasterized(ids.shape, rings), ids == number)
        assert sum(map(_area, rings)) == (ids == number).sum()
        for outer, *holes in polygons:
            assert _area(outer) > 0
            assert all(_area(hole) < 0 for hole in holes)
            assert all(len(np.unique(ring, axis=0)) == len(ring) for ring in (outer, *holes))  # touches itself nowhere
            steps = np.diff(outer, axis=0, append=outer[:1])
            assert ((steps == 0).sum(1) == 1).all()  # along the edges of pixels
            assert (np.diff(np.abs(steps).argmax(1), append=np.abs(steps[0]).argmax()) != 0).all()  # corners alone


@pytest.mark.parametrize(
    "ids", [ellipses(30, 120), nuclei(80), RING, PINCHED, drawn("1"), drawn("1.", ".1"), -drawn("12")]
)
def test_outlines_hold_the_pixels_of_their_objects_and_no_others(ids):
    _check(ids)


def test_outlines_of_noise_hold_its_pixels():
    random = np.random.default_rng(0)
    for _ in range(60):
        _check(random.integers(0, random.integers(2, 5), random.integers(1, 12, 2)))


def test_corners_of_a_pixel_are_those_of_its_square():
    ((number, ((ring,),)),) = outline_objects(drawn("...", "..3"))
    assert (number, ring.tolist()) == (3, [[2, 1], [3, 1], [3, 2], [2, 2]])


def test_a_ring_has_a_hole_in_which_another_object_lies():
    ring, pixel = outline_objects(RING)
    assert [corners.tolist() for corners in ring.polygons[0]] == [
        [[0, 0], [5, 0], [5, 5], [0, 5]],
        [[4, 1], [1, 1], [1, 4], [4, 4]],
    ]
    assert pixel.polygons[0][0].tolist() == [[2, 2], [3, 2], [3, 3], [2, 3]]


def test_parts_that_touch_at_a_corner_are_polygons_of_their_own():
    (outline,) = outline_objects(drawn("1.", ".1"))
    assert [len(polygon) for polygon in outline.polygons] == [1, 1]


@pytest.mark.parametrize("rows", [1, 9, 50])
def test_windows_of_rows_give_the_outlines_of_the_whole_image_in_order(rows):
    ids = ellipses(60, 150)
    parts = [outline for part in object_windows(ids, rows=rows) for outline in outlines_of(part.ids, part.top)]
    assert _plain(parts) == _plain(outline_objects(ids))


def _plain(outlines):
    return [(number, [[ring.tolist() for ring in rings] for rings in polygons]) for number, polygons in outlines]


def _class_of(number):
    return ("cell", (0, 158, 115)) if number > 1 else ("dust", (240, 228, 66))


def test_geojson_is_a_collection_of_detections_as_qupath_writes_them(tmp_path):
    ids = np.where(RING == 0, drawn(*[".....", ".3...", ".....", "...3.", "....."]), RING)
    with open_geojson(tmp_path / "out.geojson") as file:
        file.add(outline_objects(ids), "a.png", _class_of)
    collection = json.loads((tmp_path / "out.geojson").read_text())
    assert collection["type"] == "FeatureCollection"
    geometries = {item["properties"]["name"]: item["geometry"] for item in collection["features"]}
    assert {name: item["type"] for name, item in geometries.items()} == {
        "1": "Polygon",
        "2": "Polygon",
        "3": "MultiPolygon",
    }
    for name, geometry in geometries.items():
        polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
        rings = [ring for polygon in polygons for ring in polygon]
        assert all(ring[0] == ring[-1] for ring in rings)
        np.testing.assert_array_equal(_rasterized(ids.shape, rings), ids == int(name))
    first = collection["features"][0]["properties"]
    assert (first["objectType"], first["image"]) == ("detection", "a.png")
    assert first["classification"] == {"name": "dust", "color": [240, 228, 66]}


def test_identifiers_of_geojson_differ_by_image_and_object_and_stay(tmp_path):
    outlines = outline_objects(RING)
    identifiers = []
    for name in ("a.png", "a.png", "b.png"):
        with open_geojson(tmp_path / "out.geojson") as file:
            file.add(outlines, name, _class_of)
        identifiers.append([item["id"] for item in json.loads((tmp_path / "out.geojson").read_text())["features"]])
    assert identifiers[0] == identifiers[1]
    assert len({*identifiers[0], *identifiers[2]}) == 4


def test_no_objects_are_an_empty_collection(tmp_path):
    with open_geojson(tmp_path / "out.geojson") as file:
        file.add([], "a.png", _class_of)
    assert json.loads((tmp_path / "out.geojson").read_text()) == {"type": "FeatureCollection", "features": []}


def test_shapely_finds_the_polygons_valid_and_as_large_as_their_objects(tmp_path):
    shapely = pytest.importorskip("shapely")
    random = np.random.default_rng(1)
    for _ in range(50):
        ids = random.integers(0, 3, random.integers(1, 12, 2))
        with open_geojson(tmp_path / "out.geojson") as file:
            file.add(outline_objects(ids), "", _class_of)
        for item in json.loads((tmp_path / "out.geojson").read_text())["features"]:
            shape = shapely.from_geojson(json.dumps(item["geometry"]))
            assert shape.is_valid
            assert shape.area == (ids == int(item["properties"]["name"])).sum()


def test_roifile_reads_the_regions_of_a_zip_back(tmp_path):
    roifile = pytest.importorskip("roifile")
    ids = np.pad(np.where(RING == 0, drawn(*[".....", ".3...", ".....", "...3.", "....."]), RING), ((6, 0), (300, 0)))
    write_rois(tmp_path / "out.zip", outline_objects(ids))
    regions = roifile.roiread(tmp_path / "out.zip")
    assert [region.name for region in regions] == ["00001", "00003", "00002"]
    for region in regions:
        rings = region.coordinates(multi=True)
        rings = rings if isinstance(rings, list) else [rings]
        np.testing.assert_array_equal(_rasterized(ids.shape, rings), ids == int(region.name))
        rows, columns = (ids == int(region.name)).nonzero()
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert (region.left, region.top, region.right, region.bottom) == box


def test_a_zip_of_regions_has_the_same_bytes_each_time_and_places_beyond_32767(tmp_path):
    roifile = pytest.importorskip("roifile")
    ids = np.zeros((3, 50_000), np.uint8)
    ids[1, 40_000] = 1
    for name in ("a.zip", "b.zip"):
        write_rois(tmp_path / name, outline_objects(ids))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    (region,) = roifile.roiread(tmp_path / "a.zip")
    assert region.coordinates().tolist() == [[40_000, 1], [40_001, 1], [40_001, 2], [40_000, 2]]
