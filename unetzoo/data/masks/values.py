"""What masks of numbers mean by default: ids, or background and foreground."""

from collections.abc import Iterable, Sequence

from unetzoo.data.masks.stored import StoredMask, listed
from unetzoo.data.masks.wording import say_codes
from unetzoo.errors import DataError
from unetzoo.nn.coding import IGNORED, NO_NUMBER, UNKNOWN, Kind, MaskCoding

MOST_CLASSES = 64
"""More distinct values are taken for instances, or for the colors of a photograph."""

_BRIGHTEST = (255, 65535)  # of 8 and 16 bits
_UNKNOWN_IDS = (UNKNOWN, IGNORED)
_SOFT = 0.8  # of the pixels near 0 or near the brightest, in a mask with soft edges


def of_values(
    kind: Kind, masks: Sequence[StoredMask], names: Sequence[str] | None, ignored: Sequence[int]
) -> MaskCoding:
    """The coding of masks of values, if the user gives at most names and ignored values.

    Args:
        kind: of the values.
        masks: how they are stored.
        names: of the classes.
        ignored: codes that do not count.

    Raises:
        DataError: it cannot be decided.
    """
    sets = [mask.set_as(kind) - {*ignored} for mask in masks]
    present = sorted({code for codes in sets for code in codes} - {IGNORED})
    if (names is None or len(names) == 2) and (foreground := _foreground(masks, sets, present)):
        first, *others = foreground
        merged = tuple((code, 1) for code in others)
        return MaskCoding(kind, (0, first), name_classes(names, (0, 1)), join((IGNORED,), ignored), merged=merged)
    known = [code for code in present if code != UNKNOWN]
    if names is None and len(known) > 2:
        _refuse_blurred(masks, known)
    if known and (known[0] < 0 or (names is None and known[-1] >= MOST_CLASSES)):
        raise DataError(_question(kind, masks, known))
    codes = _codes(known, names, ignored)
    unknown = join((code for code in _UNKNOWN_IDS if code not in codes), ignored)
    return MaskCoding(kind, codes, name_classes(names, codes), unknown)


def _foreground(masks: Sequence[StoredMask], sets: Sequence[frozenset[int]], present: Sequence[int]) -> list[int]:
    """The values of the foreground in masks of 0 and one other value each, that is full brightness; else none.

    Raises:
        DataError: some masks hold 1, others 255, of the same type, so that 255 may be unknown.
    """
    others = [code for code in present if code != 0]
    brightest = [code for code in others if code in _BRIGHTEST]
    if not brightest or any(code not in (1, *_BRIGHTEST) for code in others):
        return []
    if any(len(codes - {0, IGNORED}) > 1 for codes in sets):
        return []
    doubtful = [mask for mask, codes in zip(masks, sets, strict=True) if 1 in codes and not mask.form.is_switch]
    if doubtful and len(others) > 1:
        holders = [mask for mask, codes in zip(masks, sets, strict=True) if codes & {*brightest}]
        values = "|".join(map(str, others))
        raise DataError(
            f"some masks hold 0 and 1 ({listed(doubtful)}), others 0 and {brightest[0]} ({listed(holders)}): say "
            f"that both are the same, --classes 'background=0,foreground={values}'; or that {brightest[0]} is unknown, "
            f"--classes background=0,foreground=1 --ignore {brightest[0]} (in Python, classes and ignore)"
        )
    return sorted(brightest, key=_BRIGHTEST.index) + [code for code in others if code == 1]


def _codes(known: Sequence[int], names: Sequence[str] | None, ignored: Sequence[int]) -> tuple[int, ...]:
    """The values that are classes: so many as names, or up to the highest; from 1 on where no mask holds 0."""
    begins_at_1 = len(known) > 1 and known[0] == 1 and (names is None or len(names) == known[-1])
    first = 1 if begins_at_1 else 0
    codes = [code for code in range(first, UNKNOWN + 1) if code not in ignored]
    count = len(names) if names else max(2, sum(code <= known[-1] for code in codes) if known else 0)
    return tuple(codes[:count])


def _refuse_blurred(masks: Sequence[StoredMask], known: Sequence[int]) -> None:
    """Raise DataError for a few values in JPEG files, some of which may be noise."""
    blurred = [mask for mask in masks if mask.form.marks.is_lossy]
    if blurred and known[-1] < MOST_CLASSES:
        raise DataError(
            f"masks are JPEG or WebP ({listed(blurred)}), which blurs: of their values {known[0]} to {known[-1]} some "
            "may be noise; save masks as PNG, or say which are classes, such as background=0,cell=1, with "
            "nearest_color=True (--nearest-color)"
        )


def _question(kind: Kind, masks: Sequence[StoredMask], known: Sequence[int]) -> str:
    """Why it cannot be decided which classes values are, and all that they may mean."""
    ways = ["name them, such as background=0,cell=128"]
    if NO_NUMBER in known:
        return (
            "masks hold NaN, infinity or numbers that are too large for classes; ignore='nan' (--ignore nan) says that "
            "such pixels do not count"
        )
    few = [code for code in known if 0 <= code < MOST_CLASSES]
    strange = [code for code in known if code not in few]
    if len(strange) <= 2 and few:
        shown = " and ".join(say_codes(kind, [code]) for code in strange)
        ways.append(f"or say that {shown} is unknown: ignore={strange[0]} (--ignore {strange[0]})")
    if kind == "alpha" or (len(strange) > 2 and _has_soft_edges(kind, masks)):
        ways.append(
            "or, if edges are soft, which value is the least of the foreground: threshold=128 (--mask-threshold 128)"
        )
    ways.append("or say that they number the objects: masks='instances' (--masks instances)")
    blurred = "; a JPEG blurs masks: save PNG" if any(mask.form.marks.is_lossy for mask in masks) else ""
    low, high = (say_codes(kind, [code]) for code in (known[0], known[-1]))
    values = f"the masks' {len(known):,} values from {low} to {high}" if len(known) > 1 else f"the masks' values {low}"
    holders = [mask for mask in masks if mask.set_as(kind) & {*strange}]
    where = f" (in {listed(holders)})" if 0 < len(holders) < len(masks) else ""
    return f"cannot tell which classes {values} are{where}{blurred}; {'; '.join(ways)}"


def _has_soft_edges(kind: Kind, masks: Sequence[StoredMask]) -> bool:
    """Whether nearly all pixels are dark or bright."""
    total = extreme = 0
    for mask in masks:
        codes = mask.codes_as(kind)
        if codes is None or codes.min() < 0 or codes.max() > _BRIGHTEST[0]:
            return False
        total += int(mask.counts.sum())
        extreme += int(mask.counts[(codes < 32) | (codes > 223)].sum())
    return extreme >= _SOFT * total


def join(unknown: Iterable[int], more: Iterable[int]) -> tuple[int, ...]:
    """Ignored codes, each once."""
    return tuple(dict.fromkeys((*unknown, *more)))


def name_classes(names: Sequence[str] | None, numbers: Sequence[int]) -> tuple[str, ...]:
    """The names of classes, by default from their numbers: background and foreground if these are 0 and 1.

    Raises:
        DataError: the user gives more names than there are classes, or fewer.
    """
    if names is None:
        is_binary = tuple(numbers) == (0, 1)
        return ("background", "foreground") if is_binary else tuple(f"class {number}" for number in numbers)
    if len(names) != len(numbers):
        raise DataError(f"{len(names)} classes were named ({', '.join(names)}), but the masks have {len(numbers)}")
    return tuple(names)
