"""Foreground, distance to the edge and distance to the center: the middle of an object is a seed, which grows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from unetzoo.checks import check_whole
from unetzoo.objects.coding import Fidelity, Ids, Maps, ObjectCoding, ObjectMap, maps_of
from unetzoo.objects.ids import (
    Numbers,
    center_offsets,
    inner_edges,
    label_components,
    renumber,
    separate_objects,
    squared_distances,
)
from unetzoo.objects.options import BOTH, SIZES, THRESHOLDS, check_least, check_threshold, read_spacing
from unetzoo.objects.watershed import flood

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Distance(ObjectCoding):
    """Foreground, distance to the edge, distance to the center (as in doi:10.1038/s41592-024-02580-4, micro-sam).

    Seeds are where the edge is far and the center near; a watershed of the distance to the edge grows them over the
    foreground. A component of the foreground without a seed is an object, too.

    Args:
        threshold: of the foreground's probability, in (0, 1).
        edge: distance to the edge from which on a seed begins, as a share of the largest one in the object, in (0, 1).
        center: distance to the center up to which a seed reaches, likewise.
        smoothing: standard deviation in pixels of a Gaussian that smooths both before seeds are taken, in volumes along
            the axis of the smallest spacing; 0: none.
        min_size: pixels of the smallest object that is kept.
        spacing: of volumes, the distance of neighboring voxels along z, y and x, in any unit, in which all distances
            are measured; empty: that of the network's training, or 1 where it is not known.

    Raises:
        OptionError: a value is out of its range.
    """

    threshold: float = 0.5
    edge: float = 0.5
    center: float = 0.5
    smoothing: float = 1.0
    min_size: int = 1
    spacing: Sequence[float] = ()

    def __post_init__(self) -> None:
        for option in ("threshold", "edge", "center"):
            check_threshold(option, getattr(self, option))
        check_least("smoothing", self.smoothing, 0)
        check_whole("min_size", self.min_size, 1)
        object.__setattr__(self, "spacing", read_spacing(self.spacing))

    @property
    def maps(self) -> tuple[ObjectMap, ...]:
        """A mask and two values from 0 to 1."""
        return (
            ObjectMap(name="foreground", channels=("foreground",), activation="sigmoid", loss="bce + dice"),
            ObjectMap(name="edge", channels=("edge",), activation="sigmoid", loss="l1"),
            ObjectMap(name="center", channels=("center",), activation="sigmoid", loss="l1"),
        )

    @property
    def fidelity(self) -> Fidelity:
        """Every pixel of objects that are nowhere thinner than three pixels."""
        return Fidelity(smallest=self.min_size)

    @property
    def tunable(self) -> Mapping[str, tuple[float, ...]]:
        """The three thresholds, the smoothing and the smallest size."""
        smoothing = (0.0, 1.0, 1.6, 2.5)
        thresholds = dict.fromkeys(("threshold", "edge", "center"), THRESHOLDS)
        return {**thresholds, "smoothing": smoothing, "min_size": SIZES}

    def halo(self, largest: int) -> int:
        """An object, and those that touch it, since they compete for pixels; and what smoothing brings in."""
        return 2 * largest + 1 + round(4 * self.smoothing)

    def encode(self, ids: Ids) -> Maps:
        """Foreground and both distances; raises as `ObjectCoding.encode` does.

        The distance to the edge is 0 on the pixels of the edge, 1 in the middle, and 0 beyond objects; that to the
        centroid is 0 on the nearest pixels, 1 on the farthest ones, and 1 beyond objects.
        """
        objects = separate_objects(ids, BOTH)
        spacing = self._spacing(ids.ndim)
        foreground = objects > 0
        owners = objects[foreground]
        maps = np.zeros((3, *ids.shape), np.float32)
        maps[0], maps[2] = foreground, ~foreground
        maps[1, foreground] = _edge_distances(objects, owners, spacing)
        maps[2, foreground] = _center_distances(foreground, owners, spacing)
        return maps

    def weights(self, ids: Ids) -> Maps:
        """1 everywhere for the foreground; both distances count in objects alone."""
        inside = (ids > 0).astype(np.float32)
        return np.stack([np.ones(ids.shape, np.float32), inside, inside])

    def decode(self, maps: Maps) -> NDArray[np.int32]:
        """Flood from the middle of objects; raises as `ObjectCoding.decode` does."""
        foreground, edge, center = maps_of(self, maps, BOTH)
        inside = foreground > self.threshold
        is_seed = inside & (self._smooth(edge) > self.edge)
        is_seed &= self._smooth(center) < self.center
        return renumber(flood(-edge, label_components(is_seed), inside), self.min_size)

    def _smooth(self, distances: Maps) -> Maps:
        from scipy.ndimage import gaussian_filter

        steps = self._spacing(distances.ndim) or (1.0,) * distances.ndim
        smooth: Maps = distances
        if self.smoothing:
            smooth = gaussian_filter(distances, [self.smoothing * min(steps) / step for step in steps])
        return smooth

    def _spacing(self, axes: int) -> tuple[float, ...]:
        """That of an array of so many axes; empty: 1 along each."""
        return tuple(self.spacing) if axes == len(self.spacing) and len({*self.spacing}) > 1 else ()


def _edge_distances(objects: Numbers, owners: Numbers, spacing: Sequence[float]) -> Values:
    """For each pixel of an object the distance to its edge, over the largest one in the object, which is 1.

    The nearest edge is always the object's own, so that one transform serves all objects.
    """
    foreground = objects > 0
    distances = np.sqrt(squared_distances(foreground & ~inner_edges(objects), spacing)[foreground])
    largest = np.zeros(owners.max(initial=0) + 1)
    np.maximum.at(largest, owners, distances)
    thin = largest == 0
    return np.where(thin[owners], 1, distances / np.where(thin, 1, largest)[owners])


def _center_distances(foreground: NDArray[np.bool_], owners: Numbers, spacing: Sequence[float]) -> Values:
    """For each pixel of an object the distance to its centroid, from 0 to 1 over the pixels of the object."""
    offsets = center_offsets(foreground, owners)
    distances = reduce(
        np.hypot, [offset * step for offset, step in zip(offsets, spacing or (1,) * len(offsets), strict=True)]
    )
    objects = owners.max(initial=0) + 1
    nearest, farthest = np.full(objects, np.inf), np.zeros(objects)
    np.minimum.at(nearest, owners, distances)
    np.maximum.at(farthest, owners, distances)
    extent = np.maximum(farthest - nearest, 1e-6)  # of a single pixel: 0
    values: Values = np.clip((distances - nearest[owners]) / extent[owners], 0, 1)
    return values
