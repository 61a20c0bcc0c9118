"""Read the masks of a data set as those that a network was trained with."""

from collections.abc import Sequence
from dataclasses import replace

from unetzoo.data.coding import IGNORED, Coding, Stored
from unetzoo.errors import DataError, OptionError
from unetzoo.info import ModelInfo

_ADVICE = "say which value is which class, such as --classes background=0,cell=255 or cell=#ff0000"


def coding_of(info: ModelInfo, stored: Stored) -> Coding:
    """What the codes of masks mean, if they mean what they meant in the training of a network.

    Args:
        info: of the network; its `mask_coding` is not empty.
        stored: how the masks are stored.

    Raises:
        DataError: they are stored in another way, or may mean something else.
    """
    coding = Coding.from_dict(info.class_names, info.mask_coding)
    if coding.instances:
        return coding
    others = sorted(stored.kinds - {coding.kind, "blank"})
    if others:
        raise DataError(f"the masks are {' and '.join(others)}, those of the training were {coding.kind}; {_ADVICE}")
    if coding.kind == "planes" and stored.planes - {coding.planes}:
        counts = " and ".join(map(str, sorted(stored.planes)))
        raise DataError(f"the masks have {counts} planes, those of the training had {coding.planes}")
    if _may_be_foreground(coding, stored):
        raise DataError(
            "the masks hold one class and 255, which was unknown in the training, but may be the other class here; "
            f"{_ADVICE}"
        )
    return coding


def _may_be_foreground(coding: Coding, stored: Stored) -> bool:
    """Whether masks of two classes hold one of them, and what was unknown."""
    if coding.kind == "planes" or len(coding.codes) > 2:
        return False
    unknown = {*coding.unknown} - {IGNORED}
    return bool(stored.codes & unknown) and len(stored.codes & {*coding.codes}) < len(coding.codes)


def in_order_of(names: Sequence[str], coding: Coding) -> Coding:
    """The classes in a network's order, where they have the same names; other names are taken as they come.

    Raises:
        OptionError: some names are the same, but of other ids.
    """
    if set(names) == set(coding.class_names):
        codes = dict(zip(coding.class_names, coding.codes, strict=True))
        return replace(coding, class_names=tuple(names), codes=tuple(codes[name] for name in names))
    places = {name: number for number, name in enumerate(coding.class_names)}
    moved = [name for number, name in enumerate(names) if places.get(name, number) != number]
    if moved:
        raise OptionError(
            f"the class {moved[0]!r} has another place among those of the masks ({', '.join(coding.class_names)}) than "
            f"among those of the network ({', '.join(names)})"
        )
    return coding
