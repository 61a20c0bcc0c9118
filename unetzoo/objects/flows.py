"""Flows to the middle of each object: pixels that end at one place are one object."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unetzoo.checks import check_whole
from unetzoo.objects.coding import Fidelity, Ids, Maps, ObjectCoding, ObjectMap, maps_of
from unetzoo.objects.heat import heat_flows
from unetzoo.objects.holes import fill_holes
from unetzoo.objects.ids import Mask, Numbers, label_components, renumber, separate_objects
from unetzoo.objects.options import SIZES, THRESHOLDS, check_least, check_threshold

_WINDOW = 5  # pixels in which a seed has the most end points
_SEED = 10  # end points of a seed, more than
_GROWN = 2  # end points of a pixel that joins a seed, more than
_ROUNDS = 5  # of growing seeds by a pixel
_SMALLEST = 25  # pixels of a compact object of which enough end at one pixel


@dataclass(frozen=True, kw_only=True)
class Flows(ObjectCoding):
    """Flows and foreground, as Cellpose has them (doi:10.1038/s41592-020-01018-x).

    Each pixel of the foreground follows the flows. Where many end are seeds; the pixels that end at a seed are its
    object. An object whose own flows differ from those of the maps is dropped. The loss is that of Cellpose, half the
    mean squared error of five times the flow, and the cross-entropy of the foreground.

    Args:
        threshold: of the foreground's probability, in (0, 1).
        steps: that a pixel goes, each as long as the flow where it is, at most a pixel; >= 1.
        flow_error: mean squared difference of flows at which an object is dropped, > 0; 0: none is.
        min_size: pixels of the smallest object that is kept.
        max_share: of the image, that of the largest object that is kept, in (0, 1]. Cellpose has 0.4, which depends on
            how an image is cut into tiles.
        fill_holes: whether holes of an object that hold no other one are filled.
    """

    threshold: float = 0.5
    steps: int = 200
    flow_error: float = 0.4
    min_size: int = 15
    max_share: float = 1.0
    fill_holes: bool = True

    def __post_init__(self) -> None:
        check_threshold("threshold", self.threshold)
        check_whole("steps", self.steps, 1)
        check_least("flow_error", self.flow_error, 0)
        check_whole("min_size", self.min_size, 1)
        if self.max_share != 1:
            check_threshold("max_share", self.max_share)

    @property
    def maps(self) -> tuple[ObjectMap, ...]:
        """A vector and a mask."""
        flow = ObjectMap(name="flow", channels=("y", "x"), activation="none", loss="mse", weight=12.5, vector=True)
        return flow, ObjectMap(name="foreground", channels=("foreground",), activation="sigmoid", loss="bce")

    @property
    def fidelity(self) -> Fidelity:
        """Most pixels of objects with enough of them to be a seed."""
        return Fidelity(iou=0.8, holes=not self.fill_holes, smallest=max(self.min_size, _SMALLEST))

    @property
    def tunable(self) -> Mapping[str, tuple[float, ...]]:
        """The threshold, the flow error and the smallest size."""
        return {"threshold": THRESHOLDS, "flow_error": (0.0, 0.2, 0.4, 0.8, 1.6), "min_size": SIZES}

    def halo(self, largest: int) -> int:
        """An object, and those of which pixels end near its middle; seeds look at what is around them."""
        return 2 * largest + _WINDOW + _ROUNDS

    def encode(self, ids: Ids) -> Maps:
        """Flows and foreground; raises as `ObjectCoding.encode` does."""
        objects = separate_objects(ids)
        return np.concatenate([heat_flows(objects), (objects > 0)[None].astype(np.float32)])

    def weights(self, ids: Ids) -> Maps:
        """1 everywhere: beyond objects a network learns that nothing flows."""
        return np.ones((2, *ids.shape), np.float32)

    def decode(self, maps: Maps) -> NDArray[np.int32]:
        """Follow the flows; on the device of `maps`, where that is a tensor. Raises as `ObjectCoding.decode` does."""
        from unetzoo.objects.follow import end_points

        ends = end_points(maps, self.threshold, self.steps)
        *flows, foreground = maps_of(self, maps)
        inside = foreground > self.threshold
        objects = np.zeros(inside.shape, np.int32)
        objects[inside] = _seeds(ends, inside.shape)[tuple(ends)]
        objects = renumber(objects)
        objects = _drop(objects, np.bincount(objects.ravel()) > self.max_share * objects.size)
        if self.flow_error and objects.any():
            objects = _drop(objects, _flow_errors(np.stack(flows), objects) > self.flow_error)
        return renumber(fill_holes(objects) if self.fill_holes else objects, self.min_size)


def _seeds(ends: NDArray[np.int64], shape: tuple[int, ...]) -> Numbers:
    """Numbers (h, w) of the places at which many pixels end; `ends` (2, n) are their rows and columns."""
    from scipy.ndimage import maximum_filter

    counts = np.bincount(np.ravel_multi_index(tuple(ends), shape), minlength=shape[0] * shape[1]).reshape(shape)
    peaks = (counts > _SEED) & (maximum_filter(counts, _WINDOW, mode="constant") == counts)
    seeds = label_components(maximum_filter(peaks, 3, mode="constant"))  # peaks of equal height side by side are one
    for _ in range(_ROUNDS):
        seeds = np.where((seeds == 0) & (counts > _GROWN), maximum_filter(seeds, 3, mode="constant"), seeds)
    return seeds


def _flow_errors(flows: Maps, objects: Numbers) -> NDArray[np.float64]:
    """For each number the mean squared difference of the flows (2, h, w) and those that its object would have."""
    inside = objects > 0
    own = heat_flows(objects)
    squares = ((flows - own)[:, inside] ** 2).sum(0)
    return np.bincount(objects[inside], squares) / np.maximum(np.bincount(objects[inside]), 1)


def _drop(objects: Numbers, which: Mask) -> Numbers:
    """Objects without those of which the numbers are marked."""
    marked = which.copy()
    marked[0] = False
    return renumber(np.where(marked[objects], 0, objects))
