"""What the values of masks mean: the declaration that is saved with a trained network."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal, get_args

from unetzoo.errors import ConfigError, DataError

Kind = Literal["ids", "grays", "levels", "colors", "cutout", "channel", "alpha", "planes", "sets"]
"""What counts of a pixel: its number as stored, its brightness as shown, its number in steps of 1 / `LEVELS`, its
color, its color where it is opaque, the value of the only channel in use, its opacity, which plane is set, or which
ones of several planes are set."""
Labels = Literal["exclusive", "overlapping"]
"""Whether a pixel has one class, or any number of them."""

COLORED = ("colors", "cutout")
"""Kinds whose codes are colors."""

UNKNOWN = 255
"""The id of a pixel whose class is not known."""
IGNORED = -1
"""Another id that masks give to such pixels."""

LEVELS = 2**20
MOST_PLANES = 31
"""The most planes of masks whose classes overlap: bit i of a code of the kind `"sets"` says that plane i is above 0,
and bit `MOST_PLANES` + i that it holds 255."""
OVERLAP = -(2**63)
"""The code of a pixel that several planes claim."""
NO_NUMBER = OVERLAP + 1
"""The code of NaN, of infinity, and of numbers that are too large for classes."""


@dataclass(frozen=True)
class MaskCoding:
    """What the codes of a data set's masks mean.

    Attributes:
        kind: what counts of a pixel; with `"sets"` the classes may overlap.
        codes: the code of each class id; of a class that may overlap, the bit of its plane.
        class_names: of each class id.
        unknown: codes of pixels whose class is not known; of planes 255, or nothing.
        instances: every code other than 0 stands for 1.
        planes: number of planes of each mask; 0 if it has none.
        merged: further codes, each with its class id.
        threshold: codes of at least this value stand for 1, the others for 0; None: codes are those above.
        nearest: a code of no class stands for the nearest code of a class.
        colors: the color of each code if masks have a palette, -1 if not known; empty: masks have no palette.
        regions: the ids of each class if masks of ids have classes that may overlap; `codes` are the first of each.

    Raises:
        DataError: there are more classes than ids below `UNKNOWN`.
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
    regions: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        if len(self.class_names) > UNKNOWN:
            raise DataError(f"there are {len(self.class_names):,} classes; masks of at most {UNKNOWN} can be read")

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, without the names and without defaults of the fields that came after `planes`."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "class_names"}
        return {
            name: _plain(value)
            for name, value in values.items()
            if name not in _LATER_FIELDS or value != _LATER_FIELDS[name]
        }

    @classmethod
    def from_dict(cls, class_names: Sequence[str], data: Mapping[str, Any]) -> "MaskCoding":
        """The inverse of `to_dict`.

        Raises:
            ConfigError: for other keys, or values of the wrong type.
        """
        names = {field.name for field in fields(cls)} - {"class_names"}
        complete = {**_LATER_FIELDS, **data}
        if complete.keys() != names or not _is_sound(complete, len(class_names)):
            raise ConfigError(f"invalid coding of masks of {len(class_names)} classes: {dict(data)!r}")
        return cls(**{name: _frozen(value) for name, value in complete.items()}, class_names=tuple(class_names))

    @property
    def labels(self) -> Labels:
        """Whether classes exclude one another."""
        return "overlapping" if self.kind == "sets" or self.regions else "exclusive"

    @property
    def class_codes(self) -> frozenset[int]:
        """The codes of all classes."""
        regions = (code for region in self.regions for code in region)
        return frozenset((*self.codes, *(code for code, _ in self.merged), *regions))


_LATER_FIELDS: Mapping[str, Any] = {
    field.name: field.default
    for field in fields(MaskCoding)
    if field.default is not MISSING and field.name not in ("unknown", "instances", "planes")
}
"""Fields that codings of earlier releases do not have."""


def _plain(value: Any) -> Any:  # noqa: ANN401 - of any field
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _frozen(value: Any) -> Any:  # noqa: ANN401 - of any field
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value


def _is_sound(data: Mapping[str, Any], classes: int) -> bool:
    """Whether the fields of a coding of so many classes have values of their types."""
    threshold, switches = data["threshold"], data["threshold"] is not None or data["instances"]
    return (
        _are_numbers_sound(data)
        and data["kind"] in get_args(Kind)
        and 1 <= len(data["codes"]) == classes <= UNKNOWN
        and len(data["colors"]) in (0, classes)
        and len(data["regions"]) in (0, classes)
        and (not data["regions"] or data["kind"] == "ids")
        and all(place < classes for _, place in data["merged"])
        and all(isinstance(data[name], bool) for name in ("instances", "nearest"))
        and (threshold is None or (type(threshold) in (int, float) and abs(threshold) < float("inf")))
        and (threshold is None or data["instances"] is False)
        and (not switches or sorted(data["codes"]) == [0, 1])
    )


def _are_numbers_sound(data: Mapping[str, Any]) -> bool:
    """Whether lists hold whole numbers of 64 bits, none below the least that its field allows."""
    lists = {"codes": 0, "unknown": OVERLAP, "colors": -1, "merged": 0, "regions": 0}
    if not all(isinstance(data[name], list | tuple) for name in lists):
        return False
    if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in data["merged"]):
        return False
    if not all(isinstance(region, list | tuple) and region for region in data["regions"]):
        return False
    nested = {name: [number for some in data[name] for number in some] for name in ("merged", "regions")}
    flat = {**data, **nested, "planes": [data["planes"]]}
    return all(
        type(number) is int and least <= number < 2**63
        for name, least in (*lists.items(), ("planes", 0))
        for number in flat[name]
    )
