"""What a user may choose for a prediction: types, limits and checks, without numpy and torch."""

from collections.abc import Mapping, Sequence
from typing import Literal

from unetzoo.checks import check_count, check_probability, whole
from unetzoo.errors import OptionError

Threshold = float | Mapping[str, float]
Values = Literal["ids", "palette", "trained"]
Resample = Literal["auto", "never"]
Axes = str | Sequence[str]
"""Along which slices of volumes are predicted: `"z"`, `"z,x"`, `["z", "x"]` or `"all"`."""
Uncertainty = Literal["entropy", "disagreement"]
MIRRORS = {2: (1, 2, 4, 8), 3: (1, 2, 8)}
"""Numbers of symmetries over which a prediction of images, or of volumes, may be averaged."""
TILES = {2: 2048, 3: 128}
"""Default side of a tile, by the number of axes; 128 x 128 x 128 are half as many pixels as 2048 x 2048."""
SMALLEST_TILES = {2: 128, 3: 32}
"""Smallest side of a tile, by the number of axes."""
TILE_OF_LARGE = 1280
"""Side of a tile of images of many pixels."""
LARGEST_OBJECT = {2: 256, 3: 64}
"""Default length of the largest object, by the number of axes."""


def plain_threshold(threshold: object) -> Threshold | None:
    """A threshold with numbers of Python's own types.

    Raises:
        OptionError: a number is outside [0, 1), or not a number.
    """
    if threshold is None:
        return None
    if not isinstance(threshold, Mapping):
        return check_probability("threshold", threshold)
    return {str(name): check_probability(f"the threshold of {name!r}", limit) for name, limit in threshold.items()}


def read_threshold(text: str) -> Threshold:
    """Parse a threshold of the command line: `0.3`, or `cell=0.3,border=0.6`.

    Raises:
        OptionError: the text has another form.
    """
    parts = [part.rpartition("=") for part in text.split(",")]
    try:
        if len(parts) == 1 and not parts[0][1]:
            return float(text)
        named = {name.strip(): float(number) for name, equals, number in parts if equals}
    except ValueError:
        named = {}
    if len(named) < len(parts):
        raise OptionError(
            f"threshold must be a number such as 0.3, or one for each class, such as cell=0.3,border=0.6; got {text!r}"
        )
    return named


def check_mirrors(mirrors: object, *, axes: int = 2) -> int:
    """The number of symmetries as Python's own number; OptionError for one that there is not over so many axes."""
    number = whole(mirrors)
    if number not in MIRRORS[axes]:
        *others, last = MIRRORS[axes]
        subject = "mirrors" if axes == 2 else "mirrors of a network over three axes"
        raise OptionError(f"{subject} must be {', '.join(map(str, others))} or {last}, got {mirrors!r}")
    return number


def check_tiling(tile: int, overlap: int | None, batch: int, *, axes: int = 2) -> tuple[int, int | None, int]:
    """These as Python's own numbers; OptionError for values that `predict` does not take over so many axes."""
    batch = check_count("batch", batch)
    side = check_count("tile", tile)
    if side < SMALLEST_TILES[axes]:
        raise OptionError(f"tile must be at least {SMALLEST_TILES[axes]} pixels, got {side}")
    rim = None if overlap is None else whole(overlap)
    if overlap is not None and (rim is None or not 0 <= rim < side / 2):
        raise OptionError(f"overlap must be a whole number from 0 to less than half of tile={side}, got {overlap!r}")
    return side, rim, batch


def check_axes(axes: object) -> tuple[str, ...]:
    """The names of axes, each once; empty: None are chosen.

    Raises:
        OptionError: a name is not that of an axis.
    """
    from unetzoo.data.formats.orientation import AXES
    from unetzoo.data.formats.slices import direction_of

    if axes is None:
        return ()
    names = axes.split(",") if isinstance(axes, str) else list(axes) if isinstance(axes, Sequence) else [repr(axes)]
    if [str(name).strip().lower() for name in names] == ["all"]:
        return AXES
    return tuple(dict.fromkeys(AXES[direction_of(name)] for name in names))
