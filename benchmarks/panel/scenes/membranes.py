"""Membranes between cells under an electron microscope: many small pictures, and organelles of the same gray."""

import numpy as np
from scipy.ndimage import gaussian_filter

from benchmarks.panel.scenes.parts import Drawing, Random, Scene, as_bytes, blob, regions, smooth

CLASSES = ("cell", "membrane", "organelle")
_SIDE = 96


def membranes(random: Random) -> Scene:
    """Image (96, 96, 1), uint8."""
    cell, border = regions(random, _SIDE, int(random.integers(14, 24)), wobble=2.5)
    organelles, vesicles = Drawing(_SIDE), Drawing(_SIDE)
    for center in random.random((int(random.integers(5, 10)), 2)) * _SIDE:
        organelles.polygon(blob(random, center, random.uniform(3, 5.5), wobble=0.2))
    for center in random.random((60, 2)) * _SIDE:
        vesicles.polygon(blob(random, center, random.uniform(0.8, 1.6), wobble=0.2))
    thick = 1.1 + 0.35 * smooth(random, (_SIDE, _SIDE), 8)  # a membrane that is cut at an angle looks wide
    membrane = border < thick
    organelle = (organelles.coverage > 0.5) & (border > thick + 1.5)
    gray = 0.66 + random.uniform(-0.06, 0.06, cell.max() + 1)[cell] + 0.04 * smooth(random, (_SIDE, _SIDE), 2)
    gray -= 0.30 * membrane * (0.8 + 0.35 * smooth(random, (_SIDE, _SIDE), 5)).clip(0.1)
    gray -= organelle * (0.17 + 0.06 * smooth(random, (_SIDE, _SIDE), 1)) + 0.16 * vesicles.coverage
    gray = gaussian_filter(gray, 0.8) + 0.05 * smooth(random, (_SIDE, _SIDE), 0.7)
    return as_bytes(gray), np.select([membrane, organelle], [1, 2], 0).astype(np.uint8)
