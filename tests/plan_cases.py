"""Data sets as numbers: cases of which nnU-Net's planner and ours choose the patch, the network and the batch."""

from dataclasses import dataclass

import numpy as np

PIXELS = 999.0
"""What nnU-Net takes for the distance between the slices of an image."""


@dataclass(frozen=True)
class Cases:
    """What both planners are given.

    Attributes:
        shapes: of each case, (d, h, w), of images (1, h, w).
        spacings: of each case along the same axes; of images `PIXELS` along the first.
        channels: their names.
        classes: number of classes with the background.
    """

    shapes: tuple[tuple[int, ...], ...]
    spacings: tuple[tuple[float, ...], ...]
    channels: tuple[str, ...] = ("MR",)
    classes: int = 2


def _spread(count, shape, spacing, spread=0.15, **more):
    """Cases around a shape and a spacing, the same ones each time."""
    random = np.random.default_rng(len(shape) * count)
    factors = random.uniform(1 - spread, 1 + spread, (2, count, 3))
    shapes = np.maximum(1, np.round(np.array(shape) * factors[0])).astype(int)
    spacings = np.round(np.array(spacing) * np.where(np.array(spacing) == PIXELS, 1, factors[1]), 3)
    if shape[0] == 1:
        shapes[:, 0] = 1
    return Cases(tuple(map(tuple, shapes.tolist())), tuple(map(tuple, spacings.tolist())), **more)


def _equal(count, shape, spacing, **more):
    return Cases((shape,) * count, (spacing,) * count, **more)


CASES = {
    "isotropic": _equal(30, (180, 220, 180), (1.0, 1.0, 1.0), classes=4),
    "isotropic, cubes": _equal(40, (256, 256, 256), (1.0, 1.0, 1.0)),
    "isotropic, four channels": _spread(50, (140, 170, 140), (1.0, 1.0, 1.0), channels=("T1", "T1c", "T2", "FLAIR")),
    "thick slices": _equal(20, (30, 320, 320), (5.0, 0.8, 0.8), classes=3),
    "thick slices, various": _spread(33, (22, 384, 352), (6.0, 0.7, 0.7), 0.3),
    "thick slices along the last axis": _equal(20, (320, 320, 24), (0.6, 0.6, 3.6), classes=3),
    "few thick slices": _spread(15, (4, 300, 280), (8.0, 0.9, 0.9)),
    "tiny": _equal(8, (20, 24, 28), (1.0, 1.0, 1.0)),
    "small": _spread(260, (36, 50, 35), (1.0, 1.0, 1.0), 0.2, classes=3),
    "huge CT": _spread(300, (620, 512, 512), (0.7, 0.7, 0.7), channels=("CT",), classes=14),
    "CT": _spread(41, (110, 512, 512), (3.0, 0.76, 0.76), channels=("CT",), classes=3),
    "CT, few cases": _equal(5, (60, 512, 512), (2.5, 0.9, 0.9), channels=("CT",)),
    "elongated": _equal(12, (40, 90, 900), (0.5, 1.1, 0.4)),
    "images": _equal(60, (1, 520, 696), (PIXELS, 1.0, 1.0), channels=("gray",)),
    "images of three channels": _spread(25, (1, 1000, 900), (PIXELS, 1.0, 1.0), channels=("R", "G", "B"), classes=7),
    "huge images": _equal(300, (1, 4000, 6000), (PIXELS, 1.0, 1.0), channels=("R", "G", "B")),
    "tiny images": _equal(20, (1, 32, 40), (PIXELS, 1.0, 1.0), channels=("gray",)),
}


def random_cases(seed):
    """A data set of any kind, the same one for each seed."""
    random = np.random.default_rng(seed)
    thick = random.integers(0, 3) == 0
    spacing = random.uniform(0.3, 3, 3) * np.where(thick, random.permutation([4, 1, 1]), 1)
    shape = np.exp(random.uniform(np.log(12), np.log(500), 3)).astype(int)
    if random.integers(0, 3) == 0:
        shape, spacing = np.array([1, *shape[1:]]), np.array([PIXELS, 1.0, 1.0])
    channels = ("MR",) * random.integers(1, 4)
    return _spread(int(random.integers(2, 60)), tuple(shape), tuple(spacing), 0.2, channels=channels)
