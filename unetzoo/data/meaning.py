"""What the values of masks mean: what a user says of them, or else what they tell."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from unetzoo.checks import whole
from unetzoo.data.coding import IGNORED, MOST_CLASSES, OVERLAP, UNKNOWN, Classes, Coding, Kind, Masks, Stored, say_codes
from unetzoo.errors import DataError, OptionError

_GREY, _WHITE = 0x010101, 0xFFFFFF  # times a shade is its colour
_UNKNOWN_IDS = (UNKNOWN, IGNORED)


def find_coding(stored: Stored, classes: Classes | None, masks: Masks = "auto") -> Coding:
    """What the codes of a data set's masks mean.

    Without `classes`: the two values 0 and 255 are background and foreground; other ids are the classes, and 255 or -1
    is unknown; the planes are the classes, after a background if some pixel is in none; colours come from dark to
    light, first by blue, then green, then red: black, red, green, blue, as planes of these would.

    Args:
        stored: how they are stored.
        classes: names alone, of the ids from 0 on (a single one is that of the foreground); or names with their ids, or
            with colours such as `"#ff0000"`.
        masks: `"instances"`: every value that is not 0 is an object of the one class beside the background.

    Raises:
        DataError: when masks are of different kinds, have other classes, or it cannot be told what they mean.
        OptionError: for classes whose values are none.
    """
    kind, present = _kind(stored), sorted(stored.codes - {OVERLAP, IGNORED})
    if classes is not None and len(classes) == 1 and not isinstance(classes, Mapping):
        classes = ("background", *classes)
    if masks == "instances":
        return Coding(kind, (0, 1), _names(classes, 2), instances=True)
    if kind == "planes":
        return _of_planes(stored, classes)
    if isinstance(classes, Mapping):
        return _given(kind, classes)
    if kind == "colors":
        return _of_greys(present, classes) if all(map(_is_grey, present)) else _of_colors(present, classes)
    return _of_ids(present, classes)


def _kind(stored: Stored) -> Kind:
    """That of all masks; of blank ones, that of the others."""
    if stored.kinds == {"blank"}:
        return "planes"
    kinds = sorted(stored.kinds - {"blank"})
    if len(kinds) > 1:
        raise DataError(f"masks of one data set must be stored in one way, but these are {' and '.join(kinds)}")
    return kinds[0] if kinds else "ids"


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
        codes = tuple(code * _GREY for code in codes)
    elif kind != "colors" and any(is_color):
        raise OptionError(f"the classes have colours, but the masks are {kind}; give each class its id")
    unknown = {"ids": _UNKNOWN_IDS, "colors": (_WHITE,)}.get(kind, ())
    return Coding(kind, codes, tuple(classes), tuple(code for code in unknown if code not in codes))


def _code(value: int | str) -> int:
    number = whole(value)
    if number is not None and number >= 0:
        return number
    match = re.fullmatch(r"#([0-9a-fA-F]{6})", str(value))
    if not match:
        raise OptionError(f"a class's value is an id or a colour such as #ff0000, got {value!r}")
    return int(match[1], 16)


def _of_ids(present: list[int], classes: Sequence[str] | None) -> Coding:
    if present in ([0, UNKNOWN], [UNKNOWN]) and (classes is None or len(classes) == 2):
        return Coding("ids", (0, UNKNOWN), _names(classes, 2), (IGNORED,))
    known = [code for code in present if code != UNKNOWN]
    if known and (known[0] < 0 or (classes is None and known[-1] >= MOST_CLASSES)):
        raise DataError(
            f"cannot tell which classes the masks' {len(known):,} values from {known[0]} to {known[-1]} are; name "
            "them, such as background=0,cell=128; or say that they number the objects: masks='instances' "
            "(--masks instances)"
        )
    count = len(classes) if classes else max(2, *(code + 1 for code in known), 0)
    return Coding("ids", tuple(range(count)), _names(classes, count), _UNKNOWN_IDS)


def _of_colors(present: list[int], classes: Sequence[str] | None) -> Coding:
    if len(present) > MOST_CLASSES:
        raise DataError(f"the masks hold {len(present):,} colours: name the classes with theirs, such as cell=#ff0000")
    present = sorted(present, key=_by_blue)
    names = classes or [f"#{code:06x}" for code in present]
    if len(names) != len(present):
        shown = say_codes("colors", present)
        raise DataError(f"{len(names)} classes were named, but the masks hold {len(present)} colours ({shown})")
    return Coding("colors", tuple(present), tuple(names))


def _of_greys(present: Sequence[int], classes: Sequence[str] | None) -> Coding:
    """Colours that are all grey are ids."""
    of_ids = _of_ids([code & 0xFF for code in present], classes)
    codes = tuple(code * _GREY for code in of_ids.codes)
    return Coding("colors", codes, of_ids.class_names, () if _WHITE in codes else (_WHITE,))


def _of_planes(stored: Stored, classes: Classes | None) -> Coding:
    """A class each, after a background where there is a name more than planes, or none and pixels of no plane."""
    if len(stored.planes) > 1:
        counts = " and ".join(map(str, sorted(stored.planes)))
        raise DataError(f"masks of one data set must have as many planes each, but these have {counts}")
    if isinstance(classes, Mapping):
        given = _given("planes", classes)
        return replace(given, planes=max(stored.planes))
    planes = max(stored.planes)
    has_background = len(classes) == planes + 1 if classes else 0 in stored.codes
    names = _names(classes, planes + has_background)
    codes = tuple(range(0 if has_background else 1, planes + 1))
    return Coding("planes", codes, names, () if has_background else (0,), planes=planes)


def _names(classes: Classes | None, count: int) -> tuple[str, ...]:
    if classes is None:
        return ("background", "foreground") if count == 2 else tuple(f"class {index}" for index in range(count))
    if len(classes) != count:
        raise DataError(f"{len(classes)} classes were named ({', '.join(classes)}), but the masks have {count}")
    return tuple(classes)


def _by_blue(code: int) -> tuple[int, ...]:
    """The order of colours: that of their bytes, blue, green, red."""
    return tuple(code.to_bytes(3, "little"))


def _is_grey(code: int) -> bool:
    return code == (code & 0xFF) * _GREY
