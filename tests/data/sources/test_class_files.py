"""A mask file for each class of an image."""

import numpy as np
import pytest
import tifffile
from overlaps import NAMES, draw
from PIL import Image

import unetzoo
from unetzoo.data.sources.names import match_classes

_LAYOUTS = {"folders": "{name}/{image}.png", "names": "{image}_{name}.png", "own folders": "{image}/{name}.png"}


def _write(folder, layout, count=4, *, change=lambda planes: 255 * planes, names=NAMES):
    (folder / "images").mkdir(parents=True)
    for number in range(count):
        image, planes = draw(number)
        Image.fromarray(image).save(folder / "images" / f"a{number}.png")
        for name, plane in zip(names, change(planes), strict=False):
            path = folder / "masks" / layout.format(name=name, image=f"a{number}")
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(plane).save(path)
    return folder


@pytest.mark.parametrize("layout", _LAYOUTS.values(), ids=_LAYOUTS.keys())
def test_the_files_of_classes_become_planes_that_overlap(tmp_path, layout):
    survey = unetzoo.survey(_write(tmp_path / "data", layout))
    assert (survey.class_names, survey.statistics.labels) == (NAMES, "overlapping")
    samples = survey.dataset("all")
    for number in range(4):
        image, planes = draw(number)
        assert np.array_equal(samples[number].image, image)
        assert np.array_equal(samples[number].mask, planes)


def test_files_of_three_classes_are_no_colors(tmp_path):
    folder = _write(
        tmp_path / "data", "{name}/{image}.png", change=lambda planes: 255 * planes[[0, 1, 1]], names=("a", "b", "c")
    )
    assert np.array_equal(unetzoo.survey(folder).dataset("all")[0].mask, draw(0)[1][[0, 1, 1]])


def test_files_of_classes_that_never_overlap_are_exclusive_and_that_is_said(tmp_path):
    def apart(planes):
        return 255 * np.stack([planes[0], planes[1] & ~planes[0] & 1])

    survey = unetzoo.survey(_write(tmp_path / "data", "{name}/{image}.png", change=apart))
    assert survey.class_names == ("background", *NAMES)
    _, planes = draw(1)
    assert np.array_equal(survey.dataset("all")[1].mask, np.where(planes[0], 1, 2 * planes[1]))
    assert "the planes of masks never overlap: a pixel has one class" in " ".join(survey.warnings)
    said = unetzoo.survey(tmp_path / "data", masks="overlapping")
    assert (said.class_names, said.warnings) == (NAMES, ())


def test_a_class_without_a_file_is_nowhere_and_that_is_said(tmp_path):
    folder = _write(tmp_path / "data", "{image}_{name}.png")
    (folder / "masks" / "a2_nucleus.png").unlink()
    survey = unetzoo.survey(folder)
    assert "images/a2.png has no mask of nucleus, which is taken for nowhere" in survey.warnings
    assert np.array_equal(survey.dataset("all")[2].mask, [draw(2)[1][0], np.zeros((48, 48))])


def test_255_beside_1_is_unknown_in_the_file_of_its_class(tmp_path):
    def change(planes):
        planes[1, :5] = 255
        return planes

    survey = unetzoo.survey(_write(tmp_path / "data", "{name}/{image}.png", change=change))
    mask = survey.dataset("all")[0].mask
    assert (mask[1, :5] == 255).all()
    assert np.array_equal(mask[0], draw(0)[1][0])


@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (lambda plane: plane[:-1], "the masks of its classes .* have different sizes"),
        (lambda plane: np.arange(plane.size, dtype=np.uint8).reshape(plane.shape), "is not the mask of one class"),
    ],
)
def test_files_that_are_no_planes_are_named(tmp_path, spoil, match):
    folder = _write(tmp_path / "data", "{name}/{image}.png")
    Image.fromarray(spoil(draw(0)[1][0])).save(folder / "masks" / "cell" / "a0.png")
    (error,) = unetzoo.survey(folder).errors
    assert "a0.png" in error
    with pytest.raises(unetzoo.DataError, match=match):
        unetzoo.open_dataset(folder)


def test_names_of_masks_tell_classes_only_if_all_do():
    images = ["a", "a_b", "c"]
    masks = ["a_cell", "a_b_cell", "c_cell", "a_nucleus"]
    expected = {"a": {"cell": "a_cell", "nucleus": "a_nucleus"}, "a_b": {"cell": "a_b_cell"}, "c": {"cell": "c_cell"}}
    assert match_classes(images, masks) == expected
    assert match_classes(images, [*masks, "other"]) == {}
    assert match_classes(images, ["a_cell", "c_cell"]) == {}  # one class alone
    assert match_classes(images, ["a_1", "a_2", "c_1", "c_2"]) == {}
    assert match_classes(["a", "c"], ["a_x", "c_y"]) == {"a": {"x": "a_x"}, "c": {"y": "c_y"}}


def test_planes_of_a_file_are_counted_where_they_overlap(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    planes = np.zeros((2, 10, 10), np.uint8)
    planes[0, :, :4] = planes[1, :3] = 1
    for name in "ab":
        Image.fromarray(
            np.arange(ord(name), ord(name) + 300, dtype=np.uint16).astype(np.uint8).reshape(10, 10, 3)
        ).save(tmp_path / "images" / f"{name}.png")
        tifffile.imwrite(tmp_path / "masks" / f"{name}.tif", planes, photometric="minisblack")
    survey = unetzoo.survey(tmp_path, classes=["cell", "nucleus"])
    assert survey.statistics.class_frequencies == (0.4, 0.3)
    assert survey.statistics.overlap == 0.12
    assert "classes overlap, cell and nucleus in 12.00% of the pixels" in " ".join(survey.warnings)
    assert unetzoo.survey(tmp_path, masks="exclusive").errors
