"""What the numbers of masks' pixels mean: which class each is of."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.masks.colors import TRANSPARENT, Codes, distances
from unetzoo.data.masks.forms import LEVELS, NO_NUMBER, OVERLAP, Form, Kind
from unetzoo.data.masks.raw import RawMask, encode
from unetzoo.data.masks.wording import COLORED, complain
from unetzoo.errors import ConfigError, DataError

UNKNOWN = 255
"""The id of a pixel whose class nobody knows."""

IGNORED = -1
"""Another id that masks give to such pixels."""

MOST_CLASSES = 64
"""More distinct values are taken for instances, or for the colours of a photograph."""

_NO_CLASS = -1


@dataclass(frozen=True)
class Coding:
    """What the codes of a data set's masks mean.

    Attributes:
        kind: what of a pixel counts.
        codes: the code of each class id.
        class_names: of each class id.
        unknown: codes of pixels whose class nobody knows.
        instances: every code that is not 0 stands for 1.
        planes: of each mask; 0 where they have none.
        merged: further codes, each with its class id.
        threshold: codes of at least this value stand for 1, the others for 0; None: codes are those above.
        nearest: a code of no class stands for the nearest one of a class.
        colors: the colour of each code where masks have a palette, -1 where it is not known; empty: they have none.
    """

    kind: Kind
    codes: tuple[int, ...]
    class_names: tuple[str, ...]
    unknown: tuple[int, ...] = ()
    instances: bool = False
    planes: int = 0
    merged: tuple[tuple[int, int], ...] = ()
    threshold: float | None = None
    nearest: bool = False
    colors: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Check the number of classes.

        Raises:
            DataError: there are more than ids that are not `UNKNOWN`.
        """
        if len(self.class_names) > UNKNOWN:
            raise DataError(f"there are {len(self.class_names):,} classes; masks of at most {UNKNOWN} can be read")

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, all but the names, and what is as it is by default in a later field than `planes`."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "class_names"}
        return {
            name: _plain(value)
            for name, value in values.items()
            if name not in _LATER_FIELDS or value != _LATER_FIELDS[name]
        }

    @classmethod
    def from_dict(cls, class_names: Sequence[str], data: Mapping[str, Any]) -> "Coding":
        """The inverse of `to_dict`.

        Raises:
            ConfigError: for other keys, or values of the wrong type.
        """
        known = {field.name for field in fields(cls)} - {"class_names"}
        complete = {**_LATER_FIELDS, **data}
        if complete.keys() != known or not _is_sound(complete, len(class_names)):
            raise ConfigError(f"no coding of masks of {len(class_names)} classes: {dict(data)!r}")
        return cls(**{name: _frozen(value) for name, value in complete.items()}, class_names=tuple(class_names))

    def read(self, raw: RawMask | NDArray[Any]) -> NDArray[np.uint8]:
        """The class ids (h, w) of a mask, `UNKNOWN` where nobody knows.

        Raises:
            DataError: it is stored in another way, or has a code that is of no class.
        """
        form, codes = encode(raw)
        read = form.read_as(self.kind_of(form), codes)
        places = self.places(read)
        strange = places == _NO_CLASS
        if strange.any():
            raise DataError(self.complaint(np.unique(read[strange]).tolist(), form))
        return places.astype(np.uint8)

    @property
    def known(self) -> frozenset[int]:
        """The codes of all classes."""
        return frozenset((*self.codes, *(code for code, _ in self.merged)))

    def kind_of(self, form: Form) -> Kind:
        """As what a mask is read; one that numbers objects as it is stored."""
        return form.natural if self.instances else self.kind

    def places(self, codes: Codes) -> NDArray[np.int16]:
        """The class id of each code, `UNKNOWN` where nobody knows; -1: it is of no class."""
        if self.instances or self.threshold is not None:
            return self._switched(codes)
        known, ids = self._table
        spots = np.searchsorted(known, codes).clip(max=len(known) - 1)
        strange = known[spots] != codes
        places: NDArray[np.int16] = ids[spots]
        if strange.any():
            places[strange] = self._nearest(codes[strange]) if self.nearest else _NO_CLASS
        return places

    def strangers(self, codes: Codes) -> list[int]:
        """Those of some codes that are of no class."""
        strangers: list[int] = np.unique(codes[self.places(codes) == _NO_CLASS]).tolist()
        return strangers

    def complaint(self, strangers: Sequence[int], form: Form) -> str:
        """What is wrong with a mask that holds codes of no class, and what helps."""
        return complain(self.kind, self.codes, strangers, is_lossy=form.marks.is_lossy)

    def _switched(self, codes: Codes) -> NDArray[np.int16]:
        """0 or 1, by what is not 0, or by the threshold."""
        limit = None if self.threshold is None else self.threshold * (LEVELS if self.kind == "levels" else 1)
        is_on = codes != 0 if limit is None else codes >= limit
        places = np.where(is_on, self.codes.index(1), self.codes.index(0)).astype(np.int16)
        if limit is not None:
            places[codes == NO_NUMBER] = _NO_CLASS
        if self.unknown:
            places[np.isin(codes, self.unknown)] = UNKNOWN
        return places

    @cached_property
    def _table(self) -> tuple[Codes, NDArray[np.int16]]:
        """The known codes in order, and the class id of each; unknown ones are so even if they are of a class."""
        table = dict(zip(self.codes, range(len(self.codes)), strict=True))
        table |= dict(self.merged)
        table |= dict.fromkeys(self.unknown, UNKNOWN)
        known = sorted(table)
        return np.array(known, dtype=np.int64), np.array([table[code] for code in known], dtype=np.int16)

    def _nearest(self, codes: Codes) -> NDArray[np.int16]:
        """The class ids of the codes (n,) that are nearest to others (n,)."""
        unique, inverse = np.unique(codes, return_inverse=True)
        best, chosen = np.full(len(unique), np.iinfo(np.int64).max), np.full(len(unique), _NO_CLASS, np.int16)
        for code, place in zip(*self._table, strict=True):
            far = self.distances(unique, int(code))
            closer = far < best
            best[closer], chosen[closer] = far[closer], place
        chosen[(unique <= NO_NUMBER) | ((self.kind == "cutout") & (unique == TRANSPARENT))] = _NO_CLASS
        return chosen[inverse.reshape(-1)]

    def distances(self, codes: Codes, code: int) -> Codes:
        """How far codes are from another one: colours by their channels, values by their difference."""
        return distances(codes, code) if self.kind in COLORED else np.abs(codes - code)


_LATER_FIELDS: Mapping[str, Any] = {
    field.name: field.default
    for field in fields(Coding)
    if field.default is not MISSING and field.name not in ("unknown", "instances", "planes")
}
"""Those that codings of before did not have."""


def _plain(value: Any) -> Any:  # noqa: ANN401 - of any field
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _frozen(value: Any) -> Any:  # noqa: ANN401 - of any field
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value


def _is_sound(data: Mapping[str, Any], classes: int) -> bool:
    """Whether the fields of a coding of so many classes have values of their types."""
    numbers, threshold = _numbers(data), data["threshold"]
    return (
        numbers is not None
        and data["kind"] in get_args(Kind)
        and 1 <= len(data["codes"]) == classes <= UNKNOWN
        and len(data["colors"]) in (0, classes)
        and all(place < classes for _, place in data["merged"])
        and all(type(number) is int and least <= number < 2**63 for number, least in numbers)
        and all(isinstance(data[name], bool) for name in ("instances", "nearest"))
        and (threshold is None or (type(threshold) in (int, float) and abs(threshold) < np.inf))
        and (threshold is None or data["instances"] is False)
        and ((threshold is None and not data["instances"]) or sorted(data["codes"]) == [0, 1])
    )


def _numbers(data: Mapping[str, Any]) -> list[tuple[Any, int]] | None:
    """All numbers of a coding with the least that each may be; None where lists are none."""
    lists = [data[name] for name in ("codes", "unknown", "colors", "merged")]
    if not all(isinstance(value, list | tuple) for value in lists):
        return None
    codes, unknown, colors, merged = lists
    if not all(isinstance(pair, list | tuple) and len(pair) == 2 and type(pair[1]) is int for pair in merged):
        return None
    known = [data["planes"], *codes, *(number for pair in merged for number in pair)]
    return [
        *((number, 0) for number in known),
        *((code, OVERLAP) for code in unknown),
        *((color, -1) for color in colors),
    ]
