"""What is doubtful about how masks are read: warnings, so that nothing is guessed in silence."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.masks.colors import are_alike
from unetzoo.data.masks.decode import distances, planes_of
from unetzoo.data.masks.kinds import do_palettes_agree, is_transparent
from unetzoo.data.masks.options import Masks
from unetzoo.data.masks.stored import MIN_OBJECTS, StoredMask, codes_in, listed
from unetzoo.data.masks.wording import say_code
from unetzoo.nn.coding import UNKNOWN, MaskCoding

_ALIKE = 8  # of 255, in each channel
_FAR = 60  # from the nearest color or value
_WHITE = 0xFFFFFF
_MAX_PAIRS = 3  # of colors, in a message
_FEW = 0.005  # of the pixels
_FEWEST_CLASSES = 4  # that may be objects
_FEWEST_OBJECTS = 6  # that are surely no classes
_MOST = 0.8  # of the masks


def find_doubts(
    masks: Sequence[StoredMask], coding: MaskCoding, *, is_said: bool = False, kind: Masks = "auto"
) -> list[str]:
    """What a user should know about how masks are read, a sentence each.

    Args:
        masks: as they are stored.
        coding: what they mean.
        is_said: the data themselves say whether masks number objects.
        kind: what the user or the data say of all masks; `"auto"`: nothing.
    """
    known = {*(_OF_NUMBERS if is_said else ()), *(_OF_OVERLAPS if kind in ("overlapping", "exclusive") else ())}
    doubts = [doubt for doubt in _DOUBTS if doubt not in known]
    return [text for doubt in doubts for text in doubt(masks, coding)]


def _palettes(masks: Sequence[StoredMask], coding: MaskCoding) -> Iterator[str]:
    if not do_palettes_agree(masks):
        read = "the stored ids count, not the colors" if coding.kind == "ids" else "the colors count, not the indices"
        yield f"the palettes of masks differ from file to file: {read}"


def _alpha(masks: Sequence[StoredMask], coding: MaskCoding) -> Iterator[str]:
    holders = [mask for mask in masks if is_transparent(mask)]
    if not holders or coding.kind in ("planes", "sets"):
        return
    readings = {"alpha": "which is read as the mask", "cutout": "whose transparent pixels are a value of their own"}
    read = readings.get(coding.kind, "which is left out")
    if coding.kind == "ids" and all(mask.form.layout == "palette" for mask in holders):
        return
    yield f"masks have an alpha channel that varies, {read}: {listed(holders)}"


def _lossy(masks: Sequence[StoredMask], coding: MaskCoding) -> Iterator[str]:
    holders = [mask for mask in masks if mask.form.marks.is_lossy]
    if holders:
        helped = coding.nearest or coding.threshold is not None
        more = "" if helped else ", so that edges may be wrong or be classes of their own"
        yield f"masks are JPEG or WebP, which blurs values{more}; save masks as PNG: {listed(holders)}"


def _nearest(masks: Sequence[StoredMask], coding: MaskCoding) -> Iterator[str]:
    """How many pixels count as a class whose code they do not have, and how far they are from it."""
    if not coding.nearest:
        return
    moved = total = far = 0
    for mask in masks:
        codes = mask.codes_as(coding.kind)
        if codes is None:
            continue
        distance = _distance(coding, codes)
        total += int(mask.counts.sum())
        moved += int(mask.counts[distance > 0].sum())
        far += int(mask.counts[distance > _FAR].sum())
    if moved:
        yield f"{moved / total:.2%} of the masks' pixels are of no class, and count as the nearest one"
    if far > _FEW * total:
        yield f"{far / total:.2%} of the masks' pixels are more than {_FAR} of 255 from every class: is one missing?"


def _distance(coding: MaskCoding, codes: NDArray[np.int64]) -> NDArray[np.float64]:
    known = [*coding.class_codes, *coding.unknown]
    nearest: NDArray[np.float64] = np.min([distances(codes, code, coding.kind) for code in known], axis=0).astype(
        np.float64
    )
    return np.sqrt(nearest) if coding.kind in ("colors", "cutout") else nearest


def _alike(_: Sequence[StoredMask], coding: MaskCoding) -> Iterator[str]:
    """Colors without names from the user that are nearly the same."""
    if coding.kind not in ("colors", "cutout") or not _have_default_names(coding) or _are_ids_in_a_channel(coding):
        return
    pairs = [pair for pair in combinations(coding.codes, 2) if are_alike(*pair, tolerance=_ALIKE)]
    shown = ", ".join(" and ".join(say_code(coding.kind, code) for code in pair) for pair in pairs[:_MAX_PAIRS])
    if pairs:
        yield (
            f"the colors {shown}{', ...' * (len(pairs) > _MAX_PAIRS)} are nearly the same: name the classes with their "
            "colors, and nearest_color=True (--nearest-color) joins them"
        )


def _have_default_names(coding: MaskCoding) -> bool:
    """Whether the classes have the names that colors get by default."""
    names = zip(coding.class_names, coding.codes, strict=True)
    return all(name in (say_code(coding.kind, code), "transparent") for name, code in names)


def _are_ids_in_a_channel(coding: MaskCoding) -> bool:
    """Whether colors use a single channel, such as #010000, #020000."""
    return any(all(code & ~(0xFF << shift) == 0 for code in coding.codes) for shift in (0, 8, 16))


def _inverted(_: Sequence[StoredMask], coding: MaskCoding) -> Iterator[str]:
    """A palette that shows the background white and the foreground black."""
    if coding.kind == "ids" and coding.colors == (_WHITE, 0) and coding.class_names == ("background", "foreground"):
        white, black = coding.codes
        yield (
            f"the palette of masks shows {white} as white and {black} as black: {black}, the black, is the foreground; "
            "if it is the white, name the classes with their colors, background=#000000,foreground=#ffffff"
        )


def _merged(masks: Sequence[StoredMask], coding: MaskCoding) -> Iterator[str]:
    """Masks of true and false beside some of 0 and 255."""
    switches = [mask for mask in masks if mask.form.is_switch and 1 in mask.set_as("ids")]
    if (1, 1) in coding.merged and coding.codes == (0, 255) and switches:
        yield f"masks of 0 and 1 are read as those of 0 and 255: {listed(switches)}"


def _without_zero(masks: Sequence[StoredMask], coding: MaskCoding) -> Iterator[str]:
    begins_at_1 = coding.kind == "ids" and not coding.threshold and 0 not in coding.codes and coding.codes[0] == 1
    if begins_at_1 and 0 not in codes_in(masks, "ids"):
        yield f"no mask holds 0: the first class, {coding.class_names[0]!r}, is that of 1"


def _unknown_alone(masks: Sequence[StoredMask], coding: MaskCoding) -> Iterator[str]:
    """Masks of 0 and 255 although the second class is 1."""
    present = codes_in(masks, coding.kind)
    if coding.codes == (0, 1) and UNKNOWN in {*coding.unknown} & present and 1 not in present:
        yield f"masks hold 255, which is unknown, and no 1, which is the class {coding.class_names[1]!r}"


def _nodata(masks: Sequence[StoredMask], coding: MaskCoding) -> Iterator[str]:
    """Values that are no data by the files, but are read as a class."""
    values = {mask.form.marks.nodata for mask in masks} - {None}
    for value in values:
        if coding.kind == "ids" and value in coding.codes:
            name = coding.class_names[coding.codes.index(int(value))]
            yield (
                f"the files say that {value:g} is no data, but it is read as the class {name!r}; "
                f"ignore={value:g} (--ignore {value:g}) leaves it out"
            )


def _numbered(masks: Sequence[StoredMask], coding: MaskCoding) -> Iterator[str]:
    """Masks that number their objects, read as classes."""
    has_names = coding.class_names != tuple(f"class {code}" for code in coding.codes)
    if coding.instances or has_names or len(coding.codes) < _FEWEST_CLASSES:
        return
    filled = [mask for mask in masks if len(mask.codes) > MIN_OBJECTS]
    numbered = [mask for mask in filled if mask.is_numbered]
    counts = {int(mask.codes.max()) for mask in numbered}
    if len(numbered) >= _MOST * len(filled) and (len(counts) > 1 or len(filled) == 1):
        yield (
            f"each value of {len(numbered):,} masks is one compact object: if values number the objects of one class, "
            "say masks='instances' (--masks instances)"
        )


def _few_numbers(masks: Sequence[StoredMask], coding: MaskCoding) -> Iterator[str]:
    """Numbers of objects that may be classes, or a single class."""
    if not coding.instances:
        return
    filled = [mask.set_as(coding.kind) - {0, *coding.unknown} for mask in masks if not mask.is_blank]
    numbers = frozenset().union(*filled)
    if filled and all(len(some) <= 1 for some in filled):
        yield (
            "masks do not number their objects, so that each connected piece of the foreground is taken for one: "
            "objects that touch are one"
        )
    elif 1 < len(filled) < 2 * filled.count(numbers) and len(numbers) < _FEWEST_OBJECTS:
        yield (
            f"{', '.join(map(str, sorted(numbers)))} are read as the numbers of objects, though most masks have the "
            "same ones: if they are classes, name these, such as classes=['background', 'cell', 'nucleus'] (--classes "
            "background,cell,nucleus)"
        )


def _overlaps(masks: Sequence[StoredMask], coding: MaskCoding) -> Iterator[str]:
    """In how many pixels classes overlap, and which two most often."""
    if coding.labels == "exclusive" or coding.regions:
        return
    shared, total = np.zeros((len(coding.codes),) * 2, np.int64), 0
    for mask in masks:
        if (codes := mask.codes_as(coding.kind)) is not None:
            planes = (planes_of(codes, coding) == 1).astype(np.int64)
            shared += (planes * mask.counts) @ planes.T
            total += int(mask.counts.sum())
    pairs = np.triu(shared, 1)
    first, second = (coding.class_names[place] for place in np.unravel_index(pairs.argmax(), pairs.shape))
    yield (
        f"classes overlap, {first} and {second} in {pairs.max() / total:.2%} of the pixels: each is learned by itself; "
        "masks='exclusive' (--masks exclusive) makes overlaps errors"
    )


def _apart(masks: Sequence[StoredMask], coding: MaskCoding) -> Iterator[str]:
    """Planes that could overlap, but do not."""
    if coding.kind == "planes" and any(mask.form.layout == "sets" for mask in masks):
        yield (
            "the planes of masks never overlap: a pixel has one class; masks='overlapping' (--masks overlapping) "
            "learns each class by itself"
        )


_OF_NUMBERS = (_numbered, _few_numbers)
_OF_OVERLAPS = (_overlaps, _apart)
_DOUBTS: tuple[Callable[[Sequence[StoredMask], MaskCoding], Iterator[str]], ...] = (
    _palettes,
    _alpha,
    _lossy,
    _nearest,
    _alike,
    _inverted,
    _merged,
    _without_zero,
    _unknown_alone,
    _nodata,
    _numbered,
    _few_numbers,
    _overlaps,
    _apart,
)
