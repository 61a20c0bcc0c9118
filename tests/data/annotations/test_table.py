"""Which format a folder holds is decided by what its files say; where several do, the user is asked."""

import numpy as np
import pytest
from PIL import Image

import unetzoo
from unetzoo.data.annotations.table import ANNOTATION_FORMATS, named_format
from unetzoo.data.find import open_source

_COCO = {
    "images": [{"id": 0, "file_name": "a.png", "height": 40, "width": 60}],
    "annotations": [{"id": 0, "image_id": 0, "category_id": 1, "segmentation": [[0, 0, 8, 0, 8, 8, 0, 8]]}],
    "categories": [{"id": 1, "name": "by coco"}],
}
_LABELME = {
    "imagePath": "a.png",
    "shapes": [{"label": "by labelme", "shape_type": "polygon", "points": [[0, 0], [8, 0], [8, 8]]}],
}


def test_the_ending_of_a_json_file_does_not_decide_its_format(write_image, write_json, opened):
    write_image("a.png")
    write_json("notes.json", {"shapes": 3})
    write_json("a.json", _LABELME)
    assert opened().class_names == ("background", "by labelme")


def test_several_formats_are_an_error_that_says_how_to_name_one(write_image, write_json, tmp_path):
    write_image("a.png")
    write_json("all.json", _COCO)
    write_json("a.json", _LABELME)
    with pytest.raises(unetzoo.DataError, match="several formats") as error:
        open_source(tmp_path)
    assert f"COCO (all.json) and LabelMe (a.json): say which, as coco:{tmp_path} or labelme:{tmp_path}" in str(
        error.value
    ).replace("LabelMe (a.json) and COCO (all.json)", "COCO (all.json) and LabelMe (a.json)").replace(
        f"labelme:{tmp_path} or coco:{tmp_path}", f"coco:{tmp_path} or labelme:{tmp_path}"
    )
    assert open_source(f"coco:{tmp_path}").class_names == ("background", "by coco")
    assert unetzoo.open_dataset(f"labelme:{tmp_path}").class_names == ("background", "by labelme")
    with pytest.raises(unetzoo.DataError, match="does not hold annotations of the format CVAT XML; it holds"):
        open_source(f"cvat:{tmp_path}")


def test_masks_are_read_before_annotations_unless_these_are_named(write_image, write_json, tmp_path):
    write_image("images/a.png")
    (tmp_path / "masks").mkdir()
    Image.fromarray(np.eye(40, 60, dtype=np.uint8)).save(tmp_path / "masks" / "a.png")
    write_json("all.json", _COCO)
    np.testing.assert_array_equal(open_source(tmp_path).raw_mask(0), np.eye(40, 60))
    assert open_source(f"coco:{tmp_path}").class_names == ("background", "by coco")


def test_a_name_before_a_colon_is_that_of_a_format_only(tmp_path):
    assert named_format("coco:cells") == ("coco", "cells")
    assert named_format("C:\\cells") == ("", "C:\\cells")
    assert named_format("hf:user/cells") == ("", "hf:user/cells")
    with pytest.raises(unetzoo.DataError, match="there is no folder or file"):
        open_source("coco:nowhere")


def test_a_file_of_another_kind_is_not_a_data_set(write_image, write_json, tmp_path):
    for path in (write_image("a.png"), write_json("a.json", {})):
        with pytest.raises(unetzoo.DataError, match="is not a data set"):
            open_source(path)


def test_formats_have_names_of_their_own_that_are_no_drive():
    names = [format_.name for format_ in ANNOTATION_FORMATS]
    assert len(set(names)) == len(names)
    assert min(map(len, names)) > 1
