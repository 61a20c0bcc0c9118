"""What a survey keeps of a mask: how it is stored, and how many pixels have which code."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.masks.colors import Codes
from unetzoo.data.masks.forms import Form
from unetzoo.data.masks.raw import RawMask, encode
from unetzoo.errors import DataError
from unetzoo.nn.coding import UNKNOWN, Kind

MIN_OBJECTS = 3
"""With fewer values, a mask may hold classes as well as objects."""

_MAX_NAMES = 3  # in a message
_MAX_CODES = 4096  # counted one by one: with more, a mask numbers objects, or is soft
_MAX_OBJECTS = 4096
_MIN_FILL = 0.35  # of its bounding box, for a compact object
_MOST = 0.9
_MAX_SIDE = 512  # pixels of a side that are sampled


@dataclass(frozen=True, eq=False)
class StoredMask:
    """What a survey keeps of one mask.

    Attributes:
        shape: (h, w).
        form: how it is stored.
        codes: that occur, in ascending order; if they are very many, a part, each for those up to the next one.
        counts: pixels of each.
        is_numbered: its values look like the numbers of objects.
        name: of the entry, for people.
        digest: equal for masks with the same pixels that are stored alike.
    """

    shape: tuple[int, int]
    form: Form
    codes: Codes
    counts: Codes
    is_numbered: bool = False
    name: str = ""
    digest: bytes = b""

    def codes_as(self, kind: Kind) -> Codes | None:
        """Its codes as those of a kind, in their order; None if it cannot be read so."""
        return self.form.try_as(kind, self.codes)

    def set_as(self, kind: Kind) -> frozenset[int]:
        """The codes of a kind that occur; empty if it cannot be read so."""
        codes = self.codes_as(kind)
        return frozenset() if codes is None else frozenset(codes.tolist())

    @property
    def is_blank(self) -> bool:
        """Whether all pixels are 0, or black."""
        return not self.codes.any()


def store(raw: RawMask | NDArray[Any], name: str = "") -> StoredMask:
    """Keep what a survey needs of a mask; raises DataError if it cannot be read."""
    try:
        form, codes = encode(raw)
    except DataError as error:
        raise DataError(f"{name}: {error}") from error
    present, counts = _count(codes)
    numbered = form.layout in ("values", "palette") and _are_objects(codes, present)
    if len(present) > _MAX_CODES and form.layout != "sets":
        starts = np.unique(np.r_[0, np.linspace(1, len(present) - 1, _MAX_CODES - 1).astype(int)])
        present, counts = present[starts], np.add.reduceat(counts, starts)
    return StoredMask((codes.shape[0], codes.shape[1]), form, present, counts, numbered, name, _digest(form, raw))


def _digest(form: Form, raw: RawMask | NDArray[Any]) -> bytes:
    pixels = np.ascontiguousarray(raw.pixels if isinstance(raw, RawMask) else raw)
    digest = blake2b(repr((form, pixels.shape, str(pixels.dtype))).encode(), digest_size=16)
    digest.update(pixels.data)
    return digest.digest()


def codes_in(masks: Iterable[StoredMask], kind: Kind) -> set[int]:
    """All codes of masks that are read as a kind."""
    return {code for mask in masks for code in mask.set_as(kind)}


def listed(masks: Sequence[StoredMask]) -> str:
    """The names of the first masks, and how many more there are."""
    names = ", ".join(mask.name for mask in masks[:_MAX_NAMES])
    return f"{names} and {len(masks) - _MAX_NAMES:,} more" if len(masks) > _MAX_NAMES else names


def _count(codes: Codes) -> tuple[Codes, Codes]:
    """The codes that occur, in ascending order, and how many pixels have each."""
    low, high = int(codes.min()), int(codes.max())
    if not 0 <= low <= high < codes.size:
        return np.unique(codes, return_counts=True)
    counts = np.bincount(codes.reshape(-1))
    present = np.flatnonzero(counts)
    return present, counts[present]


def _are_objects(codes: Codes, present: Codes) -> bool:
    """Whether the values (h, w) of a mask number objects: nearly all from 1 on occur, each as one compact object."""
    numbers = present[(present > 0) & (present != UNKNOWN)]
    if present[0] < 0 or not MIN_OBJECTS <= len(numbers) <= _MAX_OBJECTS or len(numbers) < _MOST * numbers[-1]:
        return False
    step = max(1, max(codes.shape) // _MAX_SIDE)
    seen, count = codes[::step, ::step], int(present[-1]) + 1
    areas = np.bincount(seen.reshape(-1), minlength=count)[numbers]
    boxes = (_extents(seen, count) * _extents(seen.T, count))[numbers]
    is_compact = (areas >= _MIN_FILL * boxes)[areas > 0]
    return bool(is_compact.size and is_compact.mean() >= _MOST)


def _extents(codes: Codes, count: int) -> NDArray[np.int64]:
    """The number of rows from the first to the last of each value."""
    values, rows = codes.reshape(-1), np.repeat(np.arange(len(codes)), codes.shape[1])
    first, last = np.zeros((2, count), np.int64)
    last[values] = rows  # the last one of a repeated index counts
    first[values[::-1]] = rows[::-1]
    return last - first + 1
