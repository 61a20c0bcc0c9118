"""What the masks of a data set mean: by the user, by the source, by a network's training, or by the masks."""

from collections.abc import Sequence
from dataclasses import replace

from unetzoo.data.masks.forms import say_kind
from unetzoo.data.masks.kinds import needs_alpha, used_palette
from unetzoo.data.masks.meaning import find_coding, nodata_codes
from unetzoo.data.masks.options import MaskOptions
from unetzoo.data.masks.sets import unknown_value
from unetzoo.data.masks.stored import StoredMask, codes_in
from unetzoo.data.masks.values import join
from unetzoo.data.masks.wording import say_codes
from unetzoo.errors import DataError, OptionError
from unetzoo.nn.coding import IGNORED, MOST_PLANES, UNKNOWN, Labels, MaskCoding
from unetzoo.nn.info import ModelInfo

_ADVICE = "say which value is which class, such as --classes background=0,cell=255 or cell=#ff0000"


def resolve_coding(
    masks: Sequence[StoredMask], options: MaskOptions, trained: ModelInfo, *, class_names: Sequence[str] = ()
) -> MaskCoding:
    """What the codes of a source's masks mean.

    Args:
        masks: as they are stored.
        options: what the user says of them.
        trained: what is known about a network: its classes keep their order.
        class_names: if the source knows them.

    Raises:
        DataError: it cannot be decided.
        OptionError: options that do not fit.
    """
    labels = labels_of_training(trained)
    is_binary = len(trained.class_names) == 1 and labels != "overlapping"
    names = ("background", *trained.class_names) if is_binary else trained.class_names
    options = replace(options, masks=labels) if labels and options.masks == "auto" else options
    says_others = options.masks == "instances" or (options.masks == "overlapping") != (labels == "overlapping")
    says_values = options.named is not None or says_others or options.threshold is not None
    if class_names and not says_values:
        coding = _of_source(class_names, options)
    elif trained.mask_coding and not says_values and options.classes is None:
        coding = _coding_of(trained, masks)
        completed = _with_unknown if coding.kind == "sets" else _with_options
        coding = completed(coding, masks, options)
    else:
        default = tuple(names or (class_names if len(class_names) == 2 else ()))
        named = options if options.classes is not None else replace(options, classes=default or None)
        coding = find_coding(masks, named)
    return _in_order_of(names, coding) if names else coding


def _with_options(coding: MaskCoding, masks: Sequence[StoredMask], options: MaskOptions) -> MaskCoding:
    """The coding with what the user ignores beside it."""
    nodata = nodata_codes(coding.kind, masks, coding.class_codes)
    unknown = join(coding.unknown, (*options.ignored(coding.kind), *nodata))
    return replace(coding, unknown=unknown, nearest=coding.nearest or options.nearest_color)


def labels_of_training(trained: ModelInfo) -> Labels | None:
    """Whether the classes of a network's training exclude one another; None if that is not known."""
    if not trained.mask_coding:
        return None
    return MaskCoding.from_dict(trained.class_names, trained.mask_coding).labels


def _of_source(names: Sequence[str], options: MaskOptions) -> MaskCoding:
    """The coding of ids whose classes a source knows, perhaps with other names; ignored ids are not classes."""
    ignored = options.ignored("ids")
    codes = tuple(code for code in range(len(names)) if code not in ignored)
    own = [names[code] for code in codes]
    chosen = tuple(options.names or own)
    if len(chosen) != len(codes):
        raise OptionError(f"the data set has the classes {', '.join(own)}, not {', '.join(chosen)}")
    if {*chosen} == {*own} and len({*own}) == len(own):  # in another order
        codes = tuple(codes[own.index(name)] for name in chosen)
    return MaskCoding("ids", codes, chosen, join((UNKNOWN,), ignored), nearest=options.nearest_color)


def _coding_of(info: ModelInfo, masks: Sequence[StoredMask]) -> MaskCoding:
    """The coding of masks, if it is that of the training of a network.

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
    if coding.kind in ("planes", "sets") and planes - {coding.planes}:
        counts = " and ".join(map(str, sorted(planes)))
        raise DataError(f"the masks have {counts} planes, those of the training had {coding.planes}")
    if coding.kind == "sets":
        return coding
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


def _with_unknown(coding: MaskCoding, masks: Sequence[StoredMask], options: MaskOptions) -> MaskCoding:
    """The coding of planes with what 255 means in these masks; DataError if that may be a class or unknown."""
    unknown = unknown_value(masks, options)
    if coding.unknown and not unknown and any(code >> MOST_PLANES for code in codes_in(masks, "sets")):
        raise DataError(
            f"the planes of the masks hold 0 and {UNKNOWN}, which was unknown in the training, but may be the class "
            f"here; ignore={UNKNOWN} (--ignore {UNKNOWN}) says that it is unknown; else write 1 in place of it"
        )
    return replace(coding, unknown=unknown)


def _check_colors(coding: MaskCoding, masks: Sequence[StoredMask]) -> None:
    """Raise DataError if a palette shows an index in another color than in the training."""
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
    """Whether masks of two classes hold one of them and a value that was unknown."""
    if coding.kind == "planes" or coding.threshold is not None or len(coding.codes) > 2 or coding.regions:
        return False
    present = codes_in(masks, coding.kind)
    place_of = {**dict(zip(coding.codes, range(len(coding.codes)), strict=True)), **dict(coding.merged)}
    classes = {place_of[code] for code in present if code in place_of}
    return bool(present & ({*coding.unknown} - {IGNORED})) and len(classes) < len(coding.codes)


def _in_order_of(names: Sequence[str], coding: MaskCoding) -> MaskCoding:
    """The coding with classes in a network's order, if they have the same names; other names stay as they are.

    Raises:
        OptionError: some names are the same, but have other ids.
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
    """Classes in another order, beginning with number `order[0]`."""
    return replace(
        coding,
        class_names=tuple(coding.class_names[place] for place in order),
        codes=tuple(coding.codes[place] for place in order),
        regions=tuple(coding.regions[place] for place in order) if coding.regions else (),
        merged=tuple((code, order.index(place)) for code, place in coding.merged),
        colors=tuple(coding.colors[place] for place in order) if coding.colors else (),
    )
