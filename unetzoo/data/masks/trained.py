"""Read the masks of a data set as those that a network was trained with."""

from collections.abc import Sequence
from dataclasses import replace

from unetzoo.data.masks.forms import say_kind
from unetzoo.data.masks.kinds import needs_alpha, used_palette
from unetzoo.data.masks.stored import StoredMask
from unetzoo.data.masks.wording import say_codes
from unetzoo.errors import DataError, OptionError
from unetzoo.nn.coding import IGNORED, MaskCoding
from unetzoo.nn.info import ModelInfo

_ADVICE = "say which value is which class, such as --classes background=0,cell=255 or cell=#ff0000"


def coding_of(info: ModelInfo, masks: Sequence[StoredMask]) -> MaskCoding:
    """What the codes of masks mean, if they mean what they meant in the training of a network.

    Args:
        info: of the network; its `mask_coding` is not empty.
        masks: how they are stored.

    Raises:
        DataError: they are stored in another way, or may mean something else.
    """
    coding = MaskCoding.from_dict(info.class_names, info.mask_coding)
    if coding.instances:
        return coding
    others = [mask for mask in masks if mask.codes_as(coding.kind) is None]
    if others:
        kinds = " and ".join(sorted({say_kind(mask.form.natural) for mask in others}))
        raise DataError(f"the masks are {kinds}, those of the training were {say_kind(coding.kind)}; {_ADVICE}")
    planes = {mask.form.channels for mask in masks}
    if coding.kind == "planes" and planes - {coding.planes}:
        counts = " and ".join(map(str, sorted(planes)))
        raise DataError(f"the masks have {counts} planes, those of the training had {coding.planes}")
    if coding.kind not in ("alpha", "cutout", "planes") and needs_alpha(masks):
        raise DataError(
            f"the masks have their classes in the alpha channel, those of the training were {say_kind(coding.kind)}; "
            f"{_ADVICE}"
        )
    _check_colors(coding, masks)
    if _may_be_foreground(coding, masks):
        raise DataError(
            "the masks hold one class and 255, which was unknown in the training, but may be the other class here; "
            f"{_ADVICE}"
        )
    return coding


def _check_colors(coding: MaskCoding, masks: Sequence[StoredMask]) -> None:
    """Raise DataError where a palette shows an index in another color than those of the training did."""
    trained = dict(zip(coding.codes, coding.colors, strict=False)) if coding.kind == "ids" else {}
    for mask in masks:
        for code, color in used_palette(mask).items():
            known = trained.get(code, -1)
            if known not in (-1, color):
                shown, before = (say_codes("colors", [value]) for value in (color, known))
                raise DataError(
                    f"{mask.name}: its palette shows {code} as {shown}, those of the training as {before}; name each "
                    f"class with its color, such as --classes {_named_colors(coding)}"
                )


def _named_colors(coding: MaskCoding) -> str:
    pairs = zip(coding.class_names, coding.colors, strict=True)
    return ",".join(f"{name}={say_codes('colors', [color])}" for name, color in pairs if color >= 0)


def _may_be_foreground(coding: MaskCoding, masks: Sequence[StoredMask]) -> bool:
    """Whether masks of two classes hold one of them, and what was unknown."""
    if coding.kind == "planes" or coding.threshold is not None or len(coding.codes) > 2:
        return False
    present = {code for mask in masks for code in mask.set_as(coding.kind)}
    place_of = {**dict(zip(coding.codes, range(len(coding.codes)), strict=True)), **dict(coding.merged)}
    classes = {place_of[code] for code in present if code in place_of}
    return bool(present & ({*coding.unknown} - {IGNORED})) and len(classes) < len(coding.codes)


def with_ignored(coding: MaskCoding, ignored: Sequence[int]) -> MaskCoding:
    """A coding of which further codes do not count."""
    return replace(coding, unknown=tuple(dict.fromkeys((*coding.unknown, *ignored))))


def in_order_of(names: Sequence[str], coding: MaskCoding) -> MaskCoding:
    """The classes in a network's order, where they have the same names; other names are taken as they come.

    Raises:
        OptionError: some names are the same, but of other ids.
    """
    places = {name: number for number, name in enumerate(coding.class_names)}
    if set(names) == set(coding.class_names):
        return _reordered(coding, [places[name] for name in names])
    moved = [name for number, name in enumerate(names) if places.get(name, number) != number]
    if moved:
        raise OptionError(
            f"the class {moved[0]!r} has another place among those of the masks ({', '.join(coding.class_names)}) than "
            f"among those of the network ({', '.join(names)})"
        )
    return coding


def _reordered(coding: MaskCoding, order: Sequence[int]) -> MaskCoding:
    """Classes in another order: first that of the number `order[0]`."""
    return replace(
        coding,
        class_names=tuple(coding.class_names[place] for place in order),
        codes=tuple(coding.codes[place] for place in order),
        merged=tuple((code, order.index(place)) for code, place in coding.merged),
        colors=tuple(coding.colors[place] for place in order) if coding.colors else (),
    )
