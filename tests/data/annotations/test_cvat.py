"""The file of CVAT's export 'CVAT for images 1.1', with the tags and attributes that its documentation lists."""

import numpy as np
import pytest
from pycocotools import mask as coco

import unetzoo
from unetzoo.data.find import open_source

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools, by NumPy 2
_SIZE = (40, 60)
_META = (
    "<meta><task><name>x</name><labels><label><name>nucleus</name><color>#fa3253</color></label>"
    "<label><name>cell</name></label></labels></task></meta>"
)


@pytest.fixture
def write_xml(tmp_path):
    """Writes the XML of images (name: shapes) below the folder of the test."""

    def write(images, meta=_META, more=""):
        rows = "".join(
            f'<image id="{number}" name="{name}" width="60" height="40"{more}>{shapes}</image>'
            for number, (name, shapes) in enumerate(images.items())
        )
        path = tmp_path / "annotations.xml"
        path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<annotations>{meta}{rows}</annotations>')
        return path

    return write


def _polygon(left, label="cell", **more):
    attributes = "".join(f' {name}="{value}"' for name, value in more.items())
    points = f"{left},2.0;{left + 8},2.0;{left + 8},10.0;{left},10.0"
    return f'<polygon label="{label}" source="manual" occluded="0" points="{points}"{attributes}></polygon>'


def test_polygons_are_objects_with_the_classes_of_the_task(write_image, write_xml, opened):
    write_image("images/train/a.png")
    write_xml({"train/a.png": _polygon(0) + _polygon(10, "nucleus") + '<tag label="bad" source="manual"></tag>'})
    source = opened()
    assert [(entry.name, entry.split) for entry in source.entries] == [("images/train/a.png", "train")]
    assert source.class_names == ("background", "nucleus", "cell")
    expected = np.zeros(_SIZE)
    expected[2:10, :8], expected[2:10, 10:18] = 2, 1
    np.testing.assert_array_equal(source.raw_mask(0), expected)
    assert source.instances(0)[5, [3, 13]].tolist() == [1, 2]


def test_higher_shapes_lie_above_and_groups_are_one_object(write_image, write_xml, opened):
    write_image("a.png")
    shapes = _polygon(0, z_order=2) + _polygon(4, z_order=0) + _polygon(30, group_id=7) + _polygon(40, group_id=7)
    write_xml({"a.png": shapes + _polygon(20, group_id=0)})
    numbers = opened().instances(0)[5]
    assert len({*numbers.tolist()} - {0}) == 4
    assert numbers[6] == numbers[2] != numbers[10]  # the first has the higher z_order
    assert numbers[33] == numbers[43] != numbers[23]


@pytest.mark.parametrize("seed", range(5))
def test_masks_are_run_lengths_along_the_rows_of_a_rectangle(seed, write_image, write_xml, opened):
    """CVAT itself reads them as run lengths of COCO of the transposed rectangle."""
    write_image("a.png")
    pixels = np.random.default_rng(seed).integers(0, 2, (11, 7), dtype=np.uint8)
    ends = np.flatnonzero(np.diff(pixels.reshape(-1), prepend=0, append=2))
    counts = np.diff(ends, prepend=0).tolist()
    theirs = coco.decode(coco.frPyObjects({"counts": counts, "size": [7, 11]}, 7, 11)).T
    np.testing.assert_array_equal(theirs, pixels)
    rle = ", ".join(map(str, counts))
    write_xml({"a.png": f'<mask label="cell" rle="{rle}" left="50" top="20" width="7" height="11" z_order="0"></mask>'})
    expected = np.zeros(_SIZE)
    expected[20:31, 50:57] = 2 * pixels
    np.testing.assert_array_equal(opened().raw_mask(0), expected)


def test_boxes_and_ellipses_are_drawn_turned(write_image, write_xml, opened):
    write_image("a.png")
    box = '<box label="cell" xtl="10.0" ytl="10.0" xbr="30.0" ybr="14.0" rotation="90.0"></box>'
    oval = '<ellipse label="nucleus" cx="45.0" cy="20.0" rx="10.0" ry="5.0"></ellipse>'
    write_xml({"a.png": box + oval})
    mask = opened().raw_mask(0).pixels
    np.testing.assert_array_equal(np.argwhere(mask == 2).min(0), [2, 18])
    np.testing.assert_array_equal(np.argwhere(mask == 2).max(0), [21, 21])
    assert abs(int((mask == 1).sum()) - np.pi * 10 * 5) < 5


def test_shapes_without_an_area_are_left_out_and_said(write_image, write_xml, tmp_path):
    write_image("a.png")
    line = '<polyline label="cell" points="1,1;9,9"></polyline><points label="cell" points="4,4"></points>'
    write_xml({"a.png": _polygon(0) + line})
    survey = unetzoo.survey(tmp_path)
    assert "a.png: its annotations of the kind points, polyline have no area, and are left out" in survey.warnings


def test_the_subset_of_an_image_is_its_split(write_image, write_xml, tmp_path):
    for name in ("a.png", "b.png"):
        write_image(name)
    path = write_xml({"a.png": "", "b.png": ""}, more=' subset="Validation"')
    assert [entry.split for entry in open_source(path).entries] == ["val", "val"]


def test_tracks_of_a_video_are_refused_with_a_way_out(write_image, write_xml, opened):
    write_image("a.png")
    write_xml({}, more="", meta='<track id="0" label="cell"></track>')
    with pytest.raises(unetzoo.DataError, match=r"annotations.xml: it holds tracks of a video.*'CVAT for images 1.1'"):
        opened()


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ('<polygon label="cell" points="1,1;9"></polygon>', "a polygon of 'cell': an outline is not a list of numbers"),
        (
            '<polygon label="cell" points="1,1;9,9"></polygon>',
            "a polygon of 'cell': an outline needs at least",
        ),
        ('<polygon label="cell" points="a,1;9,9;2,2"></polygon>', "ValueError: could not convert"),
        ('<polygon label="cell"></polygon>', "KeyError: 'points'"),
        ('<mask label="cell" rle="3,x" left="0" top="0" width="2" height="2"></mask>', "ValueError: invalid literal"),
        ('<mask label="cell" rle="3" left="0" top="0" width="2" height="2"></mask>', "3 pixels instead of 4"),
        ('<mask label="cell" rle="-3, 7" left="0" top="0" width="2" height="2"></mask>', "not whole numbers from 0"),
        ('<box label="cell" xtl="nan" ytl="0" xbr="2" ybr="2"></box>', "not finite"),
    ],
)
def test_shapes_that_cannot_be_read_are_an_error_with_the_files_name(shape, message, write_image, write_xml, opened):
    write_image("a.png")
    path = write_xml({"a.png": shape})
    with pytest.raises(unetzoo.DataError, match=message) as error:
        opened().raw_mask(0)
    assert str(error.value).startswith(str(path))


def test_an_image_of_another_size_than_stated_is_an_error(write_image, write_xml, tmp_path):
    write_image("a.png", size=(20, 30))
    write_xml({"a.png": _polygon(0)})
    problem = str(unetzoo.survey(tmp_path).problems)
    assert "a.png has 20 x 30 pixels (height x width), but its annotations in annotations.xml are of 40 x 60" in problem
