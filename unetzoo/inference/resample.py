"""Bring what a network says of a resampled image back onto the pixels of the image, row by row."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.resample import contracted, table_of, weights

Rows = Iterator[tuple[int, NDArray[np.float32]]]


def rows_back(
    rows: Rows, size: Sequence[int], seen: Sequence[int], *, start: int = 0, stepped: Sequence[int] = ()
) -> Rows:
    """Maps of a resampled image, from top to bottom, in the pixels of the image; those of a volume slice by slice.

    Args:
        rows: number of the first row, and maps (k, rows, w); they begin at `first_row(start)` or above.
        size: (h, w) of the image, or (d, h, w) of the volume.
        seen: that of the resampled one.
        start: number of rows of the image that are finished.
        stepped: axes that are not interpolated; see `thick_axes`.

    Yields:
        The number of the first row, and maps (k, rows, w); NaN where there is no data.
    """
    along = [
        table_of((0, new), old, new, up=None, is_stepped=axis in stepped)[1]
        for axis, (new, old) in enumerate(zip(size[1:], seen[1:], strict=True), 1)
    ]
    kept: NDArray[np.float32] | None = None
    first = 0  # row of `kept`
    for top, maps in rows:
        if kept is None:
            first, kept = top, maps
        else:
            kept = np.concatenate([kept, maps], 1)
        below = top + maps.shape[1]
        stop = size[0] if below == seen[0] else max(start, int((below - 1) * size[0] / seen[0]) - 1)
        if stop <= start:
            continue
        begin, down = table_of((start, stop), seen[0], size[0], up=None, is_stepped=0 in stepped)
        part = kept[:, begin - first : begin - first + down.shape[1]]
        valid = ~np.isnan(part)
        yield start, contracted(np.where(valid, part, 0), None if valid.all() else valid, [down, *along])
        start = stop
        needed = first_row(start, size[0], seen[0])
        kept, first = kept[:, max(0, needed - first) :], max(first, needed)


def first_row(start: int, size: int, seen: int) -> int:
    """The first row of the resampled image that a row of the image needs."""
    return weights(min(start, size - 1), min(start, size - 1) + 1, seen, size)[0]
