"""The panels of a case as colors: image, truth, prediction and errors."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.colors import (
    CONFUSED,
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    HIT,
    NOTHING,
    UNKNOWN_COLOR,
    Colors,
    palette,
)
from unetzoo.evaluation.instances import Objects
from unetzoo.nn.coding import UNKNOWN

Ids = NDArray[np.integer]
FOUND_EDGE = (0, 158, 115)


def class_colors(ids: Ids, classes: int) -> Colors:
    """Class ids (h, w) as colors (h, w, 3)."""
    table = np.concatenate([palette(classes), [UNKNOWN_COLOR]]).astype(np.uint8)
    colors: Colors = table[np.where(ids == UNKNOWN, classes, ids)]
    return colors


def error_colors(truth: Ids, predicted: Ids) -> Colors:
    """Where a prediction (h, w) errs, as colors (h, w, 3).

    Something where the truth has the first class, the background, is a false positive; the background where the truth
    has something is a false negative; another class than the true one is a confusion.
    """
    colors = np.empty((*truth.shape, 3), dtype=np.uint8)
    colors[:] = CONFUSED
    colors[predicted == 0] = FALSE_NEGATIVE
    colors[truth == 0] = FALSE_POSITIVE
    colors[predicted == truth] = HIT
    colors[(predicted == truth) & (truth == 0)] = NOTHING
    colors[truth == UNKNOWN] = UNKNOWN_COLOR
    return colors


def outlined(
    colors: Colors, numbers: NDArray[np.integer], matched: NDArray[np.integer], other: tuple[int, ...]
) -> Colors:
    """Colors (h, w, 3) with the outlines of objects: green for matched objects, another color for the rest.

    Args:
        colors: of a panel.
        numbers: of the objects (h, w), 0 where there is none.
        matched: numbers of the objects that have a partner.
        other: color of the outlines of the others.
    """
    edges = np.zeros(numbers.shape, dtype=bool)
    padded = np.pad(numbers, 1, mode="edge")
    for rows, columns in ((0, 1), (2, 1), (1, 0), (1, 2)):
        height, width = numbers.shape
        edges |= padded[rows : rows + height, columns : columns + width] != numbers
    edges &= numbers > 0
    drawn = colors.copy()
    drawn[edges] = other
    drawn[edges & np.isin(numbers, matched)] = FOUND_EDGE
    return drawn


def legend(
    class_names: Sequence[str], *, with_unknown: bool, with_objects: bool = False
) -> list[tuple[tuple[int, ...], str]]:
    """The colors of all panels of a picture, and what they mean."""
    names = list(class_names)
    entries = [(tuple(color), name) for color, name in zip(palette(len(names)).tolist(), names, strict=True)]
    background = names[0]
    entries.append((HIT, "right"))
    if len(names) == 2:
        entries += [
            (FALSE_POSITIVE, f"false positive: no {names[1]} there"),
            (FALSE_NEGATIVE, f"false negative: {names[1]} missed"),
        ]
    else:
        entries += [
            (FALSE_POSITIVE, f"false positive: {background} there"),
            (FALSE_NEGATIVE, f"false negative: taken for {background}"),
            (CONFUSED, "another class"),
        ]
    if with_objects:
        entries.append((FOUND_EDGE, "outline: object found (blue: missed, orange: false)"))
    return entries + [(UNKNOWN_COLOR, "unknown")] * with_unknown


def objects_panels(truth: Colors, predicted: Colors, objects: Objects) -> tuple[Colors, Colors]:
    """The panels of truth and prediction with the outlines of their objects."""
    true_numbers, predicted_numbers = objects.partners[:, 0], objects.partners[:, 1]
    return (
        outlined(truth, objects.truth, true_numbers, FALSE_NEGATIVE),
        outlined(predicted, objects.predicted, predicted_numbers, FALSE_POSITIVE),
    )
