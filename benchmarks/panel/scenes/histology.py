"""Stained tissue with glands: color, four classes, and stains that differ from slide to slide."""

import numpy as np
from scipy.ndimage import gaussian_filter

from benchmarks.panel.scenes.parts import Drawing, Random, Scene, as_bytes, blob, smooth

CLASSES = ("stroma", "gland", "lumen", "nucleus")
_SIDE = 160
_HEMATOXYLIN, _EOSIN = np.array([0.65, 0.70, 0.29]), np.array([0.07, 0.99, 0.11])  # of Ruifrok and Johnston


def histology(random: Random) -> Scene:
    """Image (160, 160, 3), uint8."""
    glands, lumens, nuclei = (Drawing(_SIDE) for _ in range(3))
    for center in random.random((int(random.integers(3, 6)), 2)) * _SIDE:
        radius = random.uniform(18, 32)
        outline = blob(random, center, radius, wobble=0.12)
        glands.polygon(outline)
        lumens.polygon(center + (outline - center) * random.uniform(0.35, 0.6))
        for place in outline[:: int(random.integers(2, 4))]:  # nuclei lie at the base of the epithelium
            inward = random.uniform(0.72, 0.9)
            nuclei.polygon(blob(random, center + (place - center) * inward, random.uniform(2, 3), wobble=0.15))
    for place in random.random((int(random.integers(40, 90)), 2)) * _SIDE:  # and scattered in the stroma
        nuclei.polygon(blob(random, place, random.uniform(1.5, 2.6), wobble=0.3))
    gland, lumen, nucleus = (drawing.coverage for drawing in (glands, lumens, nuclei))
    nucleus = nucleus * (lumen < 0.5)
    mask = np.select([nucleus > 0.5, lumen > 0.5, gland > 0.5], [3, 2, 1], 0).astype(np.uint8)
    fibers = gaussian_filter(random.standard_normal((_SIDE, _SIDE)), (0.8, 4)) * 4
    eosin = np.where(gland > 0.5, 0.42, 0.5 + 0.18 * fibers) + 0.12 * smooth(random, (_SIDE, _SIDE), 6)
    hematoxylin = 0.15 + 0.12 * gland + 0.55 * nucleus * (1 + 0.3 * smooth(random, (_SIDE, _SIDE), 1))
    density = np.stack([hematoxylin, eosin]) * (1 - 0.9 * lumen)
    density *= random.uniform(0.6, 1.3, (2, 1, 1))  # how much of each stain the slide took up
    stains = np.stack([_HEMATOXYLIN, _EOSIN]) + 0.06 * random.standard_normal((2, 3))
    light = 0.96 * np.exp(-np.einsum("shw,sc->hwc", gaussian_filter(density, (0, 0.8, 0.8)).clip(0), stains))
    return as_bytes(light + 0.02 * random.standard_normal(light.shape)), mask
