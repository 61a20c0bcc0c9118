"""Land cover in five bands of 16 bits, with parcels, a river, roads, roofs, and clouds whose ground is unknown."""

import numpy as np

from benchmarks.panel.scenes.parts import Drawing, Field, Random, Scene, regions, smooth, wander
from unetzoo.nn.coding import UNKNOWN

CLASSES = ("field", "forest", "water", "road", "building")
_SIDE = 128
_REFLECTANCE = np.array(  # of each class in blue, green, red, near and short-wave infrared
    [
        [0.06, 0.09, 0.09, 0.30, 0.22],
        [0.04, 0.06, 0.05, 0.28, 0.14],
        [0.06, 0.06, 0.04, 0.03, 0.02],
        [0.11, 0.12, 0.13, 0.18, 0.20],
        [0.13, 0.14, 0.16, 0.21, 0.22],
    ]
)
_CLOUD = np.array([0.42, 0.40, 0.40, 0.45, 0.35])
_SCALE = 10_000  # digital numbers of a reflectance of 1


def satellite(random: Random) -> Scene:
    """Image (128, 128, 5), uint16; the mask is `UNKNOWN` beneath clouds."""
    parcel, _ = regions(random, _SIDE, 26, wobble=1.5)
    mask = (random.random(26) < 0.4).astype(np.uint8)[parcel]
    mask[_lines(random, count=1, width=random.uniform(5, 11), bend=0.12) > 0.5] = 2
    mask[_lines(random, count=3, width=1.6, bend=0.03) > 0.5] = 3
    mask[_roofs(random) > 0.5] = 4
    reflectance = _REFLECTANCE[mask] * (1 + 0.28 * random.standard_normal((26, 5)))[parcel]
    grain = np.where(mask == 1, 0.22, 0.10)  # crowns of trees are rough
    reflectance *= 1 + (grain * smooth(random, (_SIDE, _SIDE), 1))[..., None]
    haze = random.uniform(0, 0.05) * np.array([1.6, 1.2, 1.0, 0.5, 0.2])  # of the air, more in blue
    cloud = (smooth(random, (_SIDE, _SIDE), 14) - random.uniform(1.3, 2.2)).clip(0, 0.5)[..., None] * 2
    seen = reflectance * random.uniform(0.7, 1.2) + haze
    seen = seen * (1 - cloud) + _CLOUD * cloud + 0.006 * random.standard_normal(seen.shape)
    mask[cloud[..., 0] > 0.25] = UNKNOWN
    return (seen.clip(0, 2) * _SCALE).astype(np.uint16), mask


def _lines(random: Random, *, count: int, width: float, bend: float) -> Field:
    """Lines that cross the picture."""
    drawing = Drawing(_SIDE)
    for _ in range(count):
        angle, middle = random.uniform(0, 2 * np.pi), random.uniform(0.2, 0.8, 2) * _SIDE
        start = middle - _SIDE * np.array([np.sin(angle), np.cos(angle)])
        drawing.line(wander(random, start, angle, steps=_SIDE, bend=bend), width)
    return drawing.coverage


def _roofs(random: Random) -> Field:
    """Clusters of rectangles of one direction."""
    drawing = Drawing(_SIDE)
    for center in random.random((int(random.integers(2, 5)), 2)) * _SIDE:
        angle = random.uniform(0, np.pi)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        for _ in range(int(random.integers(4, 10))):
            half = random.uniform(2, 4, 2)
            corners = half * np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]]) + random.uniform(-16, 16, 2).round(-1)
            drawing.polygon(center + corners @ turn)
    return drawing.coverage
