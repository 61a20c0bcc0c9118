"""Annotations whose values or bytes were changed at random: each is read, or refused by one error that names a file."""

import copy
import json
import random
import warnings

import mutations
import numpy as np
import pytest
from guard import confined
from PIL import Image
from roifile import ImagejRoi, roiwrite

import unetzoo
from unetzoo.data.find import open_source

_SQUARE = [[2, 2], [20, 2], [20, 20], [2, 20]]
_COCO = {
    "images": [{"id": 0, "file_name": "a.png", "height": 24, "width": 31}],
    "annotations": [
        {"id": 0, "image_id": 0, "category_id": 1, "segmentation": [[2, 2, 20, 2, 20, 20]], "iscrowd": 0},
        {"id": 1, "image_id": 0, "category_id": 1, "segmentation": {"size": [24, 31], "counts": [700, 20, 24]}},
    ],
    "categories": [{"id": 1, "name": "cell"}],
}
_LABELME = {
    "imagePath": "a.png",
    "imageHeight": 24,
    "imageWidth": 31,
    "shapes": [
        {"label": "cell", "points": _SQUARE, "shape_type": "polygon", "group_id": 1},
        {"label": "cell", "points": [[2, 2], [9, 9]], "shape_type": "circle", "group_id": None},
        {"label": "cell", "points": [[2, 2], [9, 9]], "shape_type": "rectangle", "group_id": None},
    ],
}
_QUPATH = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "geometry": {"type": kind, "coordinates": coordinates},
            "properties": {"classification": {"name": "cell", "color": [1, 2, 3]}},
        }
        for kind, coordinates in (("Polygon", [_SQUARE, _SQUARE]), ("MultiPolygon", [[_SQUARE], [_SQUARE]]))
    ],
}
_CVAT = b"""<?xml version="1.0" encoding="utf-8"?>
<annotations><meta><task><labels><label><name>cell</name></label></labels></task></meta>
<image id="0" name="a.png" width="31" height="24" subset="train">
<polygon label="cell" points="2.0,2.0;20.0,2.0;20.0,20.0" z_order="0" group_id="1"></polygon>
<box label="cell" xtl="2" ytl="2" xbr="9" ybr="9" rotation="30"></box>
<ellipse label="cell" cx="10" cy="10" rx="5" ry="3"></ellipse>
<mask label="cell" rle="3, 5, 8" left="2" top="2" width="4" height="4"></mask>
</image></annotations>"""
_YOLO = b"0 0.1 0.1 0.5 0.1 0.5 0.5\n1 0.1 0.1 0.5 0.1 0.5 0.5 0.2 0.7\n"


def _rois(folder):
    roiwrite(folder / "a.zip", [ImagejRoi.frompoints(np.array(_SQUARE) + shift) for shift in (0, 0.5)])
    return (folder / "a.zip").read_bytes()


def _error(folder):
    """Open a folder and draw the mask of its image; the error of unetzoo that says why that cannot be done, or none."""
    with confined(folder), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            source = open_source(folder)
            source.pair(0)
            source.instances(0)
            source.doubts(0)
        except unetzoo.UnetzooError as error:
            return str(error)
    return ""


def _check(folder, label):
    error = _error(folder)
    assert not error or str(folder) in error, label


@pytest.fixture
def folder(tmp_path):
    Image.fromarray(np.zeros((24, 31), np.uint8)).save(tmp_path / "a.png")
    return tmp_path


@pytest.fixture(params=[pytest.param(1, id="some"), pytest.param(25, marks=pytest.mark.slow, id="many")])
def times(request):
    """How many times as many changes as in every run."""
    return request.param


@pytest.mark.parametrize(
    ("name", "document"),
    [("coco.json", _COCO), ("a.json", _LABELME), ("a.geojson", _QUPATH)],
    ids=["coco", "labelme", "qupath"],
)
def test_changed_values_of_json_are_read_or_refused(name, document, times, folder):
    chance = random.Random(name)
    for number in range(100 * times):
        changed = mutations.change_json(copy.deepcopy(document), chance)
        (folder / name).write_text(json.dumps(changed))
        _check(folder, f"{name}, change {number}")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("coco.json", json.dumps(_COCO).encode()),
        ("a.json", json.dumps(_LABELME).encode()),
        ("a.geojson", json.dumps(_QUPATH).encode()),
        ("annotations.xml", _CVAT),
        ("a.txt", _YOLO),
        ("a.zip", None),
    ],
    ids=["coco", "labelme", "qupath", "cvat", "yolo", "imagej"],
)
def test_changed_bytes_are_read_or_refused(name, content, times, folder):
    content = content or _rois(folder)
    (folder / name).write_bytes(content)
    source = open_source(folder)  # what is changed is sound
    assert source.instances(0).any()
    chance = random.Random(name)
    for number in range(60 * times):
        (folder / name).write_bytes(mutations.change_bytes(content, chance))
        _check(folder, f"{name}, change {number}")
