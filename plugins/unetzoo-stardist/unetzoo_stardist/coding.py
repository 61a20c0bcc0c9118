"""A probability and the lengths of rays to the edge: each pixel proposes a polygon, and the best ones are kept."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import unetzoo
from unetzoo.objects import (
    SIZES,
    THRESHOLDS,
    Fidelity,
    ObjectMap,
    check_least,
    check_threshold,
    check_whole,
    maps_of,
    renumber,
    separate_objects,
)
from unetzoo_stardist.library import stardist
from unetzoo_stardist.rays import write_rays

Ids = NDArray[np.integer]
Maps = NDArray[np.float32]
_BEYOND = 1e-4  # weight of rays outside of objects
_SHORTEST = 1e-3  # pixels


@dataclass(frozen=True, kw_only=True)
class StarDist(unetzoo.ObjectCoding):
    """Probability and rays, as StarDist has them (Schmidt et al. 2018, arXiv:1806.03535).

    The probability is the distance to the edge over the largest one in the object. Pixels above the threshold propose
    the polygon at the ends of their rays; of polygons that overlap the most probable one is kept.

    The loss is StarDist's: the cross-entropy of the probability, and 0.2 times the mean absolute error of the rays in
    pixels. Its weight is the probability, or 1e-4 outside of objects, where rays should be 0. StarDist divides what is
    outside by the number of all pixels; here the sum of all weights is the one divisor.

    Args:
        rays: in as many directions, a multiple of 4, >= 8.
        unit: pixels of a ray that is 1 in the maps, >= 0.1. About the radius of an object: a new network predicts rays
            near 1, and learns such numbers in the fewest steps.
        threshold: of the probability of a pixel that proposes a polygon, in (0, 1).
        overlap: share of the smaller of two polygons from which on the less probable one is dropped, in (0, 1).
        min_size: pixels of the smallest object that is kept.
    """

    rays: int = 32
    unit: float = 10.0
    threshold: float = 0.5
    overlap: float = 0.4
    min_size: int = 1

    def __post_init__(self) -> None:
        check_whole("rays", self.rays, 8)
        if self.rays % 4:
            raise unetzoo.OptionError(f"rays must be a multiple of 4, got {self.rays}")
        check_least("unit", self.unit, 0.1)
        check_threshold("threshold", self.threshold)
        check_threshold("overlap", self.overlap)
        check_whole("min_size", self.min_size, 1)

    @property
    def maps(self) -> tuple[ObjectMap, ...]:
        """A probability, and a length in units for each direction: to the right, then further and further down."""
        probability = ObjectMap(name="probability", channels=("probability",), activation="sigmoid", loss="bce")
        channels = tuple(f"ray{index}" for index in range(self.rays))
        return probability, ObjectMap(
            name="rays", channels=channels, activation="none", loss="l1", weight=0.2 * self.unit, rays=True, start=1.0
        )

    @property
    def fidelity(self) -> Fidelity:
        """Most pixels of convex objects: corners between rays are cut, and holes are filled."""
        return Fidelity(iou=0.8, holes=False, smallest=self.min_size)

    @property
    def tunable(self) -> Mapping[str, tuple[float, ...]]:
        """The threshold, the overlap and the smallest size."""
        return {"threshold": THRESHOLDS, "overlap": (0.2, 0.3, 0.4, 0.5), "min_size": SIZES}

    def halo(self, largest: int) -> int:
        """An object, and those that touch it, since their polygons compete."""
        return 2 * largest + 1

    def encode(self, ids: Ids) -> Maps:
        """Probability and rays; raises as `ObjectCoding.encode` does."""
        objects = separate_objects(ids)
        maps = np.zeros((1 + self.rays, *ids.shape), np.float32)
        maps[0] = _probability(objects)
        write_rays(objects, maps[1:], self.unit)
        return maps

    def weights(self, ids: Ids) -> Maps:
        """1 for the probability; for rays the probability, or 1e-4 outside of objects."""
        probability = _probability(separate_objects(ids))
        return np.stack([np.ones_like(probability), np.where(probability > 0, probability, np.float32(_BEYOND))])

    def decode(self, maps: Maps) -> NDArray[np.int32]:
        """Draw the polygons that are kept, the most probable on top; raises as `ObjectCoding.decode` does."""
        probability, lengths = np.split(maps_of(self, maps), [1])
        shape = probability.shape[1:]
        points = np.argwhere(probability[0] > self.threshold)
        if not len(points):
            return np.zeros(shape, np.int32)
        scores = probability[0][tuple(points.T)]
        order = np.argsort(-scores, kind="stable")  # of equal ones the first, wherever the image is cut
        points, scores = points[order], scores[order]
        lengths = (lengths[:, *points.T].T * self.unit).clip(_SHORTEST, np.hypot(*shape))
        library = stardist()
        indices = library.nms.non_maximum_suppression_inds(lengths, points, scores, self.overlap, verbose=False)
        objects = library.polygons_to_label(lengths[indices], points[indices], shape, scores[indices])
        return renumber(objects, self.min_size)


def _probability(objects: NDArray[np.int32]) -> NDArray[np.float32]:
    """The distance (h, w) of each pixel to the next one that is not of its object, over the largest in the object."""
    from edt import edt

    distances = edt(objects, black_border=True)
    largest = np.ones(objects.max(initial=0) + 1, np.float32)
    np.maximum.at(largest, objects.ravel(), distances.ravel())
    probability: NDArray[np.float32] = distances / largest[objects]
    return probability
