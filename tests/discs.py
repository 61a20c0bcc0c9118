"""Masks of three discs, the writers of their files, and how masks are compared."""

import numpy as np
import tifffile
from PIL import Image

ROWS, COLUMNS = np.mgrid[:24, :32]
DISCS = [(ROWS - 10) ** 2 + (COLUMNS - column) ** 2 < 36 for column in (9, 14, 20)]
CLASSES = [np.where(ROWS > 18, 2, disc.astype(int)) for disc in DISCS]  # of 0 to 2


def assert_same(ids, truth):
    for actual, other in zip(ids, truth, strict=True):
        np.testing.assert_array_equal(actual, other)


def indexed(indices, palette, **options):
    """A writer of a palette picture; palette and indices may depend on the number of the file."""

    def write(path, mask, number):
        colors = palette(number)
        picture = Image.fromarray(indices(mask, number).astype(np.uint8), "P")
        picture.putpalette([value for color in colors for value in color])
        picture.save(path, **options)

    return write


def painted(array):
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
