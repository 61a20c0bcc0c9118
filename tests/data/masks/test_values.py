"""Which values of masks are which classes, and which do not count."""

import numpy as np
import pytest
import tifffile
from discs import CLASSES, COLUMNS, DISCS, assert_same, painted

import unetzoo
from unetzoo.data.open import survey


def test_masks_of_0_and_1_among_masks_of_0_and_255_are_asked_about(read):
    write = painted(lambda mask, number: mask.astype(np.uint8) * (255 if number else 1))
    with pytest.raises(unetzoo.DataError, match=r"hold 0 and 1 \(images/0.npy\).*foreground=1\|255.*--ignore 255"):
        read(write, DISCS)


@pytest.mark.parametrize(
    ("answer", "first"), [({"classes": {"rest": 0, "cell": [1, 255]}}, 1), ({"classes": ["rest", "cell", "x"]}, 255)]
)
def test_a_user_says_whether_1_and_255_are_the_same(read, answer, first):
    write = painted(lambda mask, number: mask.astype(np.uint8) * (255 if number else 1))
    assert_same(read(write, DISCS, **answer)[1], [DISCS[0], DISCS[1] * first, DISCS[2] * first])


def test_values_that_do_not_count_are_ignored(read):
    truth = [np.where(COLUMNS < 3, 0, mask + 1) for mask in CLASSES]
    names, ids, _ = read(painted(lambda mask, _: mask.astype(np.uint8)), truth, ignore=0)
    assert names == ("class 1", "class 2", "class 3")
    assert_same(ids, [np.where(mask == 0, 255, mask - 1) for mask in truth])


@pytest.mark.parametrize("value", [-32768, -9999, 65535, np.nan, -3.4e38])
def test_a_value_of_no_data_is_named_as_what_may_be_ignored(read, value, tmp_path):
    dtype = np.float32 if not -40000 < value < 70000 else np.int32
    write = painted(lambda mask, _: np.where(COLUMNS < 3, value, mask).astype(dtype))
    _, ids, _ = read(write, CLASSES, "tif", ignore=[float(value)])
    assert_same(ids, [np.where(COLUMNS < 3, 255, mask) for mask in CLASSES])
    errors = [problem.text for problem in survey(tmp_path).problems if problem.severity == "error"]
    assert any("--ignore" in text for text in errors)


@pytest.mark.parametrize("nodata", [7, -9999])
def test_the_value_that_gdal_says_is_none_does_not_count(read, nodata):
    def write(path, mask, _):
        pixels = np.where(COLUMNS < 3, nodata, mask).astype(np.int16)
        tifffile.imwrite(path, pixels, extratags=[(42113, "s", 0, str(nodata), True)])

    names, ids, _ = read(write, CLASSES, "tif")
    assert names == ("class 0", "class 1", "class 2")
    assert_same(ids, [np.where(COLUMNS < 3, 255, mask) for mask in CLASSES])


def test_a_0_that_gdal_says_is_none_stays_a_class_and_is_said(read):
    def write(path, mask, _):
        tifffile.imwrite(path, mask.astype(np.uint8), extratags=[(42113, "s", 0, "0", True)])

    _, ids, problems = read(write, DISCS, "tif")
    assert_same(ids, DISCS)
    assert any("say that 0 is no data, but it is read as the class 'background'" in text for text in problems)


def test_several_values_may_be_one_class(read):
    write = painted(lambda mask, _: mask.astype(np.uint8))
    assert_same(read(write, CLASSES, classes={"rest": 0, "crop": "1|2"})[1], [mask > 0 for mask in CLASSES])


def test_labels_1_and_2_are_two_classes(read):
    names, ids, problems = read(painted(lambda mask, _: mask.astype(np.uint8) + 1), DISCS)
    assert names == ("class 1", "class 2")
    assert_same(ids, DISCS)
    assert problems == ["no mask holds 0: the first class, 'class 1', is that of 1"]


def test_many_classes_that_never_occur_are_one_warning(read):
    _, _, problems = read(painted(lambda mask, _: mask.astype(np.uint8) * 20), DISCS)
    assert "19 classes never occur in the split 'val': 'class 1', 'class 2', 'class 3', " in "".join(problems)


def test_255_is_said_to_be_unknown_where_it_may_be_a_class(read):
    write = painted(lambda mask, _: mask.astype(np.uint8) * 255)
    _, _, problems = read(write, DISCS, classes={"rest": 0, "cell": 1})
    assert "masks hold 255, which is unknown, and no 1, which is the class 'cell'" in problems


def test_a_data_set_of_python_leaves_out_a_class_that_is_ignored():
    result = survey("nuclei", ignore=0)
    assert result.coding.class_names == ("nucleus",)
    mask = result.dataset("test")[0].mask
    np.testing.assert_array_equal(mask, np.where(unetzoo.create_dataset("nuclei", split="test")[0].mask == 1, 0, 255))
