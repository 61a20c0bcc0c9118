"""Cracks of one to three pixels in real gravel, of which scikit-image carries a photograph: under 2 % of the pixels."""

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

from benchmarks.panel.scenes.parts import Drawing, Random, Scene, as_bytes, smooth, wander
from benchmarks.panel.scenes.photographs import photograph, piece

CLASSES = ("surface", "crack")
_SIDE = 160


def cracks(random: Random) -> Scene:
    """Image (160, 160, 1), uint8."""
    drawing, wires = Drawing(_SIDE), Drawing(_SIDE)
    for _ in range(int(random.integers(1, 3))):
        angle = random.uniform(0, 2 * np.pi)
        start = random.uniform(0.1, 0.9, 2) * _SIDE
        path = wander(random, start, angle, steps=int(random.integers(25, 70)), bend=0.45)
        for first in range(0, len(path) - 5, 5):  # of a width that changes along it
            drawing.line(path[first : first + 6], random.uniform(0.9, 2.4))
    for _ in range(int(random.integers(0, 3))):  # scratches are straight, and brighter or darker
        angle, middle = random.uniform(0, 2 * np.pi), random.random(2) * _SIDE
        way = np.array([np.sin(angle), np.cos(angle)]) * _SIDE
        wires.line(np.stack([middle - way, middle + way]), 1.2)
    stones = zoom(piece(random, photograph("gravel"), _SIDE // 2), 2, order=1)
    coverage = drawing.coverage
    light = 0.5 + random.uniform(0.08, 0.14) * stones + 0.08 * smooth(random, (_SIDE, _SIDE), 40)
    light -= random.uniform(0.2, 0.32) * coverage + random.uniform(-0.15, 0.15) * wires.coverage
    light = gaussian_filter(light, 0.6) + 0.03 * random.standard_normal(light.shape)
    return as_bytes(light), (coverage > 0.5).astype(np.uint8)
