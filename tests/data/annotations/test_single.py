import numpy as np
import pytest
from PIL import Image

import unetzoo
from unetzoo.data.find import open_source


@pytest.fixture
def bowl(write_image, tmp_path):
    """Two images with three masks each, the last of which lies over the others."""
    for name in "ab":
        write_image(f"stage1_train/{name}/images/{name}.png")
        for number in range(3):
            mask = np.zeros((40, 60), np.uint8)
            mask[10 * number : 10 * number + 12, 5 * number : 5 * number + 20] = 255
            path = tmp_path / "stage1_train" / name / "masks" / f"{number}{name}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(mask).save(path)
    return tmp_path


def _expected():
    numbers = np.zeros((40, 60), int)
    for number in range(3):
        numbers[10 * number : 10 * number + 12, 5 * number : 5 * number + 20] = number + 1
    return numbers


def test_each_mask_file_is_an_object(bowl):
    source = open_source(bowl)
    assert [(entry.name, entry.split) for entry in source.entries] == [
        ("stage1_train/a/images/a.png", "train"),
        ("stage1_train/b/images/b.png", "train"),
    ]
    assert source.class_names == ("background", "foreground")
    for index in range(2):
        np.testing.assert_array_equal(source.instances(index), _expected())
        np.testing.assert_array_equal(source.raw_mask(index), _expected() > 0)


def test_images_without_masks_are_left_out_and_said(bowl, write_image):
    write_image("stage1_test/c/images/c.png")
    source = open_source(bowl)
    assert len(source.entries) == 2
    assert source.problems == ("stage1_test/c/images/c.png has no folder masks/ beside images/",)


@pytest.mark.parametrize(
    "stored",
    [
        lambda mask: mask,
        lambda mask: mask > 0,
        lambda mask: mask // 255,
        lambda mask: mask.astype(np.uint16) * 257,
        lambda mask: np.stack([mask] * 3, axis=2),
        lambda mask: np.stack([mask] * 3 + [np.full_like(mask, 255)], axis=2),
        lambda mask: np.stack([mask, np.full_like(mask, 255)], axis=2),
    ],
    ids=["0 and 255", "bits", "0 and 1", "16 bits", "colors", "colors and alpha", "gray and alpha"],
)
def test_masks_of_several_types_are_read(stored, bowl):
    mask = np.zeros((40, 60), np.uint8)
    mask[3:9, 50:58] = 255
    folder = bowl / "stage1_train" / "a" / "masks"
    for path in folder.iterdir():
        path.unlink()
    Image.fromarray(stored(mask)).save(folder / "x.png")
    np.testing.assert_array_equal(open_source(bowl).raw_mask(0), mask > 0)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.arange(2400, dtype=np.uint8).reshape(40, 60), "not the mask of one object: it holds 255 values"),
        (np.zeros((20, 30), np.uint8), "has 20 x 30 pixels, its image 40 x 60"),
    ],
)
def test_a_mask_of_another_size_or_of_several_values_is_an_error(pixels, message, bowl):
    Image.fromarray(pixels).save(bowl / "stage1_train" / "a" / "masks" / "0a.png")
    with pytest.raises(unetzoo.DataError, match=message):
        open_source(bowl).raw_mask(0)


def test_one_image_with_one_mask_in_images_and_masks_is_a_usual_folder(write_image, tmp_path):
    write_image("images/a.png")
    (tmp_path / "masks").mkdir()
    Image.fromarray(np.eye(40, 60, dtype=np.uint8)).save(tmp_path / "masks" / "a.png")
    assert open_source(tmp_path).class_names == ()
