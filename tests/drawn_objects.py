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
    ids = np.zeros((side, side), np.int32)
    for number in range(1, count + 1):
        row, column = random.integers(0, side, 2)
        long, short, angle = *random.uniform(6, 12, 2), random.uniform(0, np.pi)
        box = np.s_[max(0, row - 12) : min(side, row + 13), max(0, column - 12) : min(side, column + 13)]
        rows, columns = np.mgrid[box]
        along = (rows - row) * np.cos(angle) + (columns - column) * np.sin(angle)
        across = (columns - column) * np.cos(angle) - (rows - row) * np.sin(angle)
        ids[box][(along / long) ** 2 + (across / short) ** 2 <= 1] = number
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
    """For each object of `ids`, in the order of numbers, the largest IoU with one of `others`."""
    pairs, shared = np.unique(np.stack([ids.ravel(), others.ravel()]), axis=1, return_counts=True)
    one, other = pairs
    areas, other_areas = np.bincount(one, shared), np.bincount(other, shared)
    ious = np.where(other > 0, shared / (areas[one] + other_areas[other] - shared), 0)
    best = np.zeros(len(areas))
    np.maximum.at(best, one, ious)
    return best[(areas > 0) & (np.arange(len(areas)) > 0)]
