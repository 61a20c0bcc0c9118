"""GeoJSON as QuPath 0.5 exports it: feature collections, lists, one feature; holes and several parts."""

import numpy as np
import pytest

import unetzoo
from unetzoo.objects.geojson import open_geojson

_SIZE = (40, 60)


def _square(left, top, side):
    return [[left, top], [left + side, top], [left + side, top + side], [left, top + side], [left, top]]


def _feature(geometry, name="", **properties):
    classification = {"classification": {"name": name, "color": [200, 0, 0]}} if name else {}
    return {
        "type": "Feature",
        "id": "5c1e",
        "geometry": geometry,
        "properties": {"objectType": "annotation", **classification, **properties},
    }


def _collection(*features):
    return {"type": "FeatureCollection", "features": list(features)}


_RING = {"type": "Polygon", "coordinates": [_square(2, 2, 12), _square(4, 4, 6)]}
_TWO = {"type": "MultiPolygon", "coordinates": [[_square(20, 2, 10), _square(22, 4, 2)], [_square(40, 20, 10)]]}


def _expected():
    mask = np.zeros(_SIZE)
    mask[2:14, 2:14] = 1
    mask[4:10, 4:10] = 0
    mask[2:12, 20:30] = mask[20:30, 40:50] = 2
    mask[4:6, 22:24] = 0
    return mask


@pytest.mark.parametrize("form", [_collection, lambda *features: list(features)])
def test_holes_are_outside_and_parts_are_one_object(form, write_image, write_json, opened):
    write_image("a.png")
    write_json("a.geojson", form(_feature(_RING, "Stroma"), _feature(_TWO, "Tumor")))
    source = opened()
    assert source.class_names == ("background", "Stroma", "Tumor")
    np.testing.assert_array_equal(source.raw_mask(0), _expected())
    np.testing.assert_array_equal(source.instances(0), _expected())


def test_a_single_feature_is_a_file(write_image, write_json, opened):
    write_image("a.png")
    write_json("a.json", _feature(_RING))
    np.testing.assert_array_equal(opened().raw_mask(0), _expected() == 1)
    assert opened().class_names == ("background", "foreground")


@pytest.mark.parametrize(
    ("image", "file"),
    [
        ("a.png", "a.geojson"),
        ("images/a.tif", "annotations/a.tif.geojson"),
        ("slides/a.ome.tif", "slides/a.geojson"),
        ("images/a.png", "geojson/a.geojson"),
        ("images/train/a.png", "annotations/train/a_annotation.geojson"),
    ],
)
def test_a_file_belongs_to_the_image_of_its_name(image, file, write_image, write_json, opened):
    write_image(image)
    write_json(file, _collection(_feature(_RING, "Tumor")))
    source = opened()
    assert [entry.name for entry in source.entries] == [image]
    assert source.problems == ()


def test_outlines_that_are_written_are_read_again(write_image, tmp_path, opened):
    write_image("a.png")
    numbers = np.zeros(_SIZE, np.int32)
    numbers[5:20, 5:25] = numbers[30:35, 5:25] = 1
    numbers[8:12, 8:12] = 0
    numbers[20:30, 25:50] = 2
    with open_geojson(tmp_path / "a.geojson") as file:
        file.add(unetzoo.outline_objects(numbers), "a.png", lambda _: ("cell", (0, 0, 0)))
    np.testing.assert_array_equal(opened().instances(0), numbers)
    assert opened().class_names == ("background", "cell")


def test_what_has_no_partner_is_said(write_image, write_json, opened):
    for name in ("a.png", "b.png"):
        write_image(name)
    write_json("a.geojson", _collection())
    write_json("c.geojson", _collection())
    assert opened().problems == ("b.png has no annotations", "c.geojson has no image")


def test_classes_of_several_levels_are_written_as_qupath_shows_them(write_image, write_json, opened):
    write_image("a.png")
    nested = _feature(_RING, classification={"names": ["Tumor", "Positive"], "color": [0, 0, 0]})
    write_json("a.geojson", _collection(nested, _feature(_TWO), _feature(_TWO, "Ignore*")))
    source = opened()
    assert source.class_names == ("background", "unclassified", "Tumor: Positive")
    mask = source.raw_mask(0).pixels
    assert (mask[3, 3], mask[3, 25]) == (2, 255)


def test_lines_and_points_are_left_out_and_parts_of_collections_are_read(write_image, write_json, tmp_path):
    write_image("a.png")
    line, point = {"type": "LineString", "coordinates": [[0, 0], [9, 9]]}, {"type": "Point", "coordinates": [3, 3]}
    together = {"type": "GeometryCollection", "geometries": [_RING, point]}
    write_json("a.geojson", _collection(_feature(line), _feature(together)))
    survey = unetzoo.survey(tmp_path)
    assert "a.png: its annotations of the kind LineString have no area, and are left out" in survey.warnings
    np.testing.assert_array_equal(survey.dataset("all")[0].mask, _expected() == 1)


def test_measurements_that_are_not_numbers_do_no_harm(write_image, tmp_path, opened):
    write_image("a.png")
    (tmp_path / "a.geojson").write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": '
        '[[[0,0,1],[9,0,1],[9,9,1]]]}, "properties": {"measurements": {"area": NaN, "x": Infinity}}}]}'
    )
    assert opened().raw_mask(0).pixels.any()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (_collection() | {"crs": {"type": "name"}}, "coordinate reference system"),
        (_collection(_feature(None)), "the geometry of a feature is not a JSON object, but null"),
        (_collection(_feature({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]})), "at least 3 points"),
        (_collection(_feature({"type": "Polygon", "coordinates": 3})), "the coordinates of a Polygon is not a list"),
        (_collection(_feature({"type": "Polygon"})), "KeyError: 'coordinates'"),
        (_collection(3), "a feature is not a JSON object, but 3"),
        ({"type": "FeatureCollection"}, "KeyError: 'features'"),
        (_collection(_feature(_RING, classification={"name": 3})), "the name of a classification is not a text"),
    ],
)
def test_files_that_do_not_fit_the_format_are_one_error(content, message, write_image, write_json, opened):
    write_image("a.png")
    path = write_json("a.geojson", content)
    with pytest.raises(unetzoo.DataError, match=message) as error:
        opened()
    assert str(error.value).startswith(str(path))


def test_collections_in_collections_are_an_error_not_a_crash(write_image, tmp_path, opened):
    write_image("a.png")
    deep = '{"type":"GeometryCollection","geometries":[' * 800 + "]}" * 800
    (tmp_path / "a.geojson").write_text('{"type":"Feature","properties":{},"geometry":' + deep + "}")
    with pytest.raises(unetzoo.DataError, match=r"a\.geojson"):
        opened()
