"""What masks of planes mean whose classes may overlap: each plane is a class of its own."""

from collections.abc import Mapping, Sequence

from unetzoo._utils.texts import count_of
from unetzoo.data.masks.forms import SET_BITS
from unetzoo.data.masks.options import Classes, MaskOptions, Value
from unetzoo.data.masks.stored import StoredMask, codes_in
from unetzoo.errors import DataError, OptionError
from unetzoo.nn.coding import MOST_PLANES, UNKNOWN, MaskCoding

_BACKGROUND = "background"


def of_sets(masks: Sequence[StoredMask], options: MaskOptions) -> MaskCoding:
    """The coding of planes that may overlap.

    The classes are the planes in their order, or those that the user names with their numbers from 1 on. A background,
    which is where no plane is set, is left out. 255 is unknown where a plane also holds other values
    above 0, or if the user ignores it; else it is the class.

    Raises:
        DataError: masks have different numbers of planes, or others than there are names.
        OptionError: options that planes do not have.
    """
    planes = count_planes(masks)
    if options.nearest_color or not {*options.ignored_values} <= {UNKNOWN}:
        raise OptionError(
            f"planes of classes that overlap hold 0, 1 and perhaps {UNKNOWN} for unknown: leave nearest_color "
            f"(--nearest-color) out, and ignore (--ignore) other values than {UNKNOWN}"
        )
    if options.named is None:
        names, numbers = _names(options.classes, planes), tuple(range(1, planes + 1))
    else:
        named = {name: values for name, values in options.named.items() if tuple(values) != (0,)}
        names, numbers = tuple(named), _numbers(named, planes)
    codes = tuple(1 << (number - 1) for number in numbers)
    return MaskCoding("sets", codes, names, unknown_value(masks, options), planes=planes)


def count_planes(masks: Sequence[StoredMask]) -> int:
    """The number of planes of each mask; DataError if they differ."""
    counts = {mask.form.channels for mask in masks}
    if len(counts) > 1:
        shown = " and ".join(map(str, sorted(counts)))
        raise DataError(
            f"masks of one data set must have as many planes each, but these have {shown}; if they are volumes, say "
            "slices=1 (--slices 1)"
        )
    return max(counts)


def unknown_value(masks: Sequence[StoredMask], options: MaskOptions) -> tuple[int, ...]:
    """255 if that is unknown; else nothing."""
    codes = codes_in(masks, "sets")
    has_255 = any(code >> MOST_PLANES for code in codes)
    has_others = any(code & SET_BITS != code >> MOST_PLANES for code in codes)
    return (UNKNOWN,) if (has_255 and has_others) or options.ignored_values else ()


def _names(classes: Classes | None, planes: int) -> tuple[str, ...]:
    """The names of all planes, by default from their numbers."""
    if classes is None:
        return ("foreground",) if planes == 1 else tuple(f"class {number}" for number in range(1, planes + 1))
    names = tuple(classes)
    own = names[1:] if len(names) == planes + 1 and names[0] == _BACKGROUND else names
    if len(own) != planes:
        named = f"{count_of(len(own), 'class', 'classes')} named ({', '.join(own)})"
        raise DataError(f"{named}, but the masks have {count_of(planes, 'plane')}")
    return own


def _numbers(named: Mapping[str, Sequence[Value]], planes: int) -> tuple[int, ...]:
    """The number of the plane of each class that the user names so."""
    numbers = [value for values in named.values() for value in values]
    fit = numbers and all(isinstance(value, int) and 1 <= value <= planes for value in numbers)
    if not fit or len({*numbers}) < len(numbers) or len(numbers) != len(named):
        raise OptionError(
            f"each class that may overlap needs one plane of its own, from 1 to {planes}, such as cell=1,nucleus=2"
        )
    return tuple(int(value) for value in numbers)
