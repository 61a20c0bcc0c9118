"""What a survey keeps of a mask: how it is stored, and how many pixels have which code."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.masks.colors import Codes
from unetzoo.data.masks.forms import Form
from unetzoo.data.masks.objects import are_objects
from unetzoo.data.masks.raw import RawMask, encode
from unetzoo.errors import DataError
from unetzoo.nn.coding import Kind

_MOST_CODES = 4096  # that are counted one by one: with more, a mask numbers objects, or is soft


@dataclass(frozen=True, eq=False)
class StoredMask:
    """What is known of one mask.

    Attributes:
        shape: (h, w).
        form: how it is stored.
        codes: that occur, in ascending order; of very many only some, each for those up to the next one.
        counts: pixels of each.
        is_numbered: its values look like the numbers of objects.
        name: of the entry, for people.
    """

    shape: tuple[int, int]
    form: Form
    codes: Codes
    counts: Codes
    is_numbered: bool = False
    name: str = ""

    def codes_as(self, kind: Kind) -> Codes | None:
        """Its codes as those of a kind, in their order; None where it cannot be read so."""
        return self.form.try_as(kind, self.codes)

    def set_as(self, kind: Kind) -> frozenset[int]:
        """Those that occur; none where it cannot be read so."""
        codes = self.codes_as(kind)
        return frozenset() if codes is None else frozenset(codes.tolist())

    @property
    def is_blank(self) -> bool:
        """Whether all pixels are 0, or black."""
        return not self.codes.any()


def store(raw: RawMask | NDArray[Any], name: str = "") -> StoredMask:
    """What is known of a mask; raises DataError for one that cannot be read."""
    try:
        form, codes = encode(raw)
    except DataError as error:
        raise DataError(f"{name}: {error}") from error
    found, counts = _count(codes)
    numbered = form.layout in ("values", "palette") and are_objects(codes, found)
    if len(found) > _MOST_CODES:
        starts = np.unique(np.r_[0, np.linspace(1, len(found) - 1, _MOST_CODES - 1).astype(int)])
        found, counts = found[starts], np.add.reduceat(counts, starts)
    return StoredMask((codes.shape[0], codes.shape[1]), form, found, counts, numbered, name)


def _count(codes: Codes) -> tuple[Codes, Codes]:
    """The codes that occur, in ascending order, and how many pixels have each."""
    low, high = int(codes.min()), int(codes.max())
    if not 0 <= low <= high < codes.size:
        return np.unique(codes, return_counts=True)
    counts = np.bincount(codes.reshape(-1))
    found = np.flatnonzero(counts)
    return found, counts[found]
