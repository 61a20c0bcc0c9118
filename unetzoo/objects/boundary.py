"""Three classes, background, inside and edge: what is inside are seeds, which grow over their edges."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unetzoo.checks import check_whole
from unetzoo.objects.coding import Fidelity, Ids, Maps, ObjectCoding, ObjectMap, maps_of
from unetzoo.objects.ids import inner_edges, label_components, renumber, separate_objects
from unetzoo.objects.options import BOTH, SIZES, THRESHOLDS, check_least, check_threshold
from unetzoo.objects.watershed import flood


@dataclass(frozen=True, kw_only=True)
class Boundary(ObjectCoding):
    """Background, inside and edge of objects as three classes (as in doi:10.1038/s41592-019-0612-7, the 2018 Bowl).

    The components of what is inside are seeds; a watershed grows them over inside and edge. A component of both
    without a seed, such as a thin object, is an object, too. In volumes the edge is as wide along each axis.

    Args:
        width: of the edge, inside the object, in pixels.
        edge_weight: weight of the edge's pixels in the loss, >= 1; all others have 1.
        seeds: threshold of a pixel's probability to lie inside, in (0, 1).
        threshold: of its probability to lie inside or on the edge, in (0, 1).
        min_size: pixels of the smallest object that is kept.
    """

    width: int = 1
    edge_weight: float = 2.0
    seeds: float = 0.5
    threshold: float = 0.5
    min_size: int = 1

    def __post_init__(self) -> None:
        check_whole("width", self.width, 1)
        check_least("edge_weight", self.edge_weight, 1)
        check_threshold("seeds", self.seeds)
        check_threshold("threshold", self.threshold)
        check_whole("min_size", self.min_size, 1)

    @property
    def maps(self) -> tuple[ObjectMap, ...]:
        """One of three classes for each pixel."""
        classes = ("background", "inside", "edge")
        return (ObjectMap(name="regions", channels=classes, activation="softmax", loss="ce + dice"),)

    @property
    def fidelity(self) -> Fidelity:
        """Every pixel of objects that are nowhere thinner than twice the edge and a pixel."""
        return Fidelity(smallest=self.min_size)

    @property
    def tunable(self) -> Mapping[str, tuple[float, ...]]:
        """Both thresholds and the smallest size."""
        return {"seeds": THRESHOLDS, "threshold": THRESHOLDS, "min_size": SIZES}

    def halo(self, largest: int) -> int:
        """An object, and those that touch it, since they compete for pixels."""
        return 2 * largest + self.width

    def encode(self, ids: Ids) -> Maps:
        """1 for the class of each pixel, else 0; raises as `ObjectCoding.encode` does."""
        objects = separate_objects(ids, BOTH)
        foreground, edge = objects > 0, inner_edges(objects, self.width)
        return np.stack([~foreground, foreground & ~edge, edge]).astype(np.float32)

    def weights(self, ids: Ids) -> Maps:
        """1, or `edge_weight` on edges."""
        edge = inner_edges(separate_objects(ids, BOTH), self.width)
        return np.where(edge, np.float32(self.edge_weight), np.float32(1))[None]

    def decode(self, maps: Maps) -> NDArray[np.int32]:
        """Flood from inside to the edges; raises as `ObjectCoding.decode` does."""
        _, inside, edge = maps_of(self, maps, BOTH)
        foreground = inside + edge > self.threshold
        seeds = label_components((inside > self.seeds) & foreground)
        return renumber(flood(-inside, seeds, foreground), self.min_size)
