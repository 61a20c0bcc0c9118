"""What the masks of a source mean: what the user says, what a network's training found, or what they tell."""

from collections.abc import Sequence
from dataclasses import replace

from unetzoo.data.masks.meaning import find_coding, nodata_codes
from unetzoo.data.masks.options import MaskOptions
from unetzoo.data.masks.trained import coding_of, in_order_of, with_ignored
from unetzoo.data.sources.source import Source
from unetzoo.data.survey.pixels import Reading, masks_of
from unetzoo.errors import OptionError
from unetzoo.nn.coding import UNKNOWN, MaskCoding
from unetzoo.nn.info import ModelInfo


def resolve_coding(source: Source, readings: Sequence[Reading], options: MaskOptions, trained: ModelInfo) -> MaskCoding:
    """What the codes of a source's masks mean.

    Args:
        source: that may know its classes.
        readings: of its masks.
        options: what the user says of them.
        trained: what is known about a network: its classes keep their order.

    Raises:
        DataError: it cannot be told.
        OptionError: options that do not fit.
    """
    names = ("background", *trained.class_names) if len(trained.class_names) == 1 else trained.class_names
    says_values = options.named is not None or options.masks != "auto" or options.threshold is not None
    if source.class_names and not says_values:
        coding = _of_known(source.class_names, options)
    elif trained.mask_coding and not says_values and options.classes is None:
        coding = coding_of(trained, masks_of(readings))
        nodata = nodata_codes(coding.kind, masks_of(readings), coding.class_codes)
        coding = with_ignored(coding, (*options.ignored(coding.kind), *nodata))
        coding = replace(coding, nearest=True) if options.nearest_color else coding
    else:
        named = options if options.classes is not None else replace(options, classes=tuple(names) or None)
        coding = find_coding(masks_of(readings), named)
    return in_order_of(names, coding) if names else coding


def _of_known(names: Sequence[str], options: MaskOptions) -> MaskCoding:
    """What ids mean whose classes are known, perhaps by other names; those that do not count are no classes."""
    ignored = options.ignored("ids")
    codes = tuple(code for code in range(len(names)) if code not in ignored)
    chosen = tuple(options.classes or [names[code] for code in codes])
    if len(chosen) != len(codes):
        known = ", ".join(names[code] for code in codes)
        raise OptionError(f"the data set has the classes {known}, not {', '.join(chosen)}")
    return MaskCoding("ids", codes, chosen, tuple(dict.fromkeys((UNKNOWN, *ignored))), nearest=options.nearest_color)
