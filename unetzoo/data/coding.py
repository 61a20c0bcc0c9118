"""How masks are stored - as ids, as colours or as one plane a class - and what class each pixel is of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from unetzoo.errors import ConfigError, DataError

Codes = NDArray[np.int64]
Kind = Literal["ids", "colors", "planes", "blank"]
Masks = Literal["auto", "instances"]
Classes = Sequence[str] | Mapping[str, int | str]

UNKNOWN = 255
"""The id of a pixel whose class nobody knows."""

IGNORED = -1
"""Another id that masks give to such pixels."""

OVERLAP = -(2**63)
"""The code of a pixel that several planes claim."""

MOST_CLASSES = 64
"""More distinct values are taken for instances, or for the colours of a photograph."""

_SHOWN = 6
_LARGEST = 2**53  # beyond it, floats are no whole numbers one by one


def codes_of(raw: NDArray[Any]) -> tuple[Kind, Codes]:
    """One number (h, w) for each pixel of a stored mask, and what the numbers are.

    Args:
        raw: (h, w) of ids; (h, w, 3) of uint8 is colours, with the codes 0xRRGGBB; (h, w, planes) is one plane a class,
            with the code 0 where none is set, 1 for the first, and `OVERLAP` where several are. Three planes of uint8
            that are all 0 are "blank": of colours or of planes, which the other masks tell; with values of 0 and 1
            they are planes, unless they are equal, which is a grey.

    Raises:
        DataError: for ids that are no whole numbers.
    """
    if raw.ndim == 3 and raw.shape[2] == 1:
        raw = raw[..., 0]
    if raw.ndim == 2:
        return "ids", _whole(raw)
    is_colored = raw.shape[2] == 3 and raw.dtype == np.uint8
    if is_colored and not raw.any():
        return "blank", np.zeros(raw.shape[:2], np.int64)
    if is_colored and (raw.max() > 1 or (raw == raw[..., :1]).all()):
        red, green, blue = np.moveaxis(raw.astype(np.int64), 2, 0)
        return "colors", (red << 16) | (green << 8) | blue
    is_set = raw > 0
    several = is_set.sum(2) > 1
    return "planes", np.where(several, OVERLAP, np.where(is_set.any(2), is_set.argmax(2) + 1, 0)).astype(np.int64)


def _whole(raw: NDArray[Any]) -> Codes:
    if raw.dtype.kind == "f":
        if not np.isfinite(raw).all() or np.abs(raw).max() > _LARGEST:
            raise DataError("the mask holds NaN, infinity or numbers that are too large for classes")
        if not np.array_equal(np.rint(raw), raw):
            raise DataError("a mask must hold whole numbers, but holds fractions; resize masks by nearest neighbour")
    return raw.astype(np.int64)


@dataclass(frozen=True)
class Stored:
    """How the masks of a data set are stored, all of them together.

    Attributes:
        kinds: that occur.
        codes: that occur.
        planes: of masks that have some, how many.
    """

    kinds: frozenset[Kind]
    codes: frozenset[int]
    planes: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Coding:
    """What the codes of a data set's masks mean.

    Attributes:
        kind: of its masks.
        codes: the code of each class id.
        class_names: of each class id.
        unknown: codes of pixels whose class nobody knows.
        instances: every code that is not 0 stands for 1.
        planes: of each mask; 0 where they have none.
    """

    kind: Kind
    codes: tuple[int, ...]
    class_names: tuple[str, ...]
    unknown: tuple[int, ...] = ()
    instances: bool = False
    planes: int = 0

    def __post_init__(self) -> None:
        """Check the number of classes.

        Raises:
            DataError: there are more than ids that are not `UNKNOWN`.
        """
        if len(self.class_names) > UNKNOWN:
            raise DataError(f"there are {len(self.class_names):,} classes; masks of at most {UNKNOWN} can be read")

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, all but the names."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if name != "class_names"
        }

    @classmethod
    def from_dict(cls, class_names: Sequence[str], data: Mapping[str, Any]) -> "Coding":
        """The inverse of `to_dict`.

        Raises:
            ConfigError: for other keys, or values of the wrong type.
        """
        counted, unknown = [data.get("planes"), *_listed(data, "codes")], _listed(data, "unknown")
        if (
            data.keys() != cls.__dataclass_fields__.keys() - {"class_names"}
            or data["kind"] not in get_args(Kind)
            or not len(data["codes"]) == len(class_names) <= UNKNOWN
            or not isinstance(data["instances"], bool)
            or not all(type(number) is int and number >= 0 for number in counted)
            or not all(type(number) is int and number >= IGNORED for number in unknown)
        ):
            raise ConfigError(f"no coding of masks of {len(class_names)} classes: {dict(data)!r}")
        lists = {name: tuple(data[name]) for name in ("codes", "unknown")}
        return cls(**{**data, "class_names": tuple(class_names), **lists})

    def ids(self, codes: Codes) -> NDArray[np.uint8]:
        """The class ids (h, w) of codes (h, w), `UNKNOWN` where nobody knows.

        Raises:
            DataError: for a code that is of no class.
        """
        if self.instances:
            codes = (codes != 0).astype(np.int64)
        known = np.array([*self.codes, *self.unknown])
        ids = np.array([*range(len(self.codes)), *[UNKNOWN] * len(self.unknown)], dtype=np.uint8)
        order = known.argsort()
        places = np.searchsorted(known, codes, sorter=order).clip(max=len(known) - 1)
        found: NDArray[np.uint8] = ids[order[places]]
        strange = known[order[places]] != codes
        if strange.any():
            raise DataError(self.complaint(np.unique(codes[strange]).tolist()))
        return found

    def strangers(self, codes: Iterable[int]) -> list[int]:
        """Those of some codes that are of no class."""
        return [] if self.instances else sorted({*codes} - {*self.codes, *self.unknown})

    def complaint(self, strangers: Sequence[int]) -> str:
        """What is wrong with a mask that holds codes of no class."""
        if OVERLAP in strangers:
            return "planes of the mask overlap; a pixel can be of one class alone"
        shown, known = say_codes(self.kind, strangers), say_codes(self.kind, self.codes)
        hint = "; a JPEG is no format for masks, it blurs them" if len(strangers) > MOST_CLASSES else ""
        return f"the mask holds {shown}, which is no class; the classes are {known}{hint}"


def say_codes(kind: Kind, codes: Sequence[int]) -> str:
    """The first of some codes, as people write them."""
    told = [f"#{code:06x}" if kind == "colors" else str(code) for code in codes[:_SHOWN]]
    return ", ".join(told + ["..."] * (len(codes) > _SHOWN))


def _listed(data: Mapping[str, Any], name: str) -> list[Any]:
    """The list of that name, or one that holds no number."""
    found = data.get(name)
    return found if isinstance(found, list) else [None]
