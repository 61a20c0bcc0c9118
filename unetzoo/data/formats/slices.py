"""Slices of a volume as images, with their neighbors as channels."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.texts import count_of
from unetzoo.checks import whole
from unetzoo.data.formats.content import Known, Role, check_finite
from unetzoo.data.formats.limits import WHOLE_BYTES, check_memory
from unetzoo.data.formats.orientation import AXES, PLANES, orientation_of
from unetzoo.data.formats.raster import Raster
from unetzoo.data.formats.read import open_raster
from unetzoo.data.formats.view import View, read_pixels
from unetzoo.errors import DataError, OptionError

_COUNTS = (1, 3, 5)


@dataclass(frozen=True)
class Slicing:
    """How volumes are read as images, slice by slice.

    Attributes:
        slices: 1, 3 or 5 neighboring slices that are the channels of an image, itself in the middle; those beyond the
            ends repeat the last one. None: 1 where files hold volumes, and 3-D arrays such as TIFF stacks, which leave
            open whether they do, are images with channels.
        axis: along which slices follow one another: `z`, `y` or `x`, also called `axial`, `coronal` and `sagittal`.
            None: that with the largest step.
        whole: volumes are not read in slices, but whole, for a network over three axes.

    Raises:
        OptionError: a value is none of these, or there are slices of whole volumes.
    """

    slices: int | None = None
    axis: str | None = None
    whole: bool = False

    def __post_init__(self) -> None:
        if self.whole and self.is_said:
            raise OptionError("slices and axis are for networks of images: leave them out, this one sees whole volumes")
        if self.slices is not None and whole(self.slices) not in _COUNTS:
            raise OptionError(f"slices must be one of {', '.join(map(str, _COUNTS))}; got {self.slices!r}")
        if self.axis is not None:
            object.__setattr__(self, "axis", AXES[direction_of(self.axis)])

    @property
    def is_said(self) -> bool:
        """Whether images are said to be volumes."""
        return self.slices is not None or self.axis is not None

    @property
    def count(self) -> int:
        """The number of neighboring slices, 1 by default."""
        return self.slices or 1


AS_IT_SAYS = Slicing()
"""Volumes are what files say are volumes."""


def direction_of(axis: str) -> int:
    """The number of a direction by its name, or that of its slices; raises OptionError."""
    name = str(axis).strip().lower()
    if name not in (*AXES, *PLANES):
        raise OptionError(f"axis must be one of {', '.join(AXES)} ({', '.join(PLANES)}); got {axis!r}")
    return (*AXES, *PLANES).index(name) % len(AXES)


@contextmanager
def open_volume(path: Path, role: Role = "image") -> Iterator[Raster]:
    """Open a volume (d, h, w, c), which is not read.

    Args:
        path: of a file of a format that holds volumes, or 3-D arrays.
        role: whether it is an image or a mask.

    Raises:
        DataError: it cannot be read, or is an image of rows and columns alone.
    """
    with open_raster(path, role=role, known=Known(is_volume=True)) as raster:
        if len(raster.shape) != 4:
            height, width, count = raster.shape
            raise DataError(
                f"{path} is an image of {height} x {width} pixels and {count_of(count, 'channel')}, where a volume is "
                "expected (slices, rows and columns), by the options or by the training of the network: give a volume"
            )
        yield raster


@contextmanager
def open_voxels(path: Path, role: Role = "image") -> Iterator[Any]:
    """Open a volume (d, h, w, c) that has `shape` and can be sliced along its axes.

    A large one is read by windows where its format has them, another one as a whole. Arguments are those of
    `open_volume`.

    Raises:
        DataError: as `open_volume`, or it has more voxels than there is memory for.
    """
    with open_volume(path, role) as raster:
        is_large = raster.is_mapped or (raster.block and raster.nbytes > WHOLE_BYTES)
        if is_large:
            yield View(raster, str(path))
        else:
            check_memory(str(path), raster.nbytes)
            pixels = read_pixels(raster, raster.whole)
            check_finite(pixels, str(path))
            yield pixels


class Slices:
    """The slices of a volume along a direction, as images (h, w, c).

    Args:
        raster: the volume (d, h, w, c).
        direction: number of `AXES` along which slices follow one another; None: that with the largest step.
        count: number of neighboring slices, odd, whose channels an image has, first those of the first slice.
        name: of the volume, for errors.
    """

    def __init__(self, raster: Raster, direction: int | None = None, *, count: int = 1, name: str = "") -> None:
        self.raster, self.count, self._name = raster, count, name
        self.orientation = orientation_of(raster.grid)
        self.direction = self.orientation.thickest if direction is None else direction

    def __len__(self) -> int:
        return self.raster.shape[self.axis]

    def __getitem__(self, number: int) -> NDArray[Any]:
        """The image (h, w, c) of a slice, masked where it holds no data; raises DataError if it cannot be read."""
        reach = self.count // 2
        numbers = np.clip(np.arange(number - reach, number + reach + 1), 0, len(self) - 1).tolist()
        planes = {each: self._slice(each) for each in dict.fromkeys(numbers)}
        parts = [planes[each] for each in numbers]
        if len(parts) == 1:
            return parts[0]
        joined: NDArray[Any] = (np.ma if any(map(np.ma.isMaskedArray, parts)) else np).concatenate(parts, axis=-1)
        return joined

    @property
    def axis(self) -> int:
        """The axis of the array along which slices follow one another."""
        return self.orientation.order[self.direction]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a slice."""
        height, width = (self.raster.shape[axis] for axis in np.delete(self.orientation.order, self.direction))
        return height, width

    def number_at(self, place: int) -> int:
        """The number of the slice at a place along the axis of the array, and the other way round."""
        return len(self) - 1 - place if self.orientation.flips[self.direction] else place

    def turned(self, array: NDArray[Any]) -> NDArray[Any]:
        """An array (d, h, w, ...) as the slices (n, height, width, ...), a view."""
        return np.moveaxis(self.orientation.turned(array), self.direction, 0)

    def in_order(self, part: NDArray[Any]) -> NDArray[Any]:
        """A slice (height, width, ...) as the array has it, (d, h, w, ...) with a single slice along `axis`."""
        shape = [*self.raster.shape[:3], *part.shape[2:]]
        shape[self.axis] = 1
        block = np.empty(shape, part.dtype)
        self.turned(block)[0] = part
        return block

    def _slice(self, number: int) -> NDArray[Any]:
        window = [slice(0, length) for length in self.raster.shape[:3]]
        window[self.axis] = slice(place := self.number_at(number), place + 1)
        plane: NDArray[Any] = self.turned(read_pixels(self.raster, tuple(window)))[0]
        check_finite(plane, self._name)
        return plane
