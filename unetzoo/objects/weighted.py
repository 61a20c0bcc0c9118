"""The weight map of 2015: foreground, whose loss weighs most in the gaps between objects."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unetzoo.checks import check_whole
from unetzoo.objects.coding import Fidelity, Ids, Maps, ObjectCoding, ObjectMap, maps_of
from unetzoo.objects.ids import Numbers, contacts, label_components, renumber, separate_objects
from unetzoo.objects.nearest import two_nearest
from unetzoo.objects.options import SIZES, THRESHOLDS, check_least, check_threshold

_NEGLIGIBLE = 1e-4  # of a weight


@dataclass(frozen=True, kw_only=True)
class Weighted(ObjectCoding):
    """Foreground, weighted by w_c + w_0 exp(-(d_1 + d_2)^2 / (2 sigma^2)) (arXiv:1505.04597, eq. 2).

    d_1 and d_2 are the distances of a background pixel to the nearest and the second nearest object. As in the paper,
    objects that touch are parted first: their pixels that touch another object become background. Distances are
    computed in boxes around the objects, not in a map for each of them.

    Args:
        border: w_0, the weight that narrow gaps have in addition, >= 0.
        sigma: in pixels, >= 0.5.
        background: w_c of background, > 0.
        inside: w_c of objects, > 0.
        threshold: of the foreground's probability, in (0, 1).
        min_size: pixels of the smallest object that is kept.
    """

    border: float = 10.0
    sigma: float = 5.0
    background: float = 1.0
    inside: float = 1.0
    threshold: float = 0.5
    min_size: int = 1

    def __post_init__(self) -> None:
        check_least("border", self.border, 0)
        check_least("sigma", self.sigma, 0.5)
        check_least("background", self.background, 1e-6)
        check_least("inside", self.inside, 1e-6)
        check_threshold("threshold", self.threshold)
        check_whole("min_size", self.min_size, 1)

    @property
    def maps(self) -> tuple[ObjectMap, ...]:
        """The foreground."""
        return (ObjectMap(name="foreground", channels=("foreground",), activation="sigmoid", loss="bce"),)

    @property
    def fidelity(self) -> Fidelity:
        """Objects lose the pixels that touch another one."""
        return Fidelity(iou=0.5, smallest=self.min_size)

    @property
    def tunable(self) -> Mapping[str, tuple[float, ...]]:
        """The threshold and the smallest size."""
        return {"threshold": THRESHOLDS, "min_size": SIZES}

    def halo(self, largest: int) -> int:
        """An object and the pixel beyond it, or as far as weights reach."""
        return max(largest, self._reach) + 1

    def encode(self, ids: Ids) -> Maps:
        """1 in objects that are parted, else 0; raises as `ObjectCoding.encode` does."""
        return (_part(separate_objects(ids)) > 0)[None].astype(np.float32)

    def weights(self, ids: Ids) -> Maps:
        """The formula, except for what is below 1e-4 of it."""
        objects = _part(separate_objects(ids))
        weights = np.where(objects > 0, self.inside, self.background).astype(np.float32)
        nearest, second = two_nearest(objects, self._reach)
        narrow = (second <= self._reach**2) & (objects == 0)
        total = np.sqrt(nearest[narrow], dtype=np.float32) + np.sqrt(second[narrow], dtype=np.float32)
        weights[narrow] += self.border * np.exp(total * total * (-0.5 / self.sigma**2))
        return weights[None]

    def decode(self, maps: Maps) -> NDArray[np.int32]:
        """Components, connected over edges and corners; raises as `ObjectCoding.decode` does."""
        return renumber(label_components(maps_of(self, maps)[0] > self.threshold), self.min_size)

    @property
    def _reach(self) -> int:
        """Pixels beyond which an object adds nothing to a weight."""
        if self.border <= _NEGLIGIBLE:
            return 0
        return math.ceil(self.sigma * math.sqrt(2 * math.log(self.border / _NEGLIGIBLE)))


def _part(objects: Numbers) -> Numbers:
    return np.where(contacts(objects), 0, objects)
