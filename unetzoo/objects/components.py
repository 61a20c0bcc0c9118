"""Foreground alone: an object is a component of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unetzoo.checks import check_whole
from unetzoo.objects.coding import Fidelity, Ids, Maps, ObjectCoding, ObjectMap, maps_of
from unetzoo.objects.ids import label_components, renumber, separate_objects
from unetzoo.objects.options import BOTH, SIZES, THRESHOLDS, check_threshold


@dataclass(frozen=True, kw_only=True)
class Components(ObjectCoding):
    """Objects that do not touch are the components of a foreground; those that touch come back as one.

    In volumes, too.

    Args:
        threshold: of the foreground's probability, in (0, 1).
        min_size: pixels of the smallest object that is kept.
    """

    threshold: float = 0.5
    min_size: int = 1

    def __post_init__(self) -> None:
        check_threshold("threshold", self.threshold)
        check_whole("min_size", self.min_size, 1)

    @property
    def maps(self) -> tuple[ObjectMap, ...]:
        """The foreground."""
        return (ObjectMap(name="foreground", channels=("foreground",), activation="sigmoid", loss="bce + dice"),)

    @property
    def fidelity(self) -> Fidelity:
        """Objects that touch are lost."""
        return Fidelity(touching=False, smallest=self.min_size)

    @property
    def tunable(self) -> Mapping[str, tuple[float, ...]]:
        """The threshold and the smallest size."""
        return {"threshold": THRESHOLDS, "min_size": SIZES}

    def halo(self, largest: int) -> int:
        """An object, and the pixel beyond it."""
        return largest + 1

    def encode(self, ids: Ids) -> Maps:
        """1 in objects, else 0; raises as `ObjectCoding.encode` does."""
        return (separate_objects(ids, BOTH) > 0)[None].astype(np.float32)

    def weights(self, ids: Ids) -> Maps:
        """1 everywhere."""
        return np.ones((1, *ids.shape), np.float32)

    def decode(self, maps: Maps) -> NDArray[np.int32]:
        """Components, connected over edges and corners; raises as `ObjectCoding.decode` does."""
        return renumber(label_components(maps_of(self, maps, BOTH)[0] > self.threshold), self.min_size)
