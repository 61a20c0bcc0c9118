"""Read every image and mask once, in parallel, and keep what checks and statistics need."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.coding import Kind, Stored, codes_of
from unetzoo.data.images import Pixels
from unetzoo.data.sources import Source
from unetzoo.errors import DataError

_MOST_CODES = 4096  # of a mask; it has too many classes or is one of objects, of which nobody needs the single counts
_AT_ONCE = 16  # pairs in memory, at most


@dataclass(frozen=True)
class ImageFacts:
    """What is known of one image.

    Attributes:
        shape: (h, w, c).
        dtype: of its values.
        low: smallest value.
        high: largest value.
        sums: of the values of each channel.
        squares: sum of the squares of the values of each channel.
        digest: the same for images with the same shape and pixels.
    """

    shape: tuple[int, int, int]
    dtype: str
    low: float
    high: float
    sums: NDArray[np.float64]
    squares: NDArray[np.float64]
    digest: bytes


@dataclass(frozen=True)
class MaskFacts:
    """What is known of one mask.

    Attributes:
        shape: (h, w).
        kind: how it is stored.
        counts: pixels of each code.
        planes: how many it has; 0: none.
    """

    shape: tuple[int, int]
    kind: Kind
    counts: Mapping[int, int]
    planes: int = 0


@dataclass(frozen=True)
class Reading:
    """What reading one entry gave.

    Attributes:
        index: of the entry.
        image: None where it could not be read, or was not asked for.
        mask: None where it could not be read.
        problems: what stood in the way.
    """

    index: int
    image: ImageFacts | None = None
    mask: MaskFacts | None = None
    problems: tuple[str, ...] = field(default=())


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
    mask = None
    try:
        mask = None if raw is None else _mask_facts(raw)
    except DataError as error:
        problems.append(f"{source.entries[index].name}: {error}")
    return Reading(index, image, mask, tuple(problems))


def _pixels(source: Source, index: int, images: bool) -> tuple[Pixels | None, Pixels | None, list[str]]:
    """Image and mask of an entry, None for what cannot be read, and why."""
    try:
        return *(source.pair(index) if images else (None, source.raw_mask(index))), []
    except DataError:  # of one of them, or of both
        found: list[Pixels | None] = []
        problems: list[str] = []
        for read in (source.image if images else None, source.raw_mask):
            try:
                found.append(read(index) if read else None)
            except DataError as error:
                found.append(None)
                problems.append(str(error))
        return found[0], found[1], list(dict.fromkeys(problems))


def _image_facts(image: Pixels) -> ImageFacts:
    height, width, channels = image.shape
    values = image.reshape(-1, channels)
    digest = blake2b(repr((image.shape, str(image.dtype))).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(image).data)
    return ImageFacts(
        (height, width, channels),
        str(image.dtype),
        float(values.min()),
        float(values.max()),
        values.sum(0, dtype=np.float64),
        np.einsum("pc,pc->c", values, values, dtype=np.float64, casting="unsafe"),
        digest.digest(),
    )


def _mask_facts(raw: Pixels) -> MaskFacts:
    kind, codes = codes_of(raw)
    found, counts = np.unique(codes, return_counts=True)
    if len(found) > _MOST_CODES:
        counts[_MOST_CODES - 1] = counts[_MOST_CODES - 1 :].sum()
        found, counts = found[:_MOST_CODES], counts[:_MOST_CODES]
    shape = (codes.shape[0], codes.shape[1])
    planes = raw.shape[2] if kind in ("planes", "blank") else 0
    return MaskFacts(shape, kind, dict(zip(found.tolist(), counts.tolist(), strict=True)), planes)


def stored_as(readings: Iterable[Reading]) -> Stored:
    """How the masks of a data set are stored, those that could be read."""
    masks = [reading.mask for reading in readings if reading.mask]
    return Stored(
        frozenset(mask.kind for mask in masks),
        frozenset(chain.from_iterable(mask.counts for mask in masks)),
        frozenset(mask.planes for mask in masks if mask.planes),
    )
