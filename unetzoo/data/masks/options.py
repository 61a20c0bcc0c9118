"""The options of a user for masks: which values are which classes, and which do not count."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from unetzoo.checks import check_choice, check_texts, whole
from unetzoo.data.masks.colors import read_color
from unetzoo.errors import OptionError
from unetzoo.nn.coding import LEVELS, NO_NUMBER, Kind

Masks = Literal["auto", "instances", "overlapping", "exclusive"]
Value = int | float | str
"""A value of a mask: an id, a number, or a color such as `"#ff0000"`."""
Classes = Sequence[str] | Mapping[str, int | str | Sequence[int | str]]

_JOINED = "|"


@dataclass(frozen=True)
class MaskOptions:
    """The options of a user for the masks of a data set.

    Attributes:
        classes: names alone, of the ids from 0 on (a single one is that of the foreground); or names with their ids, or
            with colors such as `"#ff0000"`; several values of one class as a list or as `"1|2"`.
        masks: `"instances"`: masks number the objects of one class; `"overlapping"`: the planes of masks are classes
            that may overlap, or classes that are named with several ids are regions that may; `"exclusive"`: a pixel
            has one class, and planes that overlap are an error; `"auto"`: what the masks say.
        ignore: values whose pixels do not count.
        threshold: soft masks: values of at least this are the foreground, the others the background.
        nearest_color: a color or value of no class stands for the nearest one of a class.

    Raises:
        OptionError: for invalid values, or options that contradict each other.
    """

    classes: Classes | None = None
    masks: Masks = "auto"
    ignore: Sequence[Value] | Value = ()
    threshold: float | None = None
    nearest_color: bool = False

    def __post_init__(self) -> None:
        check_choice("masks", self.masks, Masks)
        if self.classes is not None and not isinstance(self.classes, Mapping):
            check_texts("classes", self.classes)
        _ = self.ignored_values
        if self.threshold is None:
            return
        if isinstance(self.threshold, bool) or not _is_number(self.threshold) or not math.isfinite(self.threshold):
            raise OptionError(f"threshold must be a number, got {self.threshold!r}")
        if self.masks in ("instances", "overlapping") or isinstance(self.classes, Mapping) or self.nearest_color:
            raise OptionError(
                "a threshold tells the foreground from the background by itself: give names alone, such as "
                f"classes=['background', 'cell'] (--classes background,cell), without masks={self.masks!r} and "
                "nearest_color=True"
            )

    @cached_property
    def ignored_values(self) -> tuple[int | float | str, ...]:
        """The ignored values, as numbers and colors."""
        single = isinstance(self.ignore, str) or not isinstance(self.ignore, Iterable)
        return tuple(map(_checked, [self.ignore] if single else self.ignore))  # type: ignore[arg-type] # it is one of both

    @property
    def named(self) -> Mapping[str, Sequence[Value]] | None:
        """The values of each class, if the user gives them."""
        if not isinstance(self.classes, Mapping):
            return None
        return {name: tuple(_values(value)) for name, value in self.classes.items()}

    @property
    def names(self) -> Sequence[str] | None:
        """The names of the classes, if the user gives only names; a background comes before a single one."""
        if self.classes is None or isinstance(self.classes, Mapping):
            return None
        return ("background", *self.classes) if len(self.classes) == 1 else tuple(self.classes)

    @cached_property
    def named_kind(self) -> Kind | None:
        """What counts of a pixel by the values of the user: ids or colors; None without values.

        Raises:
            OptionError: some are ids, others colors.
        """
        values = [*self.ignored_values, *(value for some in (self.named or {}).values() for value in some)]
        colored = {isinstance(value, str) and value.startswith("#") for value in values if not _is_nan(value)}
        if len(colored) > 1:
            shown = dict(self.classes) if isinstance(self.classes, Mapping) else {}
            raise OptionError(f"values must be all ids or all colors; got {shown}, ignore={list(self.ignored_values)}")
        return None if not colored else "colors" if True in colored else "ids"

    def ignored(self, kind: Kind) -> tuple[int, ...]:
        """The ignored codes of a kind."""
        return tuple(dict.fromkeys(code_of(value, kind) for value in self.ignored_values))


def code_of(value: Value, kind: Kind) -> int:
    """The code of a value that the user gives.

    Raises:
        OptionError: it is of another kind.
    """
    is_color = isinstance(value, str) and value.startswith("#")
    if _is_nan(value):
        return NO_NUMBER
    if is_color != (kind in ("colors", "cutout")):
        stored = "colors" if not is_color else kind
        raise OptionError(f"{value!r} is {'a color' if is_color else 'a number'}, but the masks are {stored}")
    if isinstance(value, str):
        return read_color(value) or 0
    if kind == "levels":
        return math.floor(value * LEVELS)
    if value != int(value):
        raise OptionError(f"{value!r} is a fraction, but the masks hold whole numbers")
    return int(value)


def read_classes(text: str) -> Classes:
    """Classes as they are written on the command line: `"cell,border"`, `"sky=0,cell=1|2"`, `"a=#000000,b=#ff0000"`.

    Raises:
        OptionError: for another form, or a repeated name.
    """
    parts = [part.strip().partition("=") for part in text.split(",")]
    names = [name.strip() for name, _, _ in parts]
    if "" in names or len(set(names)) < len(names):
        raise OptionError(
            f"classes are names, each once, separated by commas; several values of one class are background=0,crop=1|2 "
            f"(in quotes); got {text!r}"
        )
    if not any(equals for _, equals, _ in parts):
        return names
    if not all(value for _, _, value in parts):
        raise OptionError(f"either every class has a value or none, such as background=0,cell=255; got {text!r}")
    return {
        name: [_read_value(each) for each in value.split(_JOINED)] if _JOINED in value else _read_value(value)
        for name, (_, _, value) in zip(names, parts, strict=True)
    }


def read_values(texts: Sequence[str]) -> tuple[Value, ...]:
    """Values as they are written on the command line: `"0"`, `"0,255"`, `"#000000"`, `"nan"`."""
    return tuple(_read_number(part.strip()) for text in texts for part in text.split(","))


def _read_value(text: str) -> int | str:
    return int(text) if text.strip().isdecimal() else text.strip()


def _read_number(text: str) -> Value:
    try:
        return int(text)
    except ValueError:
        return text


def _values(value: object) -> Iterator[Value]:
    """The values of a class: ids that are not negative, or colors."""
    if isinstance(value, str) and _JOINED in value:
        value = [_read_value(part) for part in value.split(_JOINED)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        if not value:
            raise OptionError("a class has no value")
        for each in value:
            yield from _values(each)
        return
    number = whole(value)
    if isinstance(value, str) and read_color(value) is not None:
        yield value
    elif number is not None and number >= 0:
        yield number
    else:
        raise OptionError(f"a class's value is an id or a color such as #ff0000, got {value!r}")


def _checked(value: object) -> Value:
    """A value that is to be ignored, as a number or a color."""
    if isinstance(value, str) and read_color(value) is not None:
        return value
    try:
        number = float(value)  # type: ignore[arg-type] # this is the check
    except (TypeError, ValueError):
        raise OptionError(
            f"ignore must be values such as 0, -9999 or nan, or colors such as #000000; got {value!r}"
        ) from None
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _is_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type] # this is the check
    except (TypeError, ValueError):
        return False
    return not isinstance(value, str)


def _is_nan(value: Value) -> bool:
    """Whether a value is not a number, or too large for a class."""
    return isinstance(value, float) and not abs(value) < 2**53
