"""Predict the objects of an image: its maps are decoded, those of an image of many pixels in tiles, strip by strip.

Of a volume strips are slices, and tiles are blocks of them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unetzoo.checks import check_count
from unetzoo.errors import OptionError
from unetzoo.inference.choices import LARGEST_OBJECT
from unetzoo.inference.forward import Network
from unetzoo.inference.predict import predict
from unetzoo.nn.config import ModelConfig
from unetzoo.nn.wrapped import network_of
from unetzoo.objects.coding import Maps, channels_of
from unetzoo.objects.target import object_classes
from unetzoo.registry.objects import coding_of, count_object_classes, network_maps

Numbers = NDArray[np.int32]
_STRIPS = {2: 2048, 3: 128}  # sides of a tile, at least
_WHOLE = 2**24  # pixels that are decoded at once


class ImageObjects(NamedTuple):
    """The objects of an image.

    Attributes:
        ids: (h, w), of a volume (d, h, w): 1 to n; 0 where there is none.
        classes: of each object (n + 1,), by its number, 0 to classes - 1; all 0 where there is one class.
    """

    ids: Numbers
    classes: NDArray[np.int64]


class Strip(NamedTuple):
    """Finished rows of objects, of a volume slices.

    Attributes:
        top: the first row.
        ids: (rows, w) or (slices, h, w), numbered over all strips.
        classes: of the objects whose numbers are new since the strip before, in their order.
    """

    top: int
    ids: Numbers
    classes: NDArray[np.int64]


class _Part(NamedTuple):
    """Pixels along an axis from `start` to the one before `end`, and the window around them that is decoded.

    Attributes:
        start: the first.
        end: the one after the last.
        first: of the window.
        beyond: after the window.
        is_cut: whether the image has more than the window.
        is_whole: whether there is no other part.
    """

    start: int
    end: int
    first: int
    beyond: int
    is_cut: bool
    is_whole: bool


class Decoder:
    """Decodes the maps of a network.

    Args:
        config: of the network.
        largest_object: see `predict_objects`.
        strip: pixels along each axis at once of images that are not decoded whole; None: 2048, of volumes 128.
        whole: pixels of the largest image that is decoded whole.

    Raises:
        OptionError: the network has no objects, or the length is not a whole number >= 1.
    """

    def __init__(
        self,
        config: ModelConfig,
        *,
        largest_object: int | None = None,
        strip: int | None = None,
        whole: int = _WHOLE,
    ) -> None:
        network_maps(config)  # checks the channels
        self.coding = coding_of(config)
        self.channels = channels_of(self.coding.maps)
        self.classes = count_object_classes(config, self.coding)
        axes = config.spatial_dims
        self.largest = LARGEST_OBJECT[axes] if largest_object is None else check_count("largest_object", largest_object)
        self.strip, self.whole = strip or _STRIPS[axes], whole

    def decode(self, maps: Maps) -> ImageObjects:
        """The objects of maps, as `predict` gives them; raises OptionError as `predict_objects`."""
        ids = np.zeros(maps.shape[1:], np.int32)
        strips = self.strips(lambda first, beyond: maps[:, first:beyond], ids.shape, out=ids)
        return ImageObjects(ids, np.concatenate([np.zeros(1, np.int64), *(strip.classes for strip in strips)]))

    def strips(
        self, read: Callable[[int, int], Maps], shape: Sequence[int], *, out: Numbers | None = None
    ) -> Iterator[Strip]:
        """The finished rows of objects from top to bottom, for images larger than the memory.

        A strip is decoded in tiles, and an object belongs to the tile in which its centroid lies. Each tile is decoded
        with as many pixels around it as its objects need, so that they are those of the whole image.

        Args:
            read: gives the maps (c, beyond - first, w) of some rows, of a volume those of slices.
            shape: of the image, (h, w), or of the volume, (d, h, w).
            out: zeros of that shape, such as a mapped file, into which the numbers are written, so that no other memory
                holds a strip; its part is that of each strip.

        Raises:
            OptionError: an object of an image that is cut is longer than `largest_object`.
        """
        height, *across = shape
        pending, top, count = np.zeros((0, *across), np.int32), 0, 0
        for rows in self._parts(height, shape):
            reach = min(height, rows.end + self.largest)
            if out is None:
                pending = np.concatenate([pending, np.zeros((reach - top - len(pending), *across), np.int32)])
            else:
                pending = out[top:reach]
            begin = max(rows.first, top)
            new = []
            tiles = product(*(self._parts(length, shape) for length in across))
            for places, (ids, classes) in self._tiles(read(rows.first, rows.beyond), tiles):
                owned = self._owned(ids, (rows, *places))
                numbers = np.where(owned, np.cumsum(owned) + count, 0).astype(np.int32)
                place = slice(begin - top, reach - top), *_windows(places)
                _add(pending[place], numbers[ids[begin - rows.first : reach - rows.first]])
                count += int(owned.sum())
                new.append(classes[owned])
            finished = height if rows.end == height else max(top, rows.end - self.largest)
            yield Strip(top, pending[: finished - top], np.concatenate(new))
            pending, top = pending[finished - top :].copy() if out is None else pending[:0], finished

    def _parts(self, length: int, shape: Sequence[int]) -> Iterator[_Part]:
        """How so many pixels along an axis of an image are cut."""
        is_whole = prod(shape) <= self.whole
        part = length if is_whole else max(self.strip, self.largest)
        halo = max(self.coding.halo(self.largest), self.largest + 1)
        for start in range(0, length, part):
            end = min(start + part, length)
            first, beyond = max(0, start - halo), min(length, end + halo)
            yield _Part(start, end, first, beyond, is_cut=beyond - first < length, is_whole=end - start == length)

    def _tiles(
        self, maps: Maps, tiles: Iterable[tuple[_Part, ...]]
    ) -> Iterator[tuple[tuple[_Part, ...], ImageObjects]]:
        """The objects of each tile of a strip; its maps are freed before those of the next one are read."""
        for places in tiles:
            yield places, self._window(maps[:, :, *_windows(places)])

    def _window(self, maps: Maps) -> ImageObjects:
        """The objects of a tile and what surrounds it; pixels without data belong to none."""
        maps = np.ascontiguousarray(maps)
        is_empty = np.isnan(maps[0])
        if is_empty.any():
            maps = np.where(is_empty, np.float32(0), maps)
        ids = self.coding.decode(maps[: self.channels])
        ids[is_empty] = 0
        if not self.classes:
            return ImageObjects(ids, np.zeros(ids.max(initial=0) + 1, np.int64))
        votes = maps[self.channels :].argmax(0)
        return ImageObjects(ids, object_classes(ids, votes, self.classes).clip(min=0))

    def _owned(self, ids: Numbers, parts: Sequence[_Part]) -> NDArray[np.bool_]:
        """Whether the centroid of each object (n + 1,) lies in the tile."""
        owned = np.arange(ids.max(initial=0) + 1) > 0
        touches, lengths = owned.copy(), np.zeros(len(owned), np.int64)
        for axis, part in enumerate(parts):
            if part.is_whole:
                continue
            first, beyond, centroid = _extents(np.moveaxis(ids, axis, 0))
            start, end = part.start - part.first, part.end - part.first
            owned &= (centroid >= start) & (centroid < end)
            touches &= (first < end) & (beyond > start)
            if part.is_cut:
                lengths = np.maximum(lengths, beyond - first)
        longest = lengths[touches].max(initial=0)
        if longest > self.largest:
            pixels, tiles = ("pixels", "tiles of the image") if len(parts) == 2 else ("voxels", "blocks of the volume")
            raise OptionError(
                f"an object is {longest:,} {pixels} long or longer, more than largest_object={self.largest}, so that "
                f"{tiles} would cut it: give a larger largest_object"
            )
        return owned


def predict_objects(
    model: Network,
    image: Any,  # noqa: ANN401 - whatever can be sliced
    *,
    tile: int | None = None,
    overlap: int | None = None,
    batch: int = 1,
    mirrors: int = 1,
    largest_object: int | None = None,
) -> Numbers:
    """The number of the object of each pixel.

    The maps of the network are those of `predict`. An image of more than 2^24 pixels is decoded in tiles; its objects
    are those of the whole image. A volume is decoded in blocks likewise.

    Args:
        model: a network of `create(..., objects=...)`, in evaluation mode, as `predict` takes it.
        image: as in `predict`.
        tile: as in `predict`.
        overlap: as in `predict`.
        batch: as in `predict`.
        mirrors: as in `predict`; vectors of mirror images are turned back.
        largest_object: length in pixels, along any axis, of the longest object in an image that is decoded in tiles.
            They overlap by it or more. None: 256, in volumes 64.

    Returns:
        (h, w), of a volume (d, h, w), int32: 1 to n, 0 where there is no object or no data.

    Raises:
        ShapeError, OptionError, OutOfMemoryError: as `predict`; OptionError also where the network has no objects, or
            an object is longer than `largest_object`.
        MissingExtraError: the extra `objects` is not installed.
    """
    decoder = Decoder(network_of(model).config, largest_object=largest_object)
    return decoder.decode(predict(model, image, tile=tile, overlap=overlap, batch=batch, mirrors=mirrors)).ids


def _extents(ids: Numbers) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """The first row of each object (n + 1,), the one after its last, and the row of its centroid; NaN for 0."""
    count = int(ids.max(initial=0)) + 1
    top, bottom = np.full(count, len(ids)), np.zeros(count, np.int64)
    sizes, sums = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for row, values in enumerate(ids):
        pixels = np.bincount(values.ravel(), minlength=count)
        there = pixels > 0
        bottom[there] = row + 1
        top[there & (top > row)] = row
        sizes += pixels
        sums += row * pixels
    centroid = sums / np.maximum(sizes, 1)
    centroid[0] = np.nan
    top[0], bottom[0] = len(ids), 0
    return top, bottom, centroid


def _windows(parts: Sequence[_Part]) -> tuple[slice, ...]:
    return tuple(slice(part.first, part.beyond) for part in parts)


def _add(rows: Numbers, ids: Numbers) -> None:
    """Write objects where there are none yet."""
    np.copyto(rows, ids, where=rows == 0)
