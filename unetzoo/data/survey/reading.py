"""Read every image and mask once, in parallel, and keep what checks and statistics need."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from statistics import median
from typing import TypeVar

import numpy as np

from unetzoo.data.formats.content import Pixels
from unetzoo.data.formats.grid import NO_GRID, Grid
from unetzoo.data.formats.nodata import masked_as
from unetzoo.data.formats.places import misplaced
from unetzoo.data.masks.raw import RawMask
from unetzoo.data.masks.stored import StoredMask, store
from unetzoo.data.sources.source import Finding, Source
from unetzoo.data.survey.channels import Channel, channels_of
from unetzoo.errors import DataError

_Read = TypeVar("_Read")
_AT_ONCE = 16  # pairs in memory, at most
_TRIALS, _FEW_TRIALS = 8, 3  # pairs that are timed, at most and if they are long
_SHORT = 6e-3  # seconds for a pair, below which threads do not pay


@dataclass(frozen=True)
class ImageFacts:
    """What a survey keeps of an image.

    Attributes:
        shape: (h, w, c), of a volume (d, h, w, c).
        dtype: of its values.
        channels: statistics of the values of each.
        nodata: values that stand for no data by the file, if it holds them.
        missing: number of values that are no data: by the file, or NaN.
        grid: where the pixels lie.
        digest: equal for images with the same shape and pixels.
    """

    shape: tuple[int, ...]
    dtype: str
    channels: tuple[Channel, ...]
    nodata: tuple[float, ...]
    missing: int
    grid: Grid
    digest: bytes


@dataclass(frozen=True)
class Reading:
    """Result of reading one entry.

    Attributes:
        index: of the entry.
        image: None if it cannot be read, or is not to be read.
        mask: None if it cannot be read.
        problems: why something cannot be read.
        doubts: what its files leave open.
    """

    index: int
    image: ImageFacts | None = None
    mask: StoredMask | None = None
    problems: tuple[Finding, ...] = ()
    doubts: tuple[Finding, ...] = ()


def read_all(
    source: Source, indices: Sequence[int], *, images: bool = True, on_read: Callable[[], None] = lambda: None
) -> list[Reading]:
    """Read entries of a source, several at a time where that is faster.

    Decoding and counting release Python's lock, which all else holds: small files are read in turn, since threads that
    wait for the lock take longer than one thread.

    Args:
        source: what to read from.
        indices: of the entries.
        images: read the images, too, not the masks alone.
        on_read: called after each.
    """
    readings: list[Reading] = []
    seconds: list[float] = []
    for index in indices[:_TRIALS]:
        start = time.perf_counter()
        readings.append(_read(source, index, images))
        seconds.append(time.perf_counter() - start)
        on_read()
        if len(seconds) >= _FEW_TRIALS and median(seconds) >= _SHORT:
            break
    is_short = bool(seconds) and median(seconds) < _SHORT  # the first one often imports what reads the files
    with ThreadPoolExecutor(1 if is_short else min(_AT_ONCE, os.cpu_count() or 1)) as pool:
        for reading in pool.map(lambda index: _read(source, index, images), indices[len(readings) :]):
            readings.append(reading)
            on_read()
    return readings


def _read(source: Source, index: int, images: bool) -> Reading:
    problems: list[Finding] = []
    name = source.entries[index].name
    pixels, raw = _pair(source, index, images, problems)
    grid = _grid(source.image_grid, index)
    image = None if pixels is None else _image_facts(pixels, grid)
    if text := misplaced(grid, _grid(source.mask_grid, index)) if grid.has_place else "":
        problems.append(Finding(name, text))
    mask = None if raw is None else _attempt(lambda: store(raw, name), (name,), problems)
    doubts = [Finding(name, f": {text}") for text in source.doubts(index)] if images else []
    return Reading(index, image, mask, tuple(dict.fromkeys(problems)), tuple(doubts))


def _pair(
    source: Source, index: int, images: bool, problems: list[Finding]
) -> tuple[Pixels | None, RawMask | Pixels | None]:
    """Image and mask of an entry, None for what cannot be read."""
    try:
        return source.pair(index) if images else (None, source.raw_mask(index))
    except DataError:  # of one of them, or of both
        names = source.file_names(index)
        image = _attempt(lambda: source.image(index), names, problems) if images else None
        return image, _attempt(lambda: source.raw_mask(index), names, problems)


def _attempt(read: Callable[[], _Read], names: Sequence[str], problems: list[Finding]) -> _Read | None:
    """What `read` returns; None if it raises, which adds to the problems."""
    try:
        return read()
    except DataError as error:
        text = str(error)
        name = next((name for name in names if text.startswith(name)), "")
        problems.append(Finding(name, text.removeprefix(name)))
        return None


def _grid(grid_of: Callable[[int], Grid], index: int) -> Grid:
    """Where an image or a mask lies; nowhere if that cannot be read."""
    with suppress(DataError):
        return grid_of(index)
    return NO_GRID


def _image_facts(image: Pixels, grid: Grid) -> ImageFacts:
    channels = channels_of(image)
    digest = blake2b(repr((image.shape, str(image.dtype))).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(np.ma.getdata(image)).data)
    return ImageFacts(
        image.shape,
        str(image.dtype),
        channels,
        masked_as(image),
        image.size - sum(channel.count for channel in channels),
        grid,
        digest.digest(),
    )


def masks_of(readings: Iterable[Reading]) -> list[StoredMask]:
    """The masks that could be read."""
    return [reading.mask for reading in readings if reading.mask]
