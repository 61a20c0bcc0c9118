"""The contract of a coding: which maps a network gives, what they should be for known objects, and back to objects."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from unetzoo.checks import check_choice, number
from unetzoo.errors import OptionError, ShapeError
from unetzoo.losses.terms import parse_terms

Activation = Literal["sigmoid", "softmax", "none"]
Ids: TypeAlias = NDArray[np.integer]
"""The number (h, w) of each pixel's object: > 0; 0 is background, and a pixel of a negative number is unknown.

Those of volumes are (d, h, w), for a coding whose spec says that it works over three axes.
"""
Maps: TypeAlias = NDArray[np.float32]
"""Maps (c, h, w), after activation; of volumes (c, d, h, w)."""


@dataclass(frozen=True, kw_only=True)
class ObjectMap:
    """Channels of a network that belong together: one activation, one loss.

    Attributes:
        name: such as `"foreground"`, once in a coding.
        channels: a name for each channel.
        activation: how logits become the map: `"sigmoid"` of each channel, `"softmax"` over all of them, or `"none"`.
        loss: an expression as `unetzoo.create_loss` takes it, in which `l1` and `mse` may occur, too: the mean absolute
            or squared difference of the map and its target. `bce`, `ce`, `l1` and `mse` without options weight each
            pixel; any other loss counts the pixels whose weight is > 0.
        weight: factor of the loss in the sum over all maps, > 0.
        vector: whether the two channels are the y and x component of a vector, in pixels downwards and to the right:
            it turns with the image.
        rays: whether the channels are lengths in directions at equal angles, the first to the right, the second one
            further downwards: they, too, turn with the image.
        start: what the last convolution of a new network adds to the logits: near the mean of the targets that count, a
            map without activation is learned in fewer steps.

    Raises:
        OptionError: for an activation or a loss that does not exist, a weight that is not > 0, a start that is not
            finite, a vector that does not have two channels, or rays of which the number is not a multiple of 4.
    """

    name: str
    channels: tuple[str, ...]
    activation: Activation
    loss: str
    weight: float = 1.0
    vector: bool = False
    rays: bool = False
    start: float = 0.0

    def __post_init__(self) -> None:
        check_choice(f"the activation of map {self.name!r}", self.activation, Activation)
        parse_terms(self.loss)
        factor = number(self.weight)
        if factor is None or not factor > 0:
            raise OptionError(f"the weight of map {self.name!r} must be a number > 0, got {self.weight!r}")
        if (start := number(self.start)) is None or not isfinite(start):
            raise OptionError(f"the start of map {self.name!r} must be a finite number, got {self.start!r}")
        for need, fits in (
            ("at least one channel", bool(self.channels)),
            ("two channels, y and x", not self.vector or len(self.channels) == 2),
            ("channels for a multiple of 4 directions", not self.rays or len(self.channels) % 4 == 0),
        ):
            if not fits:
                raise OptionError(f"map {self.name!r} needs {need}, got {self.channels!r}")


@dataclass(frozen=True, kw_only=True)
class Fidelity:
    """What `decode(encode(ids))` keeps of ids; a battery of rules holds a coding to it.

    Attributes:
        iou: intersection over union of each object and the one that comes back, at least; 1: every pixel.
        touching: whether objects that share an edge stay apart.
        holes: whether holes in objects stay open.
        smallest: pixels of the smallest object, alone on background, that comes back.
    """

    iou: float = 1.0
    touching: bool = True
    holes: bool = True
    smallest: int = 1


class ObjectCoding(ABC):
    """How objects become maps that a network can learn, and maps become objects.

    The class or function that builds a coding takes its options by name, all with defaults that JSON can hold, so that
    a name and a mapping of options rebuild it. An object is connected over edges and corners: pieces of one id that do
    not touch each other are encoded as objects of their own. It ends at the border of the array and at unknown pixels,
    since what lies beyond is not seen; wherever ids are at hand beyond a crop, encode a window that is larger by
    `halo` and crop the maps.

    A coding whose spec says that it works over three axes, too, takes the arrays of volumes, with an axis d before h,
    and does with voxels what is said of pixels below.
    """

    @property
    @abstractmethod
    def maps(self) -> tuple[ObjectMap, ...]:
        """The maps in the order of their channels."""

    @property
    @abstractmethod
    def fidelity(self) -> Fidelity:
        """What comes back of objects that are encoded and decoded."""

    @property
    @abstractmethod
    def tunable(self) -> Mapping[str, tuple[float, ...]]:
        """The options of `decode` that are worth tuning on images with known objects, and values to try, ascending.

        Another value of these changes neither the maps nor `encode` nor `weights`.
        """

    @abstractmethod
    def halo(self, largest: int) -> int:
        """Pixels around a tile that must be at hand for the objects of the tile to be those of the whole image.

        Args:
            largest: length in pixels of the largest object's box. Objects whose centroid lies in the tile decode as in
                the whole image, and pixels of the tile are encoded as there.
        """

    @abstractmethod
    def encode(self, ids: Ids) -> Maps:
        """The maps (c, h, w) of known objects, finite everywhere, whatever the numbers of the objects are.

        Args:
            ids: (h, w), see `Ids`; unknown pixels are encoded as background, and `make_target` gives them no weight.

        Raises:
            ShapeError: when ids are not (h, w) or not whole numbers.
        """

    @abstractmethod
    def weights(self, ids: Ids) -> Maps:
        """How much each pixel counts in the loss of each map: (m, h, w), >= 0; m is `len(self.maps)`.

        Raises as `encode` does.
        """

    @abstractmethod
    def decode(self, maps: Maps) -> NDArray[np.int32]:
        """The objects' numbers (h, w), 1 to n without gaps, 0 where there is none.

        Args:
            maps: (c, h, w) after activation, as a network gives them (any values in the range of the activation).

        Raises:
            ShapeError: when the maps are not (c, h, w) with the channels of this coding.
        """


def channels_of(maps: Sequence[ObjectMap]) -> int:
    """The number of channels of all maps together."""
    return sum(len(item.channels) for item in maps)


def maps_of(coding: ObjectCoding, maps: Maps, axes: Sequence[int] = (2,)) -> Maps:
    """Maps (c, h, w) as an array of float32, or (c, d, h, w) for a coding that works over three axes, too.

    Raises:
        ShapeError: they do not have the channels of the coding, or another number of axes.
    """
    array = np.asarray(maps, np.float32)
    channels = channels_of(coding.maps)
    if array.ndim - 1 not in axes or len(array) != channels:
        sides = " or ".join(f"({channels}, {'d, ' * (count == 3)}h, w)" for count in axes)
        raise ShapeError(f"maps of objects must be {sides}, got {array.shape}")
    return array


def slices_of(maps: Sequence[ObjectMap]) -> list[slice]:
    """Where the channels of each map lie."""
    ends = np.cumsum([len(item.channels) for item in maps]).tolist()
    return [slice(end - len(item.channels), end) for item, end in zip(maps, ends, strict=True)]


def turn(maps: Sequence[ObjectMap], values: Maps, quarters: int, *, mirror: bool = False) -> Maps:
    """Maps (c, h, w) of an image that is turned by quarters as `np.rot90` does, then mirrored left to right.

    Vectors and rays turn with the image; a network's maps of a turned image are turned back by the quarters that are
    left.
    """
    turned = np.rot90(values, quarters, (-2, -1)).copy()
    turned = turned[..., ::-1].copy() if mirror else turned
    for item, place in zip(maps, slices_of(maps), strict=True):
        if item.vector:
            turned[place] = _turn_vectors(turned[place], quarters, mirror=mirror)
        if item.rays:
            turned[place] = turned[place][ray_order(len(item.channels), quarters, mirror=mirror)]
    return turned


def ray_order(count: int, quarters: int, *, mirror: bool) -> NDArray[np.intp]:
    """For each of so many rays of a turned image the one of the image before that it was; see `turn`."""
    rays = np.arange(count)
    return ((count // 2 - rays if mirror else rays) + quarters * count // 4) % count


def _turn_vectors(vectors: Maps, quarters: int, *, mirror: bool) -> Maps:
    down, right = vectors
    for _ in range(quarters % 4):
        down, right = -right, down
    return np.stack([down, -right if mirror else right])
