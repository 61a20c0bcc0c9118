"""Predict the classes of an image of any size."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unetzoo.checks import check_count
from unetzoo.errors import OptionError, ShapeError
from unetzoo.inference.ahead import one_ahead
from unetzoo.inference.optimize import OptimizedSegmenter
from unetzoo.inference.tiles import Axis, plan_axis, read_mirrored
from unetzoo.info import ModelInfo
from unetzoo.layers.valid import mirrored
from unetzoo.model import Segmenter

Network = Segmenter | OptimizedSegmenter
Probabilities = NDArray[np.float32]
_UNIT = 32  # the deepest reduction of nearly all encoders
_SMALLEST = 128
_FLIPS = ((2,), (3,), (2, 3))


def predict(
    model: Network,
    image: Any,  # noqa: ANN401 - whatever can be sliced
    *,
    tile: int = 1024,
    overlap: int = 128,
    batch: int = 1,
    flips: bool = False,
) -> Probabilities:
    """The probability of each class at each pixel.

    An image that is larger than a tile is cut into tiles, whose predictions are blended, so that the network never sees
    more than `batch` of them at once. The image is normalised as `model.config.info` says: from `value_range` to 0 to
    1, minus `mean`, divided by `std`; where it says nothing, whole numbers are divided by the largest of their dtype.

    A network created with `padding="valid"` sees each tile with its mirror images around it, as in the paper.

    Args:
        model: a network of `create`, `load`, `pull` or `optimize`, in evaluation mode.
        image: (h, w) or (h, w, c), any h and w >= 1: a numpy array, a memory map, a Zarr array or the like.
        tile: about the longest side in pixels that the network sees at once, at least 128.
        overlap: of neighbouring tiles, in pixels, less than half of `tile`, and rounded up to a multiple of 64; four
            times the context that a pixel needs makes tiles equal to the whole image.
        batch: tiles that the network sees at once.
        flips: average over the image and its mirror images (left-right, upside down, both), for four times the work.

    Returns:
        (classes, h, w), each from 0 to 1: of several classes the softmax, of a single one the sigmoid.

    Raises:
        ShapeError: the image has other axes, or another number of channels than the network.
        OptionError: for an option outside its values, a model in training mode, or an image with NaN or infinity.
    """
    height, width = _size(image, model.config.in_channels)
    found = np.empty((model.config.classes, height, width), dtype=np.float32)
    for top, rows in predict_rows(model, image, tile=tile, overlap=overlap, batch=batch, flips=flips):
        found[:, top : top + rows.shape[1]] = rows
    return found


def predict_rows(
    model: Network,
    image: Any,  # noqa: ANN401 - as in `predict`
    *,
    tile: int = 1024,
    overlap: int = 128,
    batch: int = 1,
    flips: bool = False,
    start: int = 0,
) -> Iterator[tuple[int, Probabilities]]:
    """As `predict`, but from top to bottom, as soon as rows are finished: for images larger than the memory.

    The next tiles are read while the network works.

    Args:
        model: as in `predict`, as all but `start`.
        image: (h, w) or (h, w, c).
        tile: about the longest side of what the network sees at once, in pixels.
        overlap: of neighbouring tiles, in pixels.
        batch: tiles at once.
        flips: average over mirror images.
        start: how many rows, from the top, are known from an earlier call; it goes on from the last row of tiles that
            they complete, and gives the very same numbers. The first result may begin above `start`.

    Yields:
        The number of the first row, and the probabilities (classes, rows, w) of it and those below it.
    """
    height, width = _size(image, model.config.in_channels)
    _check_options(model, tile, overlap, batch)
    down, right = (plan_axis(length, tile, overlap, _UNIT) for length in (height, width))
    known = sum(down.finished(index) <= start for index in range(down.count))
    if known == down.count:
        return
    top = down.finished(known - 1) if known else 0
    run = _runner(model, flips=flips)
    rows_of_tiles = range(max(known - 1, 0), down.count)  # the last known one reaches into the next
    batches = one_ahead(_batches(image, down, right, rows_of_tiles, batch, model.config.info))
    pending = np.zeros((model.config.classes, _most_pending(down), width), dtype=np.float32)
    for index in rows_of_tiles:
        weights, (tile_rows, image_rows) = down.weights(index)[:, None], _inside(down.spans[index], top, height)
        for columns, tiles in islice(batches, -(-right.count // batch)):
            for column, probabilities in zip(columns, run(tiles), strict=True):
                tile_columns, image_columns = _inside(right.spans[column], 0, width)
                probabilities *= weights * right.weights(column)
                pending[:, image_rows, image_columns] += probabilities[:, tile_rows, tile_columns]
        finished = down.finished(index) - top
        if finished:
            yield top, pending[:, :finished].copy()
            top += finished
            pending[:, :-finished] = pending[:, finished:]
            pending[:, -finished:] = 0


def _most_pending(down: Axis) -> int:
    """The most rows that tiles reach beyond those that are finished."""
    tops = [0, *(down.finished(index) for index in range(down.count))]
    return max(min(last, down.length) - top for top, (_, last) in zip(tops, down.spans, strict=False))


def _inside(span: tuple[int, int], top: int, length: int) -> tuple[slice, slice]:
    """Which part of a tile lies between `top` and the end of the image, and where that is, counted from `top`."""
    first, last = max(span[0], top), min(span[1], length)
    return slice(first - span[0], last - span[0]), slice(first - top, last - top)


def _batches(
    image: Any,  # noqa: ANN401 - as in `predict`
    down: Axis,
    right: Axis,
    rows_of_tiles: Iterable[int],
    batch: int,
    info: ModelInfo,
) -> Iterator[tuple[list[int], Tensor]]:
    """The tiles (b, c, size, size) of each row, batch by batch, with their columns."""
    for index in rows_of_tiles:
        for first in range(0, right.count, batch):
            columns = list(range(first, min(first + batch, right.count)))
            spans = [right.spans[column] for column in columns]
            tiles = [_normalised(read_mirrored(image, down.spans[index], span), info) for span in spans]
            yield columns, torch.from_numpy(np.stack(tiles))


def _runner(model: Network, *, flips: bool) -> Callable[[Tensor], Probabilities]:
    """What gives the probabilities (b, classes, h, w) of images (b, c, h, w)."""
    stored = next(chain(model.parameters(), model.buffers()))
    encoder = (model.network if isinstance(model, OptimizedSegmenter) else model).encoder
    shrinks, reduction = encoder.shrinks, encoder.features.reductions[-1]
    dtype = model.dtype if isinstance(model, OptimizedSegmenter) else stored.dtype

    def probabilities(images: Tensor) -> Tensor:
        height, width = images.shape[2:]
        logits: Tensor = model(mirrored(images, reduction) if shrinks else images)
        logits = logits[..., :height, :width].float()
        return logits.softmax(1) if logits.shape[1] > 1 else logits.sigmoid()

    @torch.no_grad()
    def run(images: Tensor) -> Probabilities:
        images = images.to(stored.device, dtype)
        found = probabilities(images)
        if flips:
            for axes in _FLIPS:
                found += probabilities(images.flip(axes)).flip(axes)
            found /= 1 + len(_FLIPS)
        kept: Probabilities = found.cpu().numpy()
        return kept

    return run


def _normalised(block: NDArray[Any], info: ModelInfo) -> Probabilities:
    """A block (h, w) or (h, w, c) as the network was trained on it, (c, h, w)."""
    values: NDArray[Any] = (block if block.ndim == 3 else block[..., None]).astype(np.float32)
    if not np.isfinite(values).all():
        raise OptionError("the image holds NaN or infinity; replace them, for instance by numpy.nan_to_num")
    if info.value_range:
        low, high = info.value_range
        values = (values - low) / (high - low)
    elif block.dtype.kind in "ui":
        values = values / np.iinfo(block.dtype).max
    values = (values - np.asarray(info.mean or 0, np.float32)) / np.asarray(info.std or 1, np.float32)
    return np.ascontiguousarray(values.transpose(2, 0, 1), dtype=np.float32)


def _size(image: Any, channels: int) -> tuple[int, int]:  # noqa: ANN401 - as in `predict`
    shape = tuple(getattr(image, "shape", ()))
    found = shape[2] if len(shape) == 3 else 1
    if len(shape) not in (2, 3) or found != channels or min(shape, default=0) < 1:
        wanted = "(h, w) or (h, w, 1)" if channels == 1 else f"(h, w, {channels})"
        raise ShapeError(f"this network takes images {wanted}, got {shape or type(image).__name__}")
    return shape[0], shape[1]


def _check_options(model: Network, tile: int, overlap: int, batch: int) -> None:
    check_count("batch", batch)
    check_count("tile", tile)
    if tile < _SMALLEST:
        raise OptionError(f"tile must be at least {_SMALLEST} pixels, got {tile}")
    if not isinstance(overlap, int) or not 0 <= overlap < tile / 2:
        raise OptionError(f"overlap must be a whole number from 0 to less than half of tile={tile}, got {overlap!r}")
    channels = model.config.in_channels
    for name in ("mean", "std"):
        if len(getattr(model.config.info, name)) not in (0, 1, channels):
            raise OptionError(f"the network's {name} must be one number for each of its {channels} channels")
    if isinstance(model, Segmenter) and model.training:
        raise OptionError("the network is in training mode; call model.eval() first")
