"""What counts of a pixel, decided from all masks of a data set: its number, its color, its opacity."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from unetzoo.data.masks.colors import GRAY, TRANSPARENT, Codes, cut_out, opacity, rgb, used_channels
from unetzoo.data.masks.forms import say_kind
from unetzoo.data.masks.options import MaskOptions
from unetzoo.data.masks.stored import StoredMask, codes_in
from unetzoo.errors import DataError, OptionError
from unetzoo.nn.coding import LEVELS, OVERLAP, Kind

_BINARY = frozenset((0, 255))
_RAMP = 256  # colors of a palette from black to white
_SOFT_ADVICE = (
    "; resize masks by nearest neighbor, or say which value is the least of the foreground, such as threshold={0:g} "
    "(--mask-threshold {0:g})"
)


def choose_kind(masks: Sequence[StoredMask], options: MaskOptions) -> Kind:
    """What counts of a pixel.

    Raises:
        DataError: masks are stored in different ways, or it cannot be decided.
        OptionError: the user's values are of another kind than the masks.
    """
    if options.masks == "overlapping":
        _refuse_ids(masks)
        return _checked(masks, "sets")
    kind = _of_one_class(masks, options)
    overlaps = kind == "planes" and options.masks == "auto" and OVERLAP in codes_in(masks, "planes")
    return "sets" if overlaps and _can(masks, "sets") else kind


def _of_one_class(masks: Sequence[StoredMask], options: MaskOptions) -> Kind:
    """What counts of a pixel that has one class."""
    names = len(options.names or ())
    if options.threshold is not None:
        return _checked(masks, "alpha" if _counts_alpha(masks, names) else "levels")
    kind = options.named_kind
    if kind == "colors":
        return _colors(masks, options)
    if any(mask.form.layout == "levels" for mask in masks):
        _refuse_fractions(masks)
    return _ids(masks, len(options.named or ())) if kind == "ids" else _chosen(masks, names)


def _ids(masks: Sequence[StoredMask], names: int) -> Kind:
    """What counts if the user gives so many values of ids."""
    if _counts_alpha(masks, names):
        return "alpha"
    if _can(masks, "ids"):
        return "ids"
    if _are_planes(masks, names):
        return "planes"
    if _can(masks, "channel") and len({shift for mask in masks for shift in used_channels(mask.codes)}) <= 1:
        return "channel"
    _refuse_mixture(masks)
    raise OptionError(f"the masks hold {_natural(masks)}: name each class with its color, such as cell=#ff0000")


def _chosen(masks: Sequence[StoredMask], names: int) -> Kind:
    """What counts if the user gives no values, and at most names."""
    palettes_agree = do_palettes_agree(masks)
    channels_vary = any(mask.form.layout == "colors" and is_transparent(mask) for mask in masks)
    if _can(masks, "ids") and palettes_agree and not channels_vary:
        return "grays" if _is_binary_as_shown(masks) else "ids"
    if _counts_alpha(masks, names):
        return "alpha"
    if _can(masks, "grays") and not any(map(is_transparent, masks)):
        _refuse_inverted(masks)
        return "grays"
    if not palettes_agree and any(mask.form.layout == "values" and not mask.is_blank for mask in masks):
        raise DataError(
            "the palettes of masks differ from file to file, so that colors count, but other masks have no palette: "
            "save all as ids without a palette, or all as colors"
        )
    if _are_planes(masks, names):
        return "planes"
    return _colors(masks, None)


def _colors(masks: Sequence[StoredMask], options: MaskOptions | None) -> Kind:
    """Colors as such, or those of opaque pixels."""
    layouts = {mask.form.layout for mask in masks if not mask.is_blank}
    if options and layouts == {"values"}:
        raise OptionError("the classes have colors, but the masks are ids; give each class its id")
    if "values" in layouts and not options:
        _refuse_mixture(masks)
    named = {value for some in ((options.named or {}) if options else {}).values() for value in some}
    named |= set(options.ignored_values) if options else set()
    if any(isinstance(value, str) and len(value) > len("#rrggbb") for value in named):
        return _checked(masks, "cutout")
    if not options and _hides_colors(masks) and _can(masks, "cutout"):
        return "cutout"
    return _checked(masks, "colors")


def _can(masks: Iterable[StoredMask], kind: Kind) -> bool:
    return all(mask.codes_as(kind) is not None for mask in masks)


def _checked(masks: Sequence[StoredMask], kind: Kind) -> Kind:
    if not _can(masks, kind):
        _refuse_mixture(masks)
        raise DataError(f"the masks are stored as {_natural(masks)}, and cannot be read as {say_kind(kind)}")
    return kind


def _natural(masks: Iterable[StoredMask]) -> str:
    return " and ".join(sorted({say_kind(mask.form.natural) for mask in masks if not mask.is_blank}))


def _refuse_mixture(masks: Sequence[StoredMask]) -> None:
    natural = _natural(masks)
    if " and " in natural:
        raise DataError(f"masks of one data set must be stored in one way, but these are {natural}")


def _refuse_ids(masks: Sequence[StoredMask]) -> None:
    """Raise DataError for masks of several ids, which are no planes."""
    if not _can(masks, "sets") and _can(masks, "ids"):
        raise DataError(
            "the masks are stored as ids, and cannot be read as planes that may overlap; if a class is a region of "
            "several ids, say which, such as --classes 'whole=1|2,core=2'"
        )


def _refuse_fractions(masks: Sequence[StoredMask]) -> None:
    soft = [mask for mask in masks if mask.form.layout == "levels"]
    highest = max(float(mask.codes.max()) for mask in soft) / LEVELS
    middle = 0.5 if highest <= 1 else 128 if highest <= 255 else round(highest / 2)
    raise DataError(f"a mask must hold whole numbers, but holds fractions{_SOFT_ADVICE.format(middle)}")


def _is_binary_as_shown(masks: Sequence[StoredMask]) -> bool:
    """Whether some masks are stored otherwise than they are shown, and all are black and white."""
    layouts = {mask.form.layout for mask in masks if not mask.is_blank}
    otherwise = any(mask.form.marks.scale != 1 for mask in masks) or layouts == {"values", "palette"}
    return otherwise and all(mask.set_as("grays") <= _BINARY and mask.codes_as("grays") is not None for mask in masks)


def do_palettes_agree(masks: Iterable[StoredMask]) -> bool:
    """Whether an index has one color in all masks, and a color one index."""
    color_of: dict[int, int] = {}
    index_of: dict[int, int] = {}
    for mask in masks:
        for index, color in used_palette(mask).items():
            if color_of.setdefault(index, color) != color or index_of.setdefault(color, index) != index:
                return False
    return True


def used_palette(mask: StoredMask) -> Mapping[int, int]:
    """The colors of the indices that a mask holds; empty without a palette, or with a damaged one."""
    palette, codes = mask.form.marks.palette, mask.codes.tolist()
    return {code: palette[code] for code in codes if code < len(palette)} if palette else {}


def _refuse_inverted(masks: Sequence[StoredMask]) -> None:
    """Raise DataError for masks some of which are shown inverted, as ImageJ does: values and brightness differ."""
    palettes = [mask.form.marks.palette for mask in masks if len(mask.form.marks.palette) == _RAMP]
    ramps = {(palette[0], palette[-1]) for palette in palettes}
    if {(0, 255 * GRAY), (255 * GRAY, 0)} <= ramps:
        raise DataError(
            "some masks are shown inverted, others not (their palettes, such as ImageJ's inverted LUT): say which "
            "counts, the stored values (--classes background=0,cell=255) or the shown ones "
            "(--classes background=#000000,cell=#ffffff)"
        )


def _transparent_and_opaque(masks: Iterable[StoredMask]) -> tuple[set[int], set[int]]:
    """The colors of transparent pixels and those of opaque ones."""
    transparent: set[int] = set()
    opaque: set[int] = set()
    for mask in masks:
        colors = _stored_colors(mask)
        is_transparent = cut_out(colors) == TRANSPARENT
        transparent.update(rgb(colors[is_transparent]).tolist())
        opaque.update(rgb(colors[~is_transparent]).tolist())
    return transparent, opaque


def _stored_colors(mask: StoredMask) -> Codes:
    """The colors of a mask with their transparency; empty if it has ids."""
    if mask.form.layout == "colors":
        return mask.codes
    return np.array(list(used_palette(mask).values()), dtype=np.int64)


def is_transparent(mask: StoredMask) -> bool:
    """Whether some pixel of a mask is transparent."""
    return bool((opacity(_stored_colors(mask)) < 255).any())


def _counts_alpha(masks: Sequence[StoredMask], names: int) -> bool:
    """Whether the opacity is the mask: all that is opaque has one color."""
    if not any(map(is_transparent, masks)) or not _can(masks, "alpha") or _are_planes(masks, names):
        return False
    return len(_transparent_and_opaque(masks)[1]) <= 1


def needs_alpha(masks: Sequence[StoredMask]) -> bool:
    """Whether only the opacity distinguishes classes: transparent and opaque pixels share a single color."""
    transparent, opaque = _transparent_and_opaque([mask for mask in masks if mask.form.layout == "colors"])
    return len(opaque) == 1 and transparent == opaque


def _hides_colors(masks: Sequence[StoredMask]) -> bool:
    """Whether transparent pixels have colors of their own, or one of the opaque ones."""
    transparent, opaque = _transparent_and_opaque(masks)
    return len(transparent) > 1 or bool(transparent & opaque)


def _are_planes(masks: Sequence[StoredMask], names: int) -> bool:
    """Whether masks that may be colors are planes: several of 0 and 1, or four that are set one at a time."""
    if not _can(masks, "planes") or not _can(masks, "colors"):
        return _can(masks, "planes")
    used = codes_in(masks, "planes")
    channels = {mask.form.channels for mask in masks}
    is_one = 0 in used and len(used) <= 2 and not {names, names - 1} & channels
    is_opaque = channels == {4} and not any(map(is_transparent, masks))
    if is_one or is_opaque:
        return False
    return all(mask.form.is_unit for mask in masks) or (channels == {4} and OVERLAP not in used)


def shown_colors(masks: Sequence[StoredMask], kind: Kind) -> Mapping[int, int]:
    """The color of each code of masks with palettes."""
    return {} if kind != "ids" else {code: color for mask in masks for code, color in used_palette(mask).items()}
