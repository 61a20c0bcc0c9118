import numpy as np
import pytest

import unetzoo
from unetzoo.data.find import open_source

_SQUARE = "{} 0.1 0.2 0.5 0.2 0.5 0.8 0.1 0.8\n"


@pytest.fixture
def write_text(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


def test_polygons_are_shares_of_the_images_own_size(write_image, write_text, opened):
    for name, size in (("a", (40, 60)), ("b", (100, 20))):
        write_image(f"images/{name}.png", size)
        write_text(f"labels/{name}.txt", _SQUARE.format(1))
    write_text("data.yaml", "path: ../x\nnames:\n  0: cat\n  1: dog\n")
    source = opened()
    assert source.class_names == ("background", "cat", "dog")
    for index, (height, width) in enumerate([(40, 60), (100, 20)]):
        expected = np.zeros((height, width))
        expected[height // 5 : height * 4 // 5, width // 10 : width // 2] = 2
        np.testing.assert_array_equal(source.raw_mask(index), expected)


@pytest.mark.parametrize("layout", ["{kind}/{split}", "{split}/{kind}"])
def test_splits_are_folders(layout, write_image, write_text, opened):
    for split in ("train", "val"):
        write_image(layout.format(kind="images", split=split) + "/a.png")
        write_text(layout.format(kind="labels", split=split) + "/a.txt", _SQUARE.format(0))
    source = opened()
    assert [entry.split for entry in source.entries] == ["train", "val"]
    assert source.class_names == ("background", "class 0")
    assert source.problems == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [("data.yaml", "names: [cat, dog]"), ("classes.txt", "cat\ndog\n"), ("obj.names", "cat\ndog")],
)
def test_classes_have_the_names_of_several_kinds_of_files(name, text, write_image, write_text, opened):
    write_image("a.png")
    write_text("a.txt", _SQUARE.format(0))
    write_text(name, text)
    assert opened().class_names == ("background", "cat", "dog")


def test_an_empty_file_says_that_there_are_no_objects_and_no_file_says_nothing(write_image, write_text, opened):
    for name in "abc":
        write_image(f"images/{name}.png")
    write_text("labels/a.txt", _SQUARE.format(0))
    write_text("labels/b.txt", "")
    write_text("README.txt", "Exported by a tool\n")
    source = opened()
    assert [entry.name for entry in source.entries] == ["images/a.png", "images/b.png"]
    assert source.problems == ("images/c.png has no annotations",)
    assert not source.raw_mask(1).pixels.any()


def test_boxes_are_left_out_and_said(write_image, write_text, tmp_path):
    write_image("a.png")
    write_text("a.txt", "0 0.5 0.5 0.2 0.2\n" + _SQUARE.format(0))
    survey = unetzoo.survey(tmp_path)
    assert "a.png: its annotations of the kind box have no area, and are left out" in survey.warnings
    assert survey.dataset("all").instances(0).max() == 2


def test_files_of_boxes_alone_are_refused(write_image, write_text, opened):
    write_image("a.png")
    write_text("a.txt", "0 0.5 0.5 0.2 0.2\n")
    with pytest.raises(unetzoo.DataError, match="hold boxes alone"):
        opened()


def test_data_yaml_stands_for_its_folder(write_image, write_text):
    write_image("images/a.png")
    write_text("labels/a.txt", _SQUARE.format(0))
    path = write_text("data.yaml", "train: images\nnames: [cat]\n")
    assert open_source(path).class_names == ("background", "cat")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 0.1 0.1 0.4 0.1 0.4", "line 2 has 5 numbers behind its class"),
        ("0 0.1 0.1 40 0.1 0.4 0.4", "line 2 holds numbers outside of 0 to 1"),
        ("0 0.1 0.1 nan 0.1 0.4 0.4", "line 2 holds numbers outside of 0 to 1"),
        ("-1 0.1 0.1 0.2 0.1 0.4 0.4", "line 2 holds numbers outside of 0 to 1"),
        ("cat 0.1 0.1 0.4 0.1 0.4 0.4", "line 2 does not hold a class and numbers"),
    ],
)
def test_a_line_that_does_not_fit_is_an_error_with_its_number(line, message, write_image, write_text, tmp_path):
    write_image("a.png")
    write_text("a.txt", _SQUARE.format(0) + line)
    with pytest.raises(unetzoo.DataError, match=message):
        open_source(tmp_path)


def test_names_that_are_not_yaml_are_an_error(write_image, write_text, opened):
    write_image("a.png")
    write_text("a.txt", _SQUARE.format(0))
    write_text("data.yaml", "names: [cat")
    with pytest.raises(unetzoo.DataError, match=r"data.yaml is not valid YAML"):
        opened()
