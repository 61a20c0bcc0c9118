"""How masks are stored - as ids, as colours or as one plane a class - and what class each pixel is of."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from unetzoo.errors import DataError, OptionError

Codes = NDArray[np.int64]
Kind = Literal["ids", "colors", "planes", "blank"]
Masks = Literal["auto", "instances"]
Classes = Sequence[str] | Mapping[str, int | str]

UNKNOWN = 255
"""The id of a pixel whose class nobody knows."""

OVERLAP = -1
"""The code of a pixel that several planes claim."""

_MOST_CLASSES = 64  # more distinct values are taken for instances, or for the colours of a photograph
_SHOWN = 6


def codes_of(raw: NDArray[Any]) -> tuple[Kind, Codes]:
    """One number (h, w) for each pixel of a stored mask, and what the numbers are.

    Args:
        raw: (h, w) of ids; (h, w, 3) of uint8 is colours, with the codes 0xRRGGBB; (h, w, planes) is one plane a class,
            with the code 0 where none is set, 1 for the first, and `OVERLAP` where several are; three planes of uint8
            that are all 0 are "blank": of colours or of planes, which the other masks tell.

    Raises:
        DataError: for ids that are no whole numbers.
    """
    if raw.ndim == 3 and raw.shape[2] == 1:
        raw = raw[..., 0]
    if raw.ndim == 2:
        return "ids", _whole(raw)
    if raw.shape[2] == 3 and raw.dtype == np.uint8 and not raw.any():
        return "blank", np.zeros(raw.shape[:2], np.int64)
    if raw.shape[2] == 3 and raw.dtype == np.uint8 and raw.max() > 1:
        red, green, blue = np.moveaxis(raw.astype(np.int64), 2, 0)
        return "colors", (red << 16) | (green << 8) | blue
    is_set = raw > 0
    several = is_set.sum(2) > 1
    return "planes", np.where(several, OVERLAP, np.where(is_set.any(2), is_set.argmax(2) + 1, 0)).astype(np.int64)


def _whole(raw: NDArray[Any]) -> Codes:
    codes = raw.astype(np.int64)
    if raw.dtype.kind == "f" and not np.array_equal(codes, raw):
        raise DataError("a mask must hold whole numbers, but holds fractions; resize masks by nearest neighbour")
    return codes


@dataclass(frozen=True)
class Coding:
    """What the codes of a data set's masks mean.

    Attributes:
        kind: of its masks.
        codes: the code of each class id.
        class_names: of each class id.
        unknown: codes of pixels whose class nobody knows.
        instances: every code that is not 0 is class 1.
    """

    kind: Kind
    codes: tuple[int, ...]
    class_names: tuple[str, ...]
    unknown: tuple[int, ...] = ()
    instances: bool = False

    def ids(self, codes: Codes) -> NDArray[np.int64]:
        """The class ids (h, w) of codes (h, w), `UNKNOWN` where nobody knows.

        Raises:
            DataError: for a code that is of no class.
        """
        if self.instances:
            foreground: NDArray[np.int64] = (codes != 0).astype(np.int64)
            return foreground
        known = np.array([*self.codes, *self.unknown])
        ids = np.array([*range(len(self.codes)), *[UNKNOWN] * len(self.unknown)])
        order = known.argsort()
        places = np.searchsorted(known, codes, sorter=order).clip(max=len(known) - 1)
        found: NDArray[np.int64] = ids[order[places]]
        strange = known[order[places]] != codes
        if strange.any():
            raise DataError(self.complaint(np.unique(codes[strange]).tolist()))
        return found

    def complaint(self, strangers: Sequence[int]) -> str:
        """What is wrong with a mask that holds codes of no class."""
        if OVERLAP in strangers:
            return "planes of the mask overlap; a pixel can be of one class alone"
        shown, known = self._say_some(strangers), self._say_some(self.codes)
        hint = "; a JPEG is no format for masks, it blurs them" if len(strangers) > _MOST_CLASSES else ""
        return f"the mask holds {shown}, which is no class; the classes are {known}{hint}"

    def _say_some(self, codes: Sequence[int]) -> str:
        """The first of some codes, as people write them."""
        told = [f"#{code:06x}" if self.kind == "colors" else str(code) for code in codes[:_SHOWN]]
        return ", ".join(told + ["..."] * (len(codes) > _SHOWN))


def find_coding(kinds: Iterable[Kind], codes: Iterable[int], classes: Classes | None, masks: Masks = "auto") -> Coding:
    """What the codes of a data set's masks mean.

    Without `classes`: the two values 0 and 255 are background and foreground; other ids are the classes, and 255 is
    unknown; the planes are the classes, after a background if some pixel is in none; colours are in the order of their
    numbers, black first.

    Args:
        kinds: of all its masks.
        codes: all that occur.
        classes: names alone, of the ids from 0 on (a single one is that of the foreground); or names with their ids, or
            with colours such as `"#ff0000"`.
        masks: `"instances"`: every value that is not 0 is an object of the one class beside the background.

    Raises:
        DataError: when masks are of different kinds, or it cannot be told what they mean.
        OptionError: for classes that do not fit.
    """
    found, present = _kinds(kinds), sorted(set(codes) - {OVERLAP})
    if len(found) > 1:
        raise DataError(f"masks of one data set must be stored in one way, but these are {' and '.join(found)}")
    kind: Kind = found[0] if found else "ids"
    if classes is not None and len(classes) == 1 and not isinstance(classes, Mapping):
        classes = ("background", *classes)
    if masks == "instances":
        return Coding(kind, (0, 1), _names(classes, 2), instances=True)
    if isinstance(classes, Mapping):
        return _given(kind, classes)
    if kind == "colors" and all(_is_grey(code) for code in present):
        grey = find_coding(["ids"], [code & 0xFF for code in present], classes)
        return Coding(
            "colors",
            tuple(code * 0x010101 for code in grey.codes),
            grey.class_names,
            tuple(code * 0x010101 for code in grey.unknown),
        )
    return {"ids": _find_ids, "colors": _find_colors, "planes": _find_planes}[kind](present, classes)


def _kinds(kinds: Iterable[Kind]) -> list[Kind]:
    """Those of masks; of blank ones, that of the others."""
    found = set(kinds)
    return ["planes"] if found == {"blank"} else sorted(found - {"blank"})


def read_classes(text: str) -> Classes:
    """Classes as they are written on the command line: `"cell,border"`, `"sky=0,cell=255"`, `"a=#000000,b=#ff0000"`.

    Raises:
        OptionError: for another form, or a name given twice.
    """
    parts = [part.strip().partition("=") for part in text.split(",")]
    names = [name for name, _, _ in parts]
    if "" in names or len(set(names)) < len(names):
        raise OptionError(f"classes are names, each once, separated by commas; got {text!r}")
    if not any(equals for _, equals, _ in parts):
        return names
    if not all(value for _, _, value in parts):
        raise OptionError(f"either every class has a value or none, such as background=0,cell=255; got {text!r}")
    return {name: int(value) if value.isdecimal() else value for name, _, value in parts}


def _given(kind: Kind, classes: Mapping[str, int | str]) -> Coding:
    codes = tuple(_code(value) for value in classes.values())
    is_color = [isinstance(value, str) for value in classes.values()]
    if len(set(codes)) < len(codes) or any(is_color) != all(is_color):
        raise OptionError(f"each class needs its own value, all ids or all colours; got {dict(classes)}")
    if kind == "colors" and not all(is_color):
        codes = tuple(code * 0x010101 for code in codes)
    elif kind != "colors" and any(is_color):
        raise OptionError(f"the classes have colours, but the masks are {kind}; give each class its id")
    unknown = UNKNOWN * 0x010101 if kind == "colors" else UNKNOWN
    return Coding(kind, codes, tuple(classes), () if unknown in codes or kind == "planes" else (unknown,))


def _code(value: int | str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = re.fullmatch(r"#([0-9a-fA-F]{6})", str(value))
    if not match:
        raise OptionError(f"a class's value is an id or a colour such as #ff0000, got {value!r}")
    return int(match[1], 16)


def _find_ids(present: list[int], classes: Sequence[str] | None) -> Coding:
    if present in ([0, UNKNOWN], [UNKNOWN]) and (classes is None or len(classes) == 2):
        return Coding("ids", (0, UNKNOWN), _names(classes, 2))
    known = [code for code in present if code != UNKNOWN]
    if known and (known[0] < 0 or (classes is None and known[-1] >= _MOST_CLASSES)):
        raise DataError(
            f"cannot tell which classes the masks' {len(known):,} values from {known[0]} to {known[-1]} are; name "
            "them, such as background=0,cell=128; or say that they number the objects: masks='instances' "
            "(--masks instances)"
        )
    count = len(classes) if classes else max(2, *(code + 1 for code in known), 0)
    return Coding("ids", tuple(range(count)), _names(classes, count), (UNKNOWN,))


def _find_colors(present: list[int], classes: Sequence[str] | None) -> Coding:
    if len(present) > _MOST_CLASSES:
        raise DataError(f"the masks hold {len(present):,} colours: name the classes with theirs, such as cell=#ff0000")
    names = classes or [f"#{code:06x}" for code in present]
    if len(names) != len(present):
        shown = ", ".join(f"#{code:06x}" for code in present[:_SHOWN])
        raise OptionError(f"{len(names)} classes were named, but the masks hold {len(present)} colours ({shown}, ...)")
    return Coding("colors", tuple(present), tuple(names))


def _find_planes(present: list[int], classes: Sequence[str] | None) -> Coding:
    planes, has_rest = max(present, default=1), 0 in present
    count = len(classes) if classes else planes + has_rest
    if count > planes:
        return Coding("planes", tuple(range(count)), _names(classes, count))
    return Coding("planes", tuple(range(1, count + 1)), _names(classes, count), (0,))


def _names(classes: Classes | None, count: int) -> tuple[str, ...]:
    if classes is None:
        return ("background", "foreground") if count == 2 else tuple(f"class {index}" for index in range(count))
    if len(classes) != count:
        raise OptionError(f"{len(classes)} classes were named ({', '.join(classes)}), but the masks have {count}")
    return tuple(classes)


def _is_grey(code: int) -> bool:
    return code == (code & 0xFF) * 0x010101
