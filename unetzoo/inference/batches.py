"""Read and normalize the tiles of an image, a batch ahead of the network."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unetzoo.data.formats.nodata import with_data
from unetzoo.inference.normalize import Normalize
from unetzoo.inference.tiles import Axis, read_mirrored

T = TypeVar("T")


@dataclass(frozen=True)
class Batch:
    """Tiles of one row that the network sees at once.

    Attributes:
        columns: their numbers from the left.
        views: (b, c, h, w), normalized for each network that sees them.
        has_data: for each, where (h, w) it has data; None: everywhere.
    """

    columns: range
    views: tuple[Tensor, ...]
    has_data: list[NDArray[np.bool_] | None]


def group_columns(right: Axis, batch: int) -> list[range]:
    """The tiles of a row in batches; the last tile by itself if it is smaller."""
    first, beyond = right.span(right.count - 1)
    alike = right.count - (beyond - first < right.size)
    groups = [range(first, min(first + batch, alike)) for first in range(0, alike, batch)]
    return groups if alike == right.count else [*groups, range(alike, right.count)]


def read_batches(
    image: Any,  # noqa: ANN401 - whatever can be sliced
    down: Axis,
    right: Axis,
    rows: Iterable[int],
    groups: Sequence[range],
    normalizations: Sequence[Normalize],
) -> Iterator[Batch]:
    """The tiles of these rows, batch by batch; each is read while the one before is used."""
    return one_ahead(_read(image, down.span(row), right, columns, normalizations) for row in rows for columns in groups)


def _read(
    image: Any,  # noqa: ANN401 - as above
    rows: tuple[int, int],
    right: Axis,
    columns: range,
    normalizations: Sequence[Normalize],
) -> Batch:
    blocks = [read_mirrored(image, rows, right.span(column)) for column in columns]
    has_data = [with_data(block, normalizations[0].info.nodata) for block in blocks]
    return Batch(columns, tuple(_view(blocks, normalize) for normalize in normalizations), has_data)


def _view(blocks: Sequence[NDArray[Any]], normalize: Normalize) -> Tensor:
    tiles = [normalize(block) for block in blocks]
    return torch.from_numpy(tiles[0][None] if len(tiles) == 1 else np.stack(tiles))


def one_ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items; each is computed in another thread while the one before is used."""
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(_first, items)
        while first := waiting.result():
            waiting = thread.submit(_first, items)
            yield first[0]


def _first(items: Iterator[T]) -> list[T]:
    """The next item; empty at the end."""
    return list(islice(items, 1))
