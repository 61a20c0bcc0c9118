"""The panels of a case as colors: image, truth, prediction and errors."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.colors import (
    CONFUSED,
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    FOUND_EDGE,
    HIT,
    MERGED_EDGE,
    NOTHING,
    SPLIT_EDGE,
    UNKNOWN_COLOR,
    Colors,
    dimmed,
    palette,
)
from unetzoo.evaluation.instances import Objects
from unetzoo.nn.coding import UNKNOWN

Ids = NDArray[np.integer]


class Entry(NamedTuple):
    """A line of a legend: a color, what it means, and whether it is the color of outlines."""

    color: tuple[int, ...]
    text: str
    is_outline: bool = False


OUTLINES = (
    Entry(FOUND_EDGE, "object found", is_outline=True),
    Entry(FALSE_NEGATIVE, "object missed", is_outline=True),
    Entry(FALSE_POSITIVE, "false object", is_outline=True),
    Entry(SPLIT_EDGE, "split: several predicted for one", is_outline=True),
    Entry(MERGED_EDGE, "merged: one predicted for several", is_outline=True),
)


def class_colors(ids: Ids, classes: int) -> Colors:
    """Class ids (h, w) as colors (h, w, 3); of planes (classes, h, w) the mean color of those that are set."""
    if ids.ndim == 3:
        return _plane_colors(ids)
    table = np.concatenate([palette(classes), [UNKNOWN_COLOR]]).astype(np.uint8)
    colors: Colors = table[np.where(ids == UNKNOWN, classes, ids)]
    return colors


def plane_palette(classes: int) -> Colors:
    """A color (classes, 3) for each class that may overlap, without a background."""
    return palette(classes + 1)[1:]


def _plane_colors(planes: Ids) -> Colors:
    is_set = planes == 1
    sums = np.tensordot(is_set.astype(float), plane_palette(len(planes)), axes=(0, 0))
    counts = is_set.sum(0)[..., None]
    colors = np.where(counts, sums / counts.clip(1), NOTHING).astype(np.uint8)
    colors[(planes == UNKNOWN).all(0)] = UNKNOWN_COLOR
    return colors


def _plane_errors(truth: Ids, predicted: Ids) -> Colors:
    """Where planes (classes, h, w) err: a class too many, a class too few, or both."""
    too_many = ((truth == 0) & (predicted == 1)).any(0)
    too_few = ((truth == 1) & (predicted == 0)).any(0)
    colors = np.empty((*truth.shape[1:], 3), dtype=np.uint8)
    colors[:] = NOTHING
    colors[(truth == 1).any(0)] = HIT
    colors[too_many] = FALSE_POSITIVE
    colors[too_few] = FALSE_NEGATIVE
    colors[too_many & too_few] = CONFUSED
    colors[(truth == UNKNOWN).all(0)] = UNKNOWN_COLOR
    return colors


def error_colors(truth: Ids, predicted: Ids) -> Colors:
    """Where a prediction (h, w), or planes (classes, h, w), errs, as colors (h, w, 3).

    Something where the truth has the first class, the background, is a false positive; the background where the truth
    has something is a false negative; another class than the true one is a confusion. Of classes that may overlap, one
    too many is a false positive, one too few a false negative, and both a confusion.
    """
    if truth.ndim == 3:
        return _plane_errors(truth, predicted)
    colors = np.empty((*truth.shape, 3), dtype=np.uint8)
    colors[:] = CONFUSED
    colors[predicted == 0] = FALSE_NEGATIVE
    colors[truth == 0] = FALSE_POSITIVE
    colors[predicted == truth] = HIT
    colors[(predicted == truth) & (truth == 0)] = NOTHING
    colors[truth == UNKNOWN] = UNKNOWN_COLOR
    return colors


def objects_panels(
    truth: Colors, predicted: Colors, objects: Sequence[Objects], *, width: int = 1
) -> tuple[Colors, Colors]:
    """The panels of truth and prediction, dimmed, with the outlines of their objects, in the colors of `OUTLINES`.

    Split and merged objects have the color of that, found or not, and so have the pieces of a split object and the
    objects that one prediction merges. The panel of the truth shows as many split objects as are counted, and that of
    the prediction as many merged ones.

    Args:
        truth: colors (h, w, 3).
        predicted: colors (h, w, 3).
        objects: those of each class.
        width: of the outlines, in pixels, inside of the objects.
    """
    truth, predicted = dimmed(truth), dimmed(predicted)
    for each in objects:
        partners, split, merged = (pairs.T for pairs in (each.partners, each.split, each.merged))
        of_truth = [(partners[0], FOUND_EDGE), (merged[0], MERGED_EDGE), (split[0], SPLIT_EDGE)]
        of_predicted = [(partners[1], FOUND_EDGE), (split[1], SPLIT_EDGE), (merged[1], MERGED_EDGE)]
        truth = outlined(truth, each.truth, FALSE_NEGATIVE, of_truth, width=width)
        predicted = outlined(predicted, each.predicted, FALSE_POSITIVE, of_predicted, width=width)
    return truth, predicted


def outlined(
    colors: Colors,
    numbers: NDArray[np.integer],
    color: tuple[int, ...],
    special: Sequence[tuple[NDArray[np.integer], tuple[int, ...]]] = (),
    *,
    width: int = 1,
) -> Colors:
    """Colors (h, w, 3) with the outlines of objects.

    Args:
        colors: of a panel.
        numbers: of the objects (h, w), from 1 on, 0 where there is none; of a slice those that it has.
        color: of the outlines.
        special: numbers of objects with outlines of another color, and that color; later ones win.
        width: of the outlines, in pixels, inside of the objects.
    """
    table = np.full((numbers.max(initial=0) + 1, 3), color, np.uint8)
    for chosen, other in special:
        table[chosen[chosen < len(table)]] = other
    edges = _edges(numbers, width)
    drawn = colors.copy()
    drawn[edges] = table[numbers[edges]]
    return drawn


def _edges(numbers: NDArray[np.integer], width: int) -> NDArray[np.bool_]:
    """Pixels of objects (h, w) that are at most so many pixels, up, down or sideways, from what is not the object."""
    rows, columns = numbers.shape
    padded = np.pad(numbers, width, mode="edge")
    edges = np.zeros(numbers.shape, dtype=bool)
    for step in range(-width, width + 1):
        edges |= padded[width + step : width + step + rows, width : width + columns] != numbers
        edges |= padded[width : width + rows, width + step : width + step + columns] != numbers
    return edges & (numbers > 0)


def legend(
    class_names: Sequence[str], *, with_unknown: bool, with_objects: bool = False, may_overlap: bool = False
) -> list[Entry]:
    """The colors of all panels of a picture, and what they mean."""
    names = list(class_names)
    own = plane_palette(len(names)) if may_overlap else palette(len(names))
    colors = dimmed(own) if with_objects else own
    entries = [Entry(tuple(color), name) for color, name in zip(colors.tolist(), names, strict=True)]
    background = names[0]
    entries.append(Entry(HIT, "right"))
    if may_overlap:
        entries += [
            Entry(FALSE_POSITIVE, "false positive: a class too many"),
            Entry(FALSE_NEGATIVE, "false negative: a class too few"),
            Entry(CONFUSED, "both"),
        ]
    elif len(names) == 2:
        entries += [
            Entry(FALSE_POSITIVE, f"false positive: no {names[1]} there"),
            Entry(FALSE_NEGATIVE, f"false negative: {names[1]} missed"),
        ]
    else:
        entries += [
            Entry(FALSE_POSITIVE, f"false positive: {background} there"),
            Entry(FALSE_NEGATIVE, f"false negative: taken for {background}"),
            Entry(CONFUSED, "another class"),
        ]
    return entries + [Entry(UNKNOWN_COLOR, "unknown")] * with_unknown + list(OUTLINES) * with_objects
