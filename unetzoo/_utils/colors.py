"""Colors that color-blind people can tell apart: Okabe and Ito's (https://jfly.uni-koeln.de/color)."""

import numpy as np
from numpy.typing import NDArray

Colors = NDArray[np.uint8]

NOTHING, FOREGROUND = (18, 22, 28), (238, 240, 242)
HIT, UNKNOWN_COLOR = (104, 110, 118), (165, 170, 176)
FALSE_POSITIVE, FALSE_NEGATIVE, CONFUSED = (230, 159, 0), (86, 180, 233), (213, 94, 0)
FOUND_EDGE, SPLIT_EDGE, MERGED_EDGE = (255, 255, 255), (235, 60, 150), (240, 228, 66)
OBJECT_COLOR = (83, 84, 84)  # FOREGROUND, dimmed
_CLASSES = (
    (0, 158, 115), (240, 228, 66), (0, 114, 178), (204, 121, 167), FOREGROUND, (136, 34, 85), (153, 153, 51),
    (68, 170, 153),
)  # fmt: skip
_DIM = 0.35
_OUTLINES = ((240, 228, 66), (86, 180, 233), (230, 159, 0), (0, 200, 140), (213, 94, 0))


def outline_palette(count: int) -> Colors:
    """Colors (count, 3) of lines that show on dark, bright and stained images; from the sixth on they repeat."""
    return np.array([_OUTLINES[index % len(_OUTLINES)] for index in range(count)], dtype=np.uint8)


def dimmed(colors: Colors) -> Colors:
    """Colors (..., 3) on which the outlines of objects show."""
    return (_DIM * colors).astype(np.uint8)


def palette(classes: int) -> Colors:
    """A color (classes, 3) for each class id, none of which is that of an error.

    The first, the background, is dark; a single other one is light; of several the ninth and later ones repeat.
    """
    others = (FOREGROUND,) if classes <= 2 else _CLASSES
    colors = [NOTHING, *(others[index % len(others)] for index in range(classes - 1))]
    return np.array(colors, dtype=np.uint8)
