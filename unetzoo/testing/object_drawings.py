"""Images of objects on which codings are tried."""

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
_CELL = 30  # pixels
_ELLIPSES = ((9.2, 6.3, 0.4), (7.7, 7.7, 0.0), (10.4, 5.8, 1.1), (8.6, 7.1, 2.2), (6.9, 9.9, 2.8))  # axes, angle


def convex_objects(tiles: int = 1) -> Ids:
    """25 ellipses for each tile and direction that do not touch; the border cuts the outermost ones."""
    count = 5 * tiles
    ids = np.zeros((count * _CELL - 15, count * _CELL - 18), np.int64)
    rows, columns = np.indices(ids.shape)
    for number in range(count**2):
        row, column = (index * _CELL + 3 + 2 * (number % 3) for index in divmod(number, count))
        long, short, angle = _ELLIPSES[number % 5]
        along = (rows - row) * np.cos(angle) + (columns - column) * np.sin(angle)
        across = (columns - column) * np.cos(angle) - (rows - row) * np.sin(angle)
        ids[(along / long) ** 2 + (across / short) ** 2 <= 1] = number + 1
    return ids


def nested_rings() -> Ids:
    """A ring, and one around a disc."""
    rows, columns = np.indices((60, 110))
    ids = np.zeros(rows.shape, np.int64)
    for number, (column, inner, outer) in enumerate(((27, 9, 20), (80, 14, 25), (80, 0, 9)), start=1):
        radius = np.hypot(rows - 29.3, columns - column)
        ids[(radius >= inner) & (radius <= outer)] = number
    return ids


def touching_rectangles(rows: int = 3) -> Ids:
    """Rows of rectangles of 12 x 12 and 12 x 24 pixels that touch, and 12 rows of background."""
    widths = np.array([12, 24] * rows)
    line = np.repeat(np.arange(1, len(widths) + 1), widths)
    bands = [np.roll(line, 7 * index) + len(widths) * index for index in range(rows)]
    for band in bands:
        band[: int((band == band[0]).argmin())] = 0  # cut in two by the move: their parts are not one object
        band[len(band) - int((band == band[-1])[::-1].argmin()) :] = 0
    return _numbered(np.repeat(np.stack([*bands, np.zeros_like(line)]), 12, axis=0))


def squares_of(pixels: int) -> Ids:
    """Squares of at least so many pixels, with three pixels of background around each."""
    side = int(np.ceil(pixels**0.5))
    square = np.pad(np.ones((side, side), np.int64), 3)
    return np.kron(np.arange(1, 17).reshape(4, 4), square)


def grid_of_squares(count: int, side: int) -> Ids:
    """So many squares with a pixel of background between them."""
    columns = int(np.ceil(count**0.5))
    numbers = np.arange(1, columns**2 + 1).reshape(columns, columns)
    square = np.pad(np.ones((side, side), np.int64), (0, 1))
    ids: Ids = np.kron(np.where(numbers <= count, numbers, 0), square)
    return ids


def _numbered(ids: Ids) -> Ids:
    """The same objects, numbered without gaps."""
    return np.unique(ids, return_inverse=True)[1].reshape(ids.shape)
