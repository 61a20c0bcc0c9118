import numpy as np
import pytest

from unetzoo.data.shown import as_colors, contrast_of, image_colors


def test_brightness_is_stretched():
    image = np.linspace(1000, 1100, 50 * 50).reshape(50, 50, 1).astype(np.uint16)
    colors = image_colors(image)
    assert (colors.min(), colors.max()) == (0, 255)


def test_an_image_of_one_value_is_drawn():
    assert image_colors(np.full((4, 4, 3), 7.0)).max() == 0


@pytest.mark.parametrize("image", [np.full((4, 6, 1), np.nan), np.ma.masked_less(np.arange(24.0).reshape(4, 6, 1), 5)])
def test_an_image_is_drawn_where_it_has_no_data_too(image):
    colors = image_colors(image)
    assert (colors.shape, colors.dtype) == ((4, 6, 3), np.uint8)


@pytest.mark.parametrize(("channels", "shown"), [(1, [0, 0, 0]), (2, [0, 0, 0]), (3, [0, 1, 2]), (5, [0, 0, 0])])
def test_three_channels_are_colors_and_of_others_the_first_is_gray(channels, shown):
    image = np.random.default_rng(0).integers(0, 256, (20, 30, channels), dtype=np.uint8)
    chosen = image[..., shown].astype(float)
    low, high = np.percentile(image[..., sorted(set(shown))], (1, 99))
    expected = 255 * ((chosen - low) / (high - low)).clip(0, 1)
    np.testing.assert_allclose(image_colors(image), expected, atol=0.51)


def test_parts_of_an_image_are_shown_as_in_the_whole():
    image = np.linspace(1000, 1100, 50 * 50).reshape(50, 50, 1).astype(np.uint16)
    contrast = contrast_of(image)
    parts = [as_colors(image[top : top + 10], contrast) for top in range(0, 50, 10)]
    np.testing.assert_array_equal(np.concatenate(parts), image_colors(image))


def test_pixels_without_data_do_not_change_the_others():
    image = np.random.default_rng(0).normal(100, 10, (30, 30, 1))
    holed = np.concatenate([image, np.full((300, 30, 1), np.nan)])
    np.testing.assert_array_equal(image_colors(holed)[:30], image_colors(image))


def test_outliers_beside_a_single_value_are_white_above_it_and_black_below():
    image = np.full((20, 20, 1), 100, dtype=np.uint8)
    image[0, 0], image[1, 1] = 179, 20
    colors = image_colors(image)
    assert colors[0, 0].tolist() == [255] * 3
    assert colors[1, 1].tolist() == colors[9, 9].tolist() == [0] * 3
