"""Read every image and mask once, in parallel, and keep what checks and statistics need."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TypeVar

import numpy as np

from unetzoo.data.formats.content import Pixels
from unetzoo.data.formats.nodata import masked_as
from unetzoo.data.masks.raw import RawMask
from unetzoo.data.masks.stored import StoredMask, store
from unetzoo.data.sources.source import Source
from unetzoo.data.survey.channels import Channel, channels_of
from unetzoo.errors import DataError

_Read = TypeVar("_Read")
_AT_ONCE = 16  # pairs in memory, at most


@dataclass(frozen=True)
class ImageFacts:
    """What is known of one image.

    Attributes:
        shape: (h, w, c).
        dtype: of its values.
        channels: what the values of each are like.
        nodata: values that stand for no data, as the file says, among those that it holds.
        missing: values that are no data, by the file or as they are NaN.
        digest: the same for images with the same shape and pixels.
    """

    shape: tuple[int, int, int]
    dtype: str
    channels: tuple[Channel, ...]
    nodata: tuple[float, ...]
    missing: int
    digest: bytes


@dataclass(frozen=True)
class Reading:
    """What reading one entry gave.

    Attributes:
        index: of the entry.
        image: None where it could not be read, or was not asked for.
        mask: None where it could not be read.
        problems: what stood in the way.
        doubts: what cannot be told of its files.
    """

    index: int
    image: ImageFacts | None = None
    mask: StoredMask | None = None
    problems: tuple[str, ...] = field(default=())
    doubts: tuple[str, ...] = ()


def read_all(
    source: Source, indices: Sequence[int], *, images: bool = True, on_read: Callable[[], None] = lambda: None
) -> list[Reading]:
    """Read entries of a source, several at a time.

    Args:
        source: what to read from.
        indices: of the entries.
        images: read the images, too, not the masks alone.
        on_read: called after each.
    """
    readings = []
    for reading in _in_parallel(lambda index: _read(source, index, images), indices):
        readings.append(reading)
        on_read()
    return readings


def _in_parallel(read: Callable[[int], Reading], indices: Iterable[int]) -> Iterator[Reading]:
    workers = min(_AT_ONCE, os.cpu_count() or 1)  # decoding and counting release Python's lock
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(read, indices)


def _read(source: Source, index: int, images: bool) -> Reading:
    pixels, raw, problems = _pixels(source, index, images)
    image = None if pixels is None else _image_facts(pixels)
    mask = None if raw is None else _attempt(lambda index: store(raw, source.entries[index].name), index, problems)
    return Reading(index, image, mask, tuple(problems), tuple(source.doubts(index)) if images else ())


def _pixels(source: Source, index: int, images: bool) -> tuple[Pixels | None, RawMask | Pixels | None, list[str]]:
    """Image and mask of an entry, None for what cannot be read, and why."""
    try:
        return *(source.pair(index) if images else (None, source.raw_mask(index))), []
    except DataError:  # of one of them, or of both
        problems: list[str] = []
        image = _attempt(source.image, index, problems) if images else None
        mask = _attempt(source.raw_mask, index, problems)
        return image, mask, list(dict.fromkeys(problems))


def _attempt(read: Callable[[int], _Read], index: int, problems: list[str]) -> _Read | None:
    """What reading an entry gives; None where it cannot be read, with a line more in the problems."""
    try:
        return read(index)
    except DataError as error:
        problems.append(str(error))
        return None


def _image_facts(image: Pixels) -> ImageFacts:
    height, width, count = image.shape
    channels = channels_of(image)
    digest = blake2b(repr((image.shape, str(image.dtype))).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(np.ma.getdata(image)).data)
    return ImageFacts(
        (height, width, count),
        str(image.dtype),
        channels,
        masked_as(image),
        image.size - sum(channel.count for channel in channels),
        digest.digest(),
    )


def masks_of(readings: Iterable[Reading]) -> list[StoredMask]:
    """The masks that could be read."""
    return [reading.mask for reading in readings if reading.mask]
