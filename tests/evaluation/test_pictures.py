from itertools import pairwise

import numpy as np
import pytest

from unetzoo.evaluation.pictures import case_picture, class_colors, error_colors, image_colors


@pytest.mark.parametrize("channels", [1, 2, 3, 7])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, bool])
def test_images_of_any_channels_and_type_are_drawn(channels, dtype):
    image = np.random.default_rng(0).integers(0, 2, (30, 40, channels)).astype(dtype)
    ids = np.zeros((30, 40), dtype=np.int64)
    picture = case_picture(image, ids, ids, ["a", "b"], height=120)
    assert picture.mode == "RGB"
    assert picture.height > 120
    assert picture.width > 4 * 160


def test_brightness_is_stretched():
    image = np.linspace(1000, 1100, 50 * 50).reshape(50, 50, 1).astype(np.uint16)
    colors = image_colors(image)
    assert (colors.min(), colors.max()) == (0, 255)


def test_an_image_of_one_value_is_drawn():
    assert image_colors(np.full((4, 4, 3), 7.0)).max() == 0


def test_neighbouring_classes_have_colours_of_their_own():
    colors = class_colors(np.arange(30)[None])[0].astype(int)
    assert all(np.abs(first - second).max() > 25 for first, second in pairwise(colors))
    assert (colors[1:] != colors[0]).any(1).all()  # no class looks like the background


def test_errors_differ_from_what_is_right_and_from_what_is_unknown():
    truth = np.array([[0, 1, 1, 255]])
    colors = error_colors(truth, np.array([[0, 1, 0, 0]]))[0]
    assert len(np.unique(colors, axis=0)) == 4


@pytest.mark.parametrize("shape", [(1, 30_000), (30_000, 1)])
def test_a_line_of_pixels_is_no_endless_picture(shape):
    ids = np.zeros(shape, dtype=np.int64)
    picture = case_picture(np.zeros((*shape, 1), np.uint8), ids, ids, ["a", "b"], height=64)
    assert picture.width < 20 * 64
    assert picture.height < 3 * 64
