"""Masks that number objects."""

import numpy as np
from discs import CLASSES, COLUMNS, DISCS, assert_same, painted


def test_masks_that_number_few_objects_hint_at_instances(read):
    def paint(mask, number):
        numbers = np.zeros((24, 32), np.uint16)
        for label in range(1, 5 + number):
            numbers[(label - 1) // 4 * 6 + 1 :, :][:4, (label - 1) % 4 * 8 : (label - 1) % 4 * 8 + 5] = label
        return numbers

    _, _, problems = read(painted(paint), DISCS, "tif")
    assert any("--masks instances" in text for text in problems)


def test_classes_of_scattered_pixels_hint_at_nothing(read):
    random = np.random.default_rng(0)
    truth = [random.integers(0, high, (24, 32)) for high in (5, 6, 7)]
    _, _, problems = read(painted(lambda mask, _: mask.astype(np.uint8)), truth)
    assert not any("--masks instances" in text for text in problems)


def test_objects_may_have_pixels_that_do_not_count(read):
    truth = [np.where(COLUMNS < 3, 255, mask * 40) for mask in CLASSES]
    _, ids, _ = read(painted(lambda mask, _: mask.astype(np.uint8)), truth, masks="instances", ignore=255)
    assert_same(ids, [np.where(mask == 255, 255, mask > 0) for mask in truth])
