"""Fluorescent spots of a few pixels, under 1 % of a picture of 16 bits, with haze and hot pixels."""

import numpy as np
from scipy.ndimage import gaussian_filter

from benchmarks.panel.scenes.parts import Random, Scene, pixels, smooth

CLASSES = ("background", "spot")
_SIDE = 128
_OFFSET, _GAIN = 400, 12  # of the camera: counts in the dark, and of a photon


def spots(random: Random) -> Scene:
    """Image (128, 128, 1), uint16; a spot is where its light is at least half of its brightest."""
    photons = 10 + 5 * smooth(random, (_SIDE, _SIDE), 12).clip(-1.5)
    mask = np.zeros((_SIDE, _SIDE), np.uint8)
    for center in random.uniform(2, _SIDE - 2, (int(random.integers(6, 18)), 2)):
        distance = ((pixels(_SIDE) - center) ** 2).sum(-1)
        shape = np.exp(-distance / (2 * random.uniform(0.9, 1.3) ** 2))
        photons += random.uniform(8, 45) * shape
        mask |= shape > 0.5
    for center in random.uniform(0, _SIDE, (4, 2)):  # out of focus
        photons += random.uniform(4, 10) * np.exp(-((pixels(_SIDE) - center) ** 2).sum(-1) / (2 * 5**2))
    counts = _OFFSET + _GAIN * random.poisson(gaussian_filter(photons, 0.4).clip(0))
    hot = random.random((_SIDE, _SIDE)) < 0.0015
    counts = counts + hot * random.integers(200, 700, (_SIDE, _SIDE)) + random.normal(0, 15, (_SIDE, _SIDE))
    return counts.clip(0, 65535).astype(np.uint16)[..., None], mask
