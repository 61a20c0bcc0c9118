"""Read and normalize the tiles of an image, a batch ahead of the network."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, product
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
        places: of each, its number along each axis.
        views: (b, c, h, w), of volumes (b, c, d, h, w), normalized for each network that sees them.
        has_data: for each, where (h, w) it has data; None: everywhere.
    """

    places: list[tuple[int, ...]]
    views: tuple[Tensor, ...]
    has_data: list[NDArray[np.bool_] | None]


def _columns(right: Axis, batch: int) -> list[range]:
    """The tiles of a row in batches; the last tile by itself if it is smaller."""
    first, beyond = right.span(right.count - 1)
    alike = right.count - (beyond - first < right.size)
    groups = [range(first, min(first + batch, alike)) for first in range(0, alike, batch)]
    return groups if alike == right.count else [*groups, range(alike, right.count)]


def read_batches(
    image: Any,  # noqa: ANN401 - whatever can be sliced
    axes: Sequence[Axis],
    rows: Iterable[int],
    batch: int,
    normalizations: Sequence[Normalize],
) -> Iterator[Iterator[Batch]]:
    """The batches of each of these rows of tiles along the first axis; each is read while the one before is used."""
    between = list(product(*(range(axis.count) for axis in axes[1:-1])))
    groups = [[(*place, column) for column in columns] for place in between for columns in _columns(axes[-1], batch)]
    batches = one_ahead(
        _read(image, axes, [(row, *place) for place in group], normalizations) for row in rows for group in groups
    )
    return (islice(batches, len(groups)) for _ in rows)


def _read(
    image: Any,  # noqa: ANN401 - as above
    axes: Sequence[Axis],
    places: list[tuple[int, ...]],
    normalizations: Sequence[Normalize],
) -> Batch:
    spans = ([axis.span(number) for axis, number in zip(axes, place, strict=True)] for place in places)
    blocks = [read_mirrored(image, *each) for each in spans]
    has_data = [with_data(block, normalizations[0].info.nodata) for block in blocks]
    return Batch(places, tuple(_view(blocks, normalize) for normalize in normalizations), has_data)


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
