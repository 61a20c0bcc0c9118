"""Classes that may overlap in masks of ids: each is a region of one or more ids, as a whole tumor and its core are."""

from collections.abc import Sequence

from unetzoo.data.masks.options import MaskOptions, Value, code_of
from unetzoo.data.masks.stored import StoredMask
from unetzoo.data.masks.values import join
from unetzoo.errors import OptionError
from unetzoo.nn.coding import IGNORED, UNKNOWN, MaskCoding

_BACKGROUND = (0,)
_OF_ONE_PLANE = {0, 1}


def are_regions(masks: Sequence[StoredMask], options: MaskOptions) -> bool:
    """Whether masks hold ids, and the user names classes that may overlap by several of these, or by others than 1."""
    if options.masks != "overlapping" or options.named is None or options.named_kind != "ids":
        return False
    values = [value for some in options.named.values() for value in some]
    return not {*values} <= _OF_ONE_PLANE and all(mask.form.layout in ("values", "palette") for mask in masks)


def of_regions(options: MaskOptions) -> MaskCoding:
    """The coding of ids that belong to regions; 0 is in none, unless the user names it so.

    Raises:
        OptionError: an option or a value is not for ids of regions.
    """
    regions = {name: _ids(values) for name, values in (options.named or {}).items() if tuple(values) != _BACKGROUND}
    if options.nearest_color:
        raise OptionError("ids of regions have no nearest ones: leave nearest_color (--nearest-color) out")
    ignored = options.ignored("ids")
    ids = {code for some in regions.values() for code in some}
    if both := sorted(ids.intersection(ignored)):
        raise OptionError(f"the id {both[0]} belongs to a region, and is ignored: leave one of both out")
    usual = tuple(code for code in (UNKNOWN, IGNORED) if code not in ids)
    first = tuple(some[0] for some in regions.values())
    return MaskCoding("ids", first, tuple(regions), join(usual, ignored), regions=tuple(regions.values()))


def _ids(values: Sequence[Value]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(code_of(value, "ids") for value in values))
