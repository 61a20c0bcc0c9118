"""Drawings of objects, and how to compare them."""

from pathlib import Path

import numpy as np
from PIL import Image

import unetzoo


def drawn(*rows):
    """Ids from text: a digit for each pixel, `.` for background, `?` for unknown."""
    return np.array([[{".": 0, "?": -1}[letter] if letter in ".?" else int(letter) for letter in row] for row in rows])


def ellipses(count=12, side=96, seed=0):
    """Ellipses in an order of drawing, some of which touch or cover others."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    ids = np.zeros((side, side), np.int32)
    for number in range(1, count + 1):
        row, column = random.integers(0, side, 2)
        long, short, angle = *random.uniform(6, 12, 2), random.uniform(0, np.pi)
        along = (rows - row) * np.cos(angle) + (columns - column) * np.sin(angle)
        across = (columns - column) * np.cos(angle) - (rows - row) * np.sin(angle)
        ids[(along / long) ** 2 + (across / short) ** 2 <= 1] = number
    return ids


def nuclei(side=256):
    """The nuclei, numbered by hand, of the image that ships with the package."""
    path = Path(unetzoo.__file__).with_name("data") / "datasets" / "nuclei_labels.png"
    return np.asarray(Image.open(path))[:side, :side].astype(np.int64)


def same_objects(ids, others):
    """Whether both have the same objects, whatever their numbers."""
    if ((ids > 0) != (others > 0)).any():
        return False
    pairs = np.unique(np.stack([ids[ids > 0], others[ids > 0]]), axis=1)
    return all(len(np.unique(numbers)) == pairs.shape[1] for numbers in pairs)


def best_ious(ids, others):
    """For each object of `ids` the largest IoU with one of `others`."""
    numbers = np.unique(ids[ids > 0])
    return np.array([_best(ids == number, others) for number in numbers])


def _best(mask, others):
    sizes = np.bincount(others.ravel())
    counts = np.bincount(others[mask], minlength=len(sizes))
    counts[0] = 0
    return (counts / (mask.sum() + sizes - counts)).max()
