"""`unetzoo data convert` of every form of annotations."""

import json

import numpy as np
import pytest
from PIL import Image

from unetzoo.data.formats.read import read_raw_mask
from unetzoo.objects.outlines import outlines_of
from unetzoo.objects.rois import write_rois

_objects = np.zeros((48, 64), np.int32)
_objects[10:25, 10:30], _objects[30:40, 5:50] = 1, 2
_BOXES = ((10, 10, 30, 25), (5, 30, 50, 40))  # left, top, right, bottom


def _corners(box):
    left, top, right, bottom = box
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


def _image(folder, name="a.png"):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.arange(48 * 64, dtype=np.uint8).reshape(48, 64)).save(folder / name)


def _coco(folder, segmentations):
    _image(folder)
    content = {
        "images": [{"id": 7, "file_name": "a.png", "height": 48, "width": 64}],
        "categories": [{"id": 3, "name": "cell"}],
        "annotations": [
            {"id": number, "image_id": 7, "category_id": 3, "segmentation": each}
            for number, each in enumerate(segmentations)
        ],
    }
    (folder / "instances.json").write_text(json.dumps(content))


def _coco_polygons(folder):
    _coco(folder, [[np.ravel(_corners(box)).tolist()] for box in _BOXES])


def _coco_runs(folder):
    masks = [(_objects == number).T.ravel() for number in (1, 2)]
    changes = [np.flatnonzero(np.diff(mask, prepend=False, append=True)) for mask in masks]
    counts = [np.diff(each, prepend=0, append=_objects.size).tolist() for each in changes]
    _coco(folder, [{"size": [48, 64], "counts": each} for each in counts])


def _labelme(folder):
    _image(folder)
    shapes = [{"label": "cell", "points": _corners(box), "shape_type": "polygon"} for box in _BOXES]
    content = {"imagePath": "a.png", "imageHeight": 48, "imageWidth": 64, "shapes": shapes}
    (folder / "a.json").write_text(json.dumps(content))


def _cvat(folder):
    _image(folder, "images/a.png")
    shapes = [";".join(f"{x},{y}" for x, y in _corners(box)) for box in _BOXES]
    polygons = "".join(f'<polygon label="cell" points="{points}" z_order="0"/>' for points in shapes)
    (folder / "annotations.xml").write_text(
        f'<annotations><version>1.1</version><image id="0" name="a.png" width="64" height="48">{polygons}</image>'
        "</annotations>"
    )


def _qupath(folder):
    _image(folder)
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [[*_corners(box), _corners(box)[0]]]},
            "properties": {"objectType": "annotation", "classification": {"name": "cell"}},
        }
        for box in _BOXES
    ]
    (folder / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def _imagej(folder):
    _image(folder)
    write_rois(folder / "a.zip", outlines_of(_objects))


def _yolo(folder):
    _image(folder, "images/a.png")
    (folder / "labels").mkdir()
    lines = [" ".join(["0", *(str(value) for x, y in _corners(box) for value in (x / 64, y / 48))]) for box in _BOXES]
    (folder / "labels" / "a.txt").write_text("\n".join(lines))
    (folder / "data.yaml").write_text("names: [cell]\n")


def _single(folder):
    for name in "ab":
        _image(folder, f"{name}/images/{name}.png")
        (folder / name / "masks").mkdir()
        for number in (1, 2):
            mask = (_objects == number).astype(np.uint8) * 255
            Image.fromarray(mask).save(folder / name / "masks" / f"{number}.png")


_FORMS = (_coco_polygons, _coco_runs, _labelme, _cvat, _qupath, _imagej, _yolo, _single)


@pytest.mark.parametrize("write", _FORMS, ids=[each.__name__[1:] for each in _FORMS])
def test_any_annotations_become_masks_of_classes_or_of_objects(write, invoke, tmp_path):
    (tmp_path / "data").mkdir()
    write(tmp_path / "data")
    for name, options, expected in (
        ("classes", [], (_objects > 0).astype(int)),
        ("objects", ["--masks", "instances"], _objects),
    ):
        result = invoke("data", "convert", str(tmp_path / "data"), str(tmp_path / name), *options)
        assert result.exit_code == 0, result.output
        images, masks = (sorted((tmp_path / name / kind).iterdir()) for kind in ("images", "masks"))
        assert [path.stem for path in images] == [path.stem for path in masks] == ["a", "b"][: len(images)]
        for path in masks:
            np.testing.assert_array_equal(read_raw_mask(path).pixels, expected)
