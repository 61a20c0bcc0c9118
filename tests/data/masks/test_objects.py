"""Masks that number objects."""

import numpy as np
import tifffile
from discs import CLASSES, COLUMNS, DISCS, assert_same
from PIL import Image


def _painted(array):
    """A writer of an array that is made of each mask, as PNG, TIFF or NPY."""

    def write(path, mask, number):
        pixels = array(mask, number)
        if path.suffix == ".npy":
            np.save(path, pixels)
        elif path.suffix == ".tif":
            alpha = {"extrasamples": ["unassalpha"]} if pixels.ndim == 3 and pixels.shape[2] == 4 else {}
            tifffile.imwrite(path, pixels, photometric="rgb" if pixels.ndim == 3 else "minisblack", **alpha)
        else:
            Image.fromarray(pixels).save(path)

    return write


def test_masks_that_number_few_objects_hint_at_instances(read):
    def paint(mask, number):
        numbers = np.zeros((24, 32), np.uint16)
        for label in range(1, 5 + number):
            numbers[(label - 1) // 4 * 6 + 1 :, :][:4, (label - 1) % 4 * 8 : (label - 1) % 4 * 8 + 5] = label
        return numbers

    _, _, problems = read(_painted(paint), DISCS, "tif")
    assert any("--masks instances" in text for text in problems)


def test_classes_of_scattered_pixels_hint_at_nothing(read):
    random = np.random.default_rng(0)
    truth = [random.integers(0, high, (24, 32)) for high in (5, 6, 7)]
    _, _, problems = read(_painted(lambda mask, _: mask.astype(np.uint8)), truth)
    assert not any("--masks instances" in text for text in problems)


def test_objects_may_have_pixels_that_do_not_count(read):
    truth = [np.where(COLUMNS < 3, 255, mask * 40) for mask in CLASSES]
    _, ids, _ = read(_painted(lambda mask, _: mask.astype(np.uint8)), truth, masks="instances", ignore=255)
    assert_same(ids, [np.where(mask == 255, 255, mask > 0) for mask in truth])
