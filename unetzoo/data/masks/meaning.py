"""What the values of masks mean: by the user, or else by the masks themselves."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from unetzoo.data.masks.colors import TRANSPARENT, by_blue
from unetzoo.data.masks.kinds import choose_kind, shown_colors
from unetzoo.data.masks.options import MaskOptions, Value, code_of
from unetzoo.data.masks.regions import are_regions, of_regions
from unetzoo.data.masks.sets import count_planes, of_sets
from unetzoo.data.masks.stored import StoredMask, codes_in
from unetzoo.data.masks.values import MOST_CLASSES, join, name_classes, of_values
from unetzoo.data.masks.wording import say_codes
from unetzoo.errors import DataError, OptionError
from unetzoo.nn.coding import IGNORED, NO_NUMBER, OVERLAP, UNKNOWN, Kind, MaskCoding

_WHITE = 0xFFFFFF
_UNKNOWN_IDS = (UNKNOWN, IGNORED)


def find_coding(masks: Sequence[StoredMask], options: MaskOptions) -> MaskCoding:
    """What the codes of a data set's masks mean.

    By default: the two values 0 and 255 are background and foreground; other ids are the classes, and 255 or -1 is
    unknown; the planes are the classes, after a background if some pixel is in none, and without one if some pixel is
    in several; colors come from dark to light, first by blue, then green, then red: black, red, green, blue, as planes
    of these would.

    Args:
        masks: how they are stored.
        options: of the user.

    Raises:
        DataError: masks are of different kinds, have other classes, or it cannot be decided what they mean.
        OptionError: invalid values of classes.
    """
    if options.masks == "instances":
        return _of_instances(options)
    if are_regions(masks, options):
        return of_regions(options)
    kind = choose_kind(masks, options)
    if kind == "sets":
        return of_sets(masks, options)
    coding = _coding(kind, masks, options)
    if not options.nearest_color:
        return coding
    if kind in ("levels", "alpha", "planes") or options.classes is None:
        raise OptionError(
            "nearest_color (--nearest-color) needs the classes with their colors or ids, such as cell=#ff0000"
        )
    return replace(coding, nearest=True)


def _coding(kind: Kind, masks: Sequence[StoredMask], options: MaskOptions) -> MaskCoding:
    named = {code_of(value, kind) for some in (options.named or {}).values() for value in some}
    ignored = (*options.ignored(kind), *nodata_codes(kind, masks, named))
    if options.threshold is not None:
        names = name_classes(options.names, (0, 1))
        return MaskCoding(kind, (0, 1), names, ignored, threshold=float(options.threshold))
    if kind == "planes":
        return _of_planes(masks, options, ignored)
    if options.named is not None:
        return _with_colors(_named(kind, options.named, ignored), masks)
    if kind in ("colors", "cutout"):
        return _of_colors(kind, masks, options.names, ignored)
    return _with_colors(of_values(kind, masks, options.names, ignored), masks)


def _of_instances(options: MaskOptions) -> MaskCoding:
    kind: Kind = options.named_kind or "ids"
    names = tuple(options.named) if options.named else options.names
    unknown = join((IGNORED,) if kind == "ids" else (), options.ignored(kind))
    return MaskCoding(kind, (0, 1), name_classes(names, (0, 1)), unknown, instances=True)


def nodata_codes(kind: Kind, masks: Sequence[StoredMask], named: Collection[int]) -> tuple[int, ...]:
    """The values for no data by the files, without those that the user names or without which one value is left."""
    if kind not in ("ids", "levels"):
        return ()
    values = sorted({mask.form.marks.nodata for mask in masks if mask.form.marks.nodata} - {0}, key=str)
    codes = [code for code in dict.fromkeys(_nodata_code(value, kind) for value in values) if code is not None]
    present = codes_in(masks, kind)
    return tuple(code for code in codes if code not in named and len(present - {code, *codes}) > 1)


def _nodata_code(value: float, kind: Kind) -> int | None:
    return NO_NUMBER if not abs(value) < 2**53 else code_of(value, kind) if value == int(value) else None


def _named(kind: Kind, named: Mapping[str, Sequence[Value]], ignored: Sequence[int]) -> MaskCoding:
    codes = [[code_of(value, kind) for value in values] for values in named.values()]
    each = [code for some in codes for code in some]
    if len(set(each)) < len(each):
        shown = {name: list(values) if len(values) > 1 else values[0] for name, values in named.items()}
        raise OptionError(f"each class needs its own value, all ids or all colors; got {shown}")
    usual = (_WHITE,) if kind in ("colors", "cutout") else _UNKNOWN_IDS if kind in ("ids", "channel") else ()
    unknown = tuple(code for code in usual if code not in each)
    merged = tuple((code, place) for place, some in enumerate(codes) for code in some[1:])
    return MaskCoding(kind, tuple(some[0] for some in codes), tuple(named), join(unknown, ignored), merged=merged)


def _with_colors(coding: MaskCoding, masks: Sequence[StoredMask]) -> MaskCoding:
    """A coding with the colors of its codes, if masks have palettes."""
    colors = shown_colors(masks, coding.kind)
    return replace(coding, colors=tuple(colors.get(code, -1) for code in coding.codes)) if colors else coding


def _of_colors(
    kind: Kind, masks: Sequence[StoredMask], names: Sequence[str] | None, ignored: Sequence[int]
) -> MaskCoding:
    present = sorted(codes_in(masks, kind) - {*ignored}, key=by_blue)
    is_lossy = any(mask.form.marks.is_lossy for mask in masks)
    if len(present) > MOST_CLASSES or is_lossy:
        blurred = "; some are JPEG or WebP, which blurs them" if is_lossy else ""
        raise DataError(
            f"the masks hold {len(present):,} colors{blurred}: name the classes with theirs, such as cell=#ff0000; "
            "nearest_color=True (--nearest-color) reads other colors as the nearest of these"
        )
    names = names or [_color_name(kind, code) for code in present]
    if len(names) != len(present):
        shown = say_codes(kind, present)
        raise DataError(f"{len(names)} classes were named, but the masks hold {len(present)} colors ({shown})")
    return MaskCoding(kind, tuple(present), tuple(names), tuple(ignored))


def _color_name(kind: Kind, code: int) -> str:
    return "transparent" if code == TRANSPARENT else say_codes(kind, [code])


def _of_planes(masks: Sequence[StoredMask], options: MaskOptions, ignored: Sequence[int]) -> MaskCoding:
    """A class for each plane, after a background if a name is left for it, or without names if pixels need it."""
    planes = count_planes(masks)
    if options.named is not None:
        return replace(_named("planes", options.named, ignored), planes=planes)
    present = codes_in(masks, "planes") - {OVERLAP}
    left = [code for code in range(1, planes + 1) if code not in ignored]
    has_background = len(options.names) == len(left) + 1 if options.names else 0 in present - {*ignored}
    codes = (*([0] if has_background else []), *left)
    unknown = join(() if has_background else (0,), ignored)
    return MaskCoding("planes", codes, name_classes(options.names, range(len(codes))), unknown, planes=planes)
