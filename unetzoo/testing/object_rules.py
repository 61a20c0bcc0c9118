"""The contract of object codings, rule by rule. What a coding does not claim to keep is not asked of it."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from unetzoo.assembly import create_loss
from unetzoo.errors import UnetzooError
from unetzoo.objects import Fidelity, ObjectCoding
from unetzoo.objects.coding import channels_of, slices_of, turn
from unetzoo.objects.loss import object_loss
from unetzoo.objects.target import make_target
from unetzoo.testing.object_drawings import (
    convex_objects,
    grid_of_squares,
    nested_rings,
    squares_of,
    touching_rectangles,
)
from unetzoo.testing.rules import Make, Rule, demand

Ids = NDArray[np.integer]
_SIZES = ((1, 1), (1, 9), (23, 8))
_CLOSE = 1e-3


def is_a_coding(make: Make) -> None:
    """It is an ObjectCoding with at least one map, and every map has a name of its own."""
    coding = make()
    demand(isinstance(coding, ObjectCoding), f"the builder gave {type(coding).__name__}")
    names = [item.name for item in coding.maps]
    demand(bool(names) and len(names) == len(set(names)), f"its maps are {names}")


def encodes_images_of_any_size(make: Make) -> None:
    """Maps (c, h, w) and weights (m, h, w) >= 0 are finite float32, for images of any size."""
    coding = make()
    shapes = (channels_of(coding.maps), len(coding.maps))
    for size in _SIZES:
        for ids in (np.zeros(size, np.int64), np.ones(size, np.uint16), np.indices(size).sum(0) % 3):
            for what, values, count in zip(
                ("maps", "weights"), (coding.encode(ids), coding.weights(ids)), shapes, strict=True
            ):
                demand(values.shape == (count, *size), f"{what} of ids {size} are {values.shape}")
                demand(values.dtype == np.float32, f"{what} are {values.dtype}")
                demand(bool(np.isfinite(values).all()), f"{what} are not finite")
            demand(bool((coding.weights(ids) >= 0).all()), "a weight is negative")


def prefers_the_right_maps(make: Make) -> None:
    """Logits of the right maps cost less than opposite ones; where all is unknown, there is no gradient."""
    coding = make()
    loss = object_loss(coding.maps, create_loss)
    target = torch.from_numpy(make_target(coding, convex_objects()))[None]
    logits = torch.cat(
        [
            target[:, place] if item.activation == "none" else 16 * target[:, place] - 8
            for item, place in zip(coding.maps, slices_of(coding.maps), strict=True)
        ],
        dim=1,
    )
    right, opposite = float(loss(logits, target)), float(loss(-logits, target))
    demand(right < opposite, f"the right ones cost {right:.3g}, opposite ones {opposite:.3g}")
    unknown = torch.from_numpy(make_target(coding, np.full((16, 16), -1)))[None]
    blank = torch.ones(1, logits.shape[1], 16, 16).requires_grad_()
    (gradient,) = torch.autograd.grad(loss(blank, unknown), blank)
    demand(not bool(gradient.any()), "unknown pixels have a gradient")


def finds_nothing_in_an_empty_image(make: Make) -> None:
    """An image without objects decodes to none."""
    coding = make()
    objects = coding.decode(coding.encode(np.zeros((24, 33), np.int64)))
    demand(objects.shape == (24, 33) and not objects.any(), f"there are {len(np.unique(objects)) - 1} objects")


def keeps_convex_objects(make: Make) -> None:
    """Convex objects come back, also where the border cuts them."""
    _demand_kept(make(), convex_objects())


def keeps_rings(make: Make) -> None:
    """Rings come back with their holes, if its fidelity says so."""
    coding = make()
    if coding.fidelity.holes:
        _demand_kept(coding, nested_rings())


def keeps_touching_objects_apart(make: Make) -> None:
    """Objects that touch come back apart, if its fidelity says so."""
    coding = make()
    if coding.fidelity.touching:
        _demand_kept(coding, touching_rectangles())


def keeps_the_smallest_objects(make: Make) -> None:
    """Squares of as few pixels as its fidelity names come back."""
    coding = make()
    _demand_kept(coding, squares_of(coding.fidelity.smallest))


def keeps_many_objects(make: Make) -> None:
    """1,000 objects come back, and 70,000, more than 16 bits can number."""
    coding = make()
    side = max(3, int(np.ceil(coding.fidelity.smallest**0.5)))
    for count in (1_000, 70_000):
        objects = coding.decode(coding.encode(grid_of_squares(count, side)))
        demand(objects.max() == count, f"of {count:,} objects {objects.max():,} came back")


def numbers_have_no_influence(make: Make) -> None:
    """Other numbers of the same objects give the same maps and weights."""
    coding, ids = make(), touching_rectangles()
    numbers = np.random.default_rng(0).permutation(100_000)[: ids.max() + 1] + 1
    numbers[0] = 0
    for what, encode in (("maps", coding.encode), ("weights", coding.weights)):
        demand(np.array_equal(encode(ids), encode(numbers[ids])), f"{what} differ")


def turns_with_the_image(make: Make) -> None:
    """Turned and mirrored objects have turned and mirrored maps and weights; vectors turn, too."""
    coding, ids = make(), convex_objects()
    maps, weights = coding.encode(ids), coding.weights(ids)
    for quarters in range(4):
        for mirror in (False, True):
            turned = np.rot90(ids, quarters)
            turned = turned[:, ::-1] if mirror else turned
            how = f"{90 * quarters} degrees{', mirrored' if mirror else ''}"
            _demand_close(coding.encode(turned), turn(coding.maps, maps, quarters, mirror=mirror), f"maps by {how}")
            _demand_close(coding.weights(turned), turn((), weights, quarters, mirror=mirror), f"weights by {how}")


def unknown_pixels_are_background(make: Make) -> None:
    """Pixels of negative numbers are encoded as background."""
    coding, ids = make(), convex_objects()
    ids[:, 20:30] = -1
    demand(np.array_equal(coding.encode(ids), coding.encode(np.maximum(ids, 0))), "they are not")


def tuned_options_change_decode_alone(make: Make) -> None:
    """Each value of an option that is worth tuning is taken, and changes neither maps nor encode nor weights."""
    coding, ids = make(), touching_rectangles()
    before = coding.maps, coding.encode(ids), coding.weights(ids)
    for option, values in coding.tunable.items():
        demand(sorted(set(values)) == list(values), f"the values of {option} are not ascending: {values}")
        for value in values:
            other = make(**{option: value})
            same = other.maps == before[0] and np.array_equal(other.encode(ids), before[1])
            demand(same and np.array_equal(other.weights(ids), before[2]), f"{option}={value} changes them")


def sees_far_enough(make: Make) -> None:
    """A tile with its halo is encoded and decoded as in the whole image."""
    coding = make()
    ids = touching_rectangles(6) if coding.fidelity.touching else convex_objects(3)
    start, stop, halo = 60, 84, coding.halo(24)
    low, high = max(0, start - halo), stop + halo
    tile, inner = (slice(low, high),) * 2, (..., *(slice(start - low, stop - low),) * 2)
    maps, weights = coding.encode(ids), coding.weights(ids)
    _demand_close(coding.encode(ids[tile])[inner], maps[..., start:stop, start:stop], "maps")
    _demand_close(coding.weights(ids[tile])[inner], weights[..., start:stop, start:stop], "weights")
    whole = _objects_in(coding.decode(maps), (0, 0), start, stop)
    part = _objects_in(coding.decode(maps[..., low:high, low:high].copy()), (low, low), start, stop)
    demand(whole == part, f"of {len(whole)} objects {len(whole & part)} are the same")


def decodes_to_numbers_without_gaps(make: Make) -> None:
    """Decoded objects are int32 numbers 1 to n without gaps, the same each time; arguments may be read-only."""
    coding, ids = make(), convex_objects()
    ids.flags.writeable = False
    maps = coding.encode(ids)
    maps.flags.writeable = False
    objects = coding.decode(maps)
    numbers = np.unique(objects)
    demand(objects.dtype == np.int32, f"they are {objects.dtype}")
    demand(numbers.tolist() == list(range(len(numbers))), f"they are {numbers[:9].tolist()}")
    demand(np.array_equal(coding.decode(maps), objects), "they differ the second time")


def refuses_what_does_not_fit(make: Make) -> None:
    """Ids of four axes or of floating point, and maps of other channels, are refused with an UnetzooError."""
    coding = make()
    _demand_refused(coding.encode, np.zeros((2, 2, 8, 8), np.int64), "ids (2, 2, 8, 8)")
    _demand_refused(coding.encode, np.zeros((8, 8)), "ids of floating point")
    channels = channels_of(coding.maps) + 1
    _demand_refused(coding.decode, np.zeros((channels, 8, 8), np.float32), f"maps of {channels} channels")


def _demand_kept(coding: ObjectCoding, ids: Ids) -> None:
    """Objects must come back as well as the fidelity says."""
    objects, fidelity = coding.decode(coding.encode(ids)), coding.fidelity
    count = int(ids.max())
    demand(objects.max() == count, f"of {count} objects {objects.max()} came back")
    ious = np.array(list(_ious(ids, objects)))
    demand(
        bool(ious.min() >= fidelity.iou - 1e-9),
        f"the worst IoU is {ious.min():.3f}, not {fidelity.iou}; {_lost(ious, fidelity)}",
    )


def _lost(ious: NDArray[np.float64], fidelity: Fidelity) -> str:
    return f"{int((ious < fidelity.iou - 1e-9).sum())} of {len(ious)} objects are below"


def _ious(ids: Ids, objects: Ids) -> Iterator[float]:
    """For each object the largest IoU with one that came back."""
    sizes = np.bincount(objects.ravel())
    for number in range(1, int(ids.max()) + 1):
        mask = ids == number
        shared = np.bincount(objects[mask], minlength=len(sizes))
        yield (shared / (mask.sum() + sizes - shared))[1:].max(initial=0)


def _objects_in(objects: Ids, corner: tuple[int, int], start: int, stop: int) -> set[bytes]:
    """The pixels of each object whose centroid lies in [start, stop) of the whole image."""
    found = set()
    for number in np.unique(objects[objects > 0]):
        pixels = np.argwhere(objects == number) + corner
        if ((pixels.mean(0) >= start) & (pixels.mean(0) < stop)).all():
            found.add(pixels.tobytes())
    return found


def _demand_close(values: NDArray[np.float32], expected: NDArray[np.float32], what: str) -> None:
    difference = float(np.abs(values - expected).max()) if values.shape == expected.shape else np.inf
    demand(difference < _CLOSE, f"{what} differ by {difference:.2g}")


def _demand_refused(function: Callable[..., object], argument: NDArray[np.generic], what: str) -> None:
    try:
        function(argument)
    except UnetzooError:
        return
    demand(False, f"{what} gave a result")


RULES: tuple[Rule, ...] = (
    is_a_coding,
    encodes_images_of_any_size,
    prefers_the_right_maps,
    finds_nothing_in_an_empty_image,
    keeps_convex_objects,
    keeps_rings,
    keeps_touching_objects_apart,
    keeps_the_smallest_objects,
    keeps_many_objects,
    numbers_have_no_influence,
    turns_with_the_image,
    unknown_pixels_are_background,
    tuned_options_change_decode_alone,
    sees_far_enough,
    decodes_to_numbers_without_gaps,
    refuses_what_does_not_fit,
)
