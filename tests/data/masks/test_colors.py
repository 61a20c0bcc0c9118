"""Masks of colors: of any type, a few shades off, in one channel."""

import numpy as np
import pytest
from discs import CLASSES, DISCS, assert_same, painted

import unetzoo
from unetzoo.data.open import survey

_COLORS = np.array([(0, 0, 0), (255, 0, 0), (0, 128, 255)])


@pytest.mark.parametrize(
    "convert",
    [
        lambda colors: colors.astype(np.int64),
        lambda colors: colors.astype(np.float32),
        lambda colors: (colors / 255).astype(np.float32),
        lambda colors: (colors / 255).astype(np.float64),
        lambda colors: (colors * 257).astype(np.uint16),
        lambda colors: (colors * 256).astype(np.uint16),
        lambda colors: colors.astype(np.uint16),
        lambda colors: np.dstack([colors / 255, np.ones(colors.shape[:2])]).astype(np.float32),
    ],
    ids=["int64", "float", "float 0..1", "double 0..1", "x 257", "x 256", "uint16", "RGBA 0..1"],
)
def test_colors_of_any_type_are_those_of_8_bits(read, convert):
    names, ids, _ = read(painted(lambda mask, _: convert(_COLORS[mask])), [*CLASSES, CLASSES[0] * 0], "npy")
    assert names == ("#000000", "#ff0000", "#0080ff")
    assert_same(ids, [*CLASSES, CLASSES[0] * 0])


@pytest.mark.parametrize("high", [1, 7])
def test_ids_in_the_red_channel_are_classes_whatever_single_files_hold(read, high):
    def paint(mask, number):
        red = mask * (high if number == 2 else 1)
        return np.dstack([red, mask * 0, mask * 0]).astype(np.uint8)

    names, ids, _ = read(painted(paint), DISCS)
    assert names == ("#000000", "#010000", "#070000")[: 3 if high > 1 else 2]
    assert_same(ids[:2], DISCS[:2])
    assert_same([ids[2] > 0], [DISCS[2]])


def test_colors_a_few_shades_off_are_read_as_the_nearest(read, tmp_path):
    def paint(mask, number):
        noise = np.random.default_rng(number).integers(-6, 7, (*mask.shape, 3))
        return (_COLORS[mask] + noise).clip(0, 255).astype(np.uint8)

    classes = {"rest": "#000000", "red": "#ff0000", "blue": "#0080ff"}
    _, ids, problems = read(painted(paint), CLASSES, classes=classes, nearest_color=True)
    assert_same(ids, CLASSES)
    assert any("% of the masks' pixels are of no class, and count as the nearest one" in text for text in problems)
    errors = [problem.text for problem in survey(tmp_path, classes=classes).problems]
    assert any("nearest_color=True (--nearest-color)" in text for text in errors)


def test_two_colors_that_are_nearly_the_same_are_warned_of(read):
    colors = np.array([(0, 0, 0), (255, 0, 0), (254, 1, 0)], np.uint8)
    _, _, problems = read(painted(lambda mask, _: colors[mask]), CLASSES)
    assert any("the colors #ff0000 and #fe0100 are nearly the same" in text for text in problems)


def test_colors_that_are_finer_than_8_bits_are_refused(read):
    colors = np.array([(0, 0, 0), (65535, 1000, 0), (3, 70, 0)], np.uint16)
    with pytest.raises(
        unetzoo.DataError, match=r"0\.npy: the mask holds \(65535, 1000, 0\), which is not a color of 8 bits"
    ):
        read(painted(lambda mask, _: colors[mask]), CLASSES, "npy")


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_ids_in_one_channel_may_be_named_by_their_numbers(read, channel):
    def paint(mask, _):
        pixels = np.zeros((*mask.shape, 3), np.uint8)
        pixels[..., channel] = np.array([0, 1, 7])[mask]
        return pixels

    names, ids, _ = read(painted(paint), CLASSES, classes={"person": 7, "road": 0, "car": 1})
    assert names == ("person", "road", "car")
    assert_same(ids, [np.array([1, 2, 0])[mask] for mask in CLASSES])


def test_numbers_do_not_name_colors(read):
    with pytest.raises(unetzoo.OptionError, match="name each class with its color, such as cell=#ff0000"):
        read(painted(lambda mask, _: _COLORS.astype(np.uint8)[mask]), CLASSES, classes={"a": 0, "b": 1, "c": 2})


def test_a_color_of_no_class_may_be_ignored(read):
    with pytest.raises(unetzoo.DataError, match=r"ignore='#0080ff' \(--ignore '#0080ff'\) says"):
        read(painted(lambda mask, _: _COLORS.astype(np.uint8)[mask]), CLASSES, classes={"a": "#000000", "b": "#ff0000"})
