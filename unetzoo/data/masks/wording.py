"""The codes of masks in words, and advice for codes of no class."""

from collections.abc import Sequence

from unetzoo.data.masks.colors import write_color
from unetzoo.nn.coding import COLORED, LEVELS, NO_NUMBER, OVERLAP, Kind

_SHOWN = 6
_FOREGROUNDS = {1, 255, 257, 65535}  # what tools write for the one class beside the background
_FEW = 2  # values that may be what does not count


def say_codes(kind: Kind, codes: Sequence[int]) -> str:
    """The first codes, as they are written in text."""
    texts = [say_code(kind, code) for code in codes[:_SHOWN]]
    return ", ".join(texts + ["..."] * (len(codes) > _SHOWN))


def say_code(kind: Kind, code: int) -> str:
    """A code as it is written in text."""
    if code == NO_NUMBER:
        return "NaN"
    if kind == "levels":
        return f"{code / LEVELS:.4g}"
    return write_color(code) if kind in COLORED else str(code)


def complain(kind: Kind, classes: Sequence[int], strangers: Sequence[int], *, is_lossy: bool) -> str:
    """What is wrong with a mask that holds codes of no class, and what helps.

    Args:
        kind: of the codes.
        classes: the code of each class.
        strangers: the other ones.
        is_lossy: the mask's file has a format that blurs.
    """
    if OVERLAP in strangers:
        return (
            "planes of the mask overlap; a pixel can be of only one class; masks='overlapping' (--masks overlapping) "
            "lets classes overlap; if the channels are colors, name the classes with theirs, such as cell=#ff0000"
        )
    advice = _advise_colors if kind in COLORED else _advise_values
    blurred = "; JPEG blurs masks: save PNG" if is_lossy else ""
    shown, known = say_codes(kind, strangers), say_codes(kind, classes)
    text = f"the mask holds {shown}, which is not a class; the classes are {known}{blurred}"
    return text + advice(kind, classes, strangers, is_few=len(strangers) <= _FEW and not is_lossy)


def _advise_colors(kind: Kind, _: Sequence[int], strangers: Sequence[int], *, is_few: bool) -> str:
    if is_few:
        return _ignoring(f"'{say_code(kind, strangers[0])}'")
    return "; nearest_color=True (--nearest-color) reads a color as the nearest one of a class"


def _advise_values(kind: Kind, classes: Sequence[int], strangers: Sequence[int], *, is_few: bool) -> str:
    if NO_NUMBER in strangers:
        return _ignoring("'nan'")
    low, high = min(classes), max(classes)
    if len(classes) == 2 and len(strangers) == 1 and {high, strangers[0]} <= _FOREGROUNDS:
        both = f"--classes 'background={low},cell={high}|{strangers[0]}'"
        return f"; if {strangers[0]} is the same as {high}, say so, such as {both}"
    if len(classes) == 2 and all(low < code < high for code in strangers):
        middle = (low + high + 1) // 2
        threshold = f"threshold={middle} (--mask-threshold {middle}) instead of the classes' values"
        return f"; resize masks by nearest neighbor, or give {threshold}"
    if is_few:
        return _ignoring(say_code(kind, strangers[0]))
    return "; nearest_color=True (--nearest-color) reads a value as the nearest one of a class"


def _ignoring(value: str) -> str:
    return f"; ignore={value} (--ignore {value}) says that such pixels do not count"
