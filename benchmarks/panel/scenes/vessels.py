"""Thin vessels that branch, dark on the uneven brightness of a retina, with lesions that look like them."""

import numpy as np
from scipy.ndimage import gaussian_filter

from benchmarks.panel.scenes.parts import Drawing, Field, Random, Scene, as_bytes, blob, smooth, wander

CLASSES = ("background", "vessel")
_SIDE = 256
_THINNEST = 0.8  # pixels


def vessels(random: Random) -> Scene:
    """Image (256, 256, 1), uint8."""
    tree, lesions = Drawing(_SIDE), Drawing(_SIDE)
    for angle in random.uniform(-0.9, 0.9, 3) + np.array([-0.5, 0.0, 0.5]):
        _grow(random, tree, np.array([random.uniform(0.3, 0.7) * _SIDE, 0.0]), angle, random.uniform(3, 5))
    for center in random.random((14, 2)) * _SIDE:
        lesions.polygon(blob(random, center, random.uniform(1.5, 4), wobble=0.4))
    coverage = tree.coverage
    strength = coverage * (0.16 + 0.05 * smooth(random, (_SIDE, _SIDE), 10))
    light = 0.55 + 0.12 * smooth(random, (_SIDE, _SIDE), 50) + 0.02 * smooth(random, (_SIDE, _SIDE), 3)
    light -= strength.clip(0) + 0.10 * lesions.coverage
    light = gaussian_filter(light, random.uniform(0.6, 1.1)) + 0.035 * random.standard_normal(light.shape)
    return as_bytes(light), (coverage > 0.5).astype(np.uint8)


def _grow(random: Random, tree: Drawing, start: Field, angle: float, width: float) -> None:
    """Draw a vessel and what branches off it; each branch is thinner."""
    steps = int(random.integers(25, 60))
    path = wander(random, start, angle, steps=steps, bend=0.07)
    tree.line(np.concatenate([start[None], path]), width)
    if width * 0.75 < _THINNEST:
        return
    for turn in (random.uniform(0.2, 0.6), -random.uniform(0.2, 0.6)):
        _grow(random, tree, path[-1], angle + turn, width * random.uniform(0.62, 0.8))
    if random.random() < 0.7:
        side = random.choice([-1, 1]) * random.uniform(0.7, 1.2)
        _grow(random, tree, path[steps // 2], angle + side, width * 0.5)
