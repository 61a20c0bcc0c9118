"""Masks with an alpha channel: opacity as the mask, colors on transparent."""

import numpy as np
import pytest
from discs import CLASSES, DISCS, assert_same, painted


@pytest.mark.parametrize("color", [0, 255], ids=["black", "white"])
@pytest.mark.parametrize("ending", ["png", "tif", "npy"])
def test_a_mask_in_the_alpha_channel_is_read_and_said(read, ending, color):
    shape = np.full((24, 32, 3), color, np.uint8)
    truth = [*DISCS, np.zeros_like(DISCS[0]), np.ones_like(DISCS[0])]
    names, ids, problems = read(painted(lambda mask, _: np.dstack([shape, mask.astype(np.uint8) * 255])), truth, ending)
    assert names == ("background", "foreground")
    assert_same(ids, truth)
    assert any("alpha channel that varies, which is read as the mask" in text for text in problems)


@pytest.mark.parametrize("ending", ["png", "tif", "npy"])
def test_an_opaque_alpha_channel_changes_nothing(read, ending):
    opaque = painted(lambda mask, _: np.dstack([mask * 255, mask * 0, mask * 0, mask * 0 + 255]).astype(np.uint8))
    names, ids, problems = read(opaque, [*DISCS, np.zeros_like(DISCS[0])], ending)
    assert names == ("#000000", "#ff0000")
    assert_same(ids[:3], DISCS)
    assert problems == []


def test_colors_on_transparent_are_classes_beside_what_is_transparent(read):
    def paint(mask, number):
        pixels = np.random.default_rng(number).integers(0, 256, (*mask.shape, 4)).astype(np.uint8)  # where transparent
        pixels[..., 3] = 0
        pixels[mask == 1] = (255, 0, 0, 255)
        pixels[mask == 2] = (0, 0, 0, 255)
        return pixels

    names, ids, problems = read(painted(paint), CLASSES)
    assert names == ("transparent", "#000000", "#ff0000")
    assert_same(ids, [np.array([0, 2, 1])[mask] for mask in CLASSES])
    assert any("whose transparent pixels are a value of their own" in text for text in problems)


def test_transparent_pixels_may_be_ignored(read):
    paint = painted(lambda mask, _: np.array([(0, 0, 0, 0), (255, 0, 0, 255), (0, 0, 255, 255)], np.uint8)[mask])
    names, ids, _ = read(paint, CLASSES, ignore="#00000000")
    assert names == ("#ff0000", "#0000ff")
    assert_same(ids, [np.array([255, 0, 1])[mask] for mask in CLASSES])


def test_numbers_name_the_opacity_where_it_is_the_mask(read):
    paint = painted(lambda mask, _: np.dstack([mask * 0, mask * 0, mask * 0, mask * 255]).astype(np.uint8))
    assert_same(read(paint, DISCS, classes={"cell": 255, "rest": 0})[1], [~mask for mask in DISCS])
