"""Outlines of several classes that overlap."""

import json

import numpy as np
import pytest
from PIL import Image

import unetzoo


def _square(left, top, side):
    return [[left, top], [left + side, top], [left + side, top + side], [left, top + side]]


def _flat(*box):
    return np.ravel(_square(*box)).tolist()


_SHAPES = [("cell", 2, 2, 12), ("nucleus", 4, 4, 4), ("cell", 10, 10, 8), ("nucleus", 16, 16, 2)]


def _expected(names):
    planes = np.zeros((len(names), 24, 24), np.uint8)
    for name, left, top, side in _SHAPES:
        planes[names.index(name), top : top + side, left : left + side] = 1
    return planes


def _labelme(folder):
    shapes = [{"label": name, "points": _square(*box), "shape_type": "polygon"} for name, *box in _SHAPES]
    document = {"shapes": shapes, "imagePath": "a.png", "imageHeight": 24, "imageWidth": 24}
    (folder / "a.json").write_text(json.dumps(document))


def _coco(folder):
    names = ["cell", "nucleus"]
    annotations = [
        {"id": number, "image_id": 1, "category_id": names.index(name), "segmentation": [_flat(*box)]}
        for number, (name, *box) in enumerate(_SHAPES)
    ]
    document = {
        "images": [{"id": 1, "file_name": "a.png", "height": 24, "width": 24}],
        "categories": [{"id": number, "name": name} for number, name in enumerate(names)],
        "annotations": annotations,
    }
    (folder / "labels.json").write_text(json.dumps(document))


def _geojson(folder):
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [[*_square(*box), _square(*box)[0]]]},
            "properties": {"objectType": "annotation", "classification": {"name": name}},
        }
        for name, *box in _SHAPES
    ]
    (folder / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))


@pytest.mark.parametrize("write", [_labelme, _coco, _geojson])
def test_outlines_of_each_class_are_a_plane_if_the_user_says_that_they_may_overlap(tmp_path, write):
    Image.fromarray(np.zeros((24, 24, 3), np.uint8)).save(tmp_path / "a.png")
    write(tmp_path)
    survey = unetzoo.survey(tmp_path, masks="overlapping")
    assert (survey.errors, survey.statistics.labels) == ((), "overlapping")
    assert np.array_equal(survey.dataset("all")[0].mask, _expected(list(survey.class_names)))
    assert not any("objects overlap" in warning for warning in survey.warnings)


def test_by_default_the_last_outline_has_a_pixel_and_the_way_out_is_said(tmp_path):
    Image.fromarray(np.zeros((24, 24, 3), np.uint8)).save(tmp_path / "a.png")
    _labelme(tmp_path)
    survey = unetzoo.survey(tmp_path)
    assert survey.class_names == ("background", "cell", "nucleus")
    assert "masks='overlapping' (--masks overlapping) keeps those of several classes" in " ".join(survey.warnings)


def test_what_does_not_count_is_unknown_in_every_plane(tmp_path):
    Image.fromarray(np.zeros((24, 24, 3), np.uint8)).save(tmp_path / "a.png")
    _labelme(tmp_path)
    document = json.loads((tmp_path / "a.json").read_text())
    document["shapes"].append({"label": "__ignore__", "points": _square(0, 0, 6), "shape_type": "polygon"})
    (tmp_path / "a.json").write_text(json.dumps(document))
    mask = unetzoo.survey(tmp_path, masks="overlapping").dataset("all")[0].mask
    expected = _expected(["cell", "nucleus"])
    expected[:, :6, :6] = 255
    assert np.array_equal(mask, expected)
