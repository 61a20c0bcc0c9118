"""Predict the classes of an image of any size."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from math import lcm
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unetzoo._utils.memory import is_out_of_memory
from unetzoo.checks import check_count, check_whole, whole
from unetzoo.data.formats.nodata import with_data
from unetzoo.errors import OptionError, OutOfMemoryError, ShapeError
from unetzoo.inference.ahead import one_ahead
from unetzoo.inference.blend import Blend, Probabilities
from unetzoo.inference.normalize import Normalize, normalization_of
from unetzoo.inference.tiles import Axis, default_tile, plan_tiles, read_mirrored
from unetzoo.layers.valid import mirrored
from unetzoo.nn.optimized import OptimizedSegmenter
from unetzoo.nn.segmenter import Encoder, Segmenter
from unetzoo.nn.wrapped import network_of

Network = Segmenter | OptimizedSegmenter
_UNIT = 32  # of nearly all encoders it is a multiple of the deepest reduction
_SMALLEST, _OVERLAP = 128, 128
_AT_ONCE = 64  # rows: what is made of them needs memory, too
_FLIPS = ((2,), (3,), (2, 3))


def predict(
    model: Network,
    image: Any,  # noqa: ANN401 - whatever can be sliced
    *,
    tile: int | None = None,
    overlap: int | None = None,
    batch: int = 1,
    flips: bool = False,
) -> Probabilities:
    """The probability of each class at each pixel.

    An image of more than `tile` x `tile` pixels is cut into tiles, whose predictions are blended, so that the network
    never sees more than `batch` of them at once. The image is normalized as `model.config.info` says: from
    `value_range` to 0 to 1, minus `mean`, divided by `std`; where it says nothing, whole numbers are divided by the
    largest of their dtype. An image of another type than those of the training (`image_dtypes`) is brought to their
    scale first, such as one of 0 to 1 to 0 to 255; a `DataWarning` says where it is unlike them all the same.

    Pixels without data have no result: those that are NaN, masked (`numpy.ma`) or one of `nodata` in each channel. The
    network sees the mean of the training there, as in a channel that alone is without data.

    A network created with `padding="valid"` sees each tile with its mirror images around it, as in the paper.

    Args:
        model: a network of `create`, `load`, `pull` or `optimize`, in evaluation mode; it may be compiled or parallel.
        image: (h, w) or (h, w, c), any h and w >= 1: a numpy array, a memory map, a Zarr array or the like.
        tile: the network sees at most about `tile` x `tile` pixels at once, at least 128 x 128: a part of the image
            that may be twice as wide or high as `tile`, whatever is least work. Lower it where memory runs out. None:
            2048, and 1280 of an image of more than 2^27 pixels, whose rows of tiles need memory of their own.
        overlap: of neighbouring tiles, in pixels, less than half of `tile`, and rounded up to a multiple of 64 (or of
            twice the deepest reduction of the encoder); four times the context that a pixel needs makes tiles equal to
            the whole image. None: 128, and of tiles of less than 512 pixels a quarter of `tile`.
        batch: tiles that the network sees at once.
        flips: average over the image and its mirror images (left-right, upside down, both), for four times the work.

    Returns:
        (classes, h, w), each from 0 to 1: of several classes the softmax, of a single one the sigmoid. NaN where the
        image has no data.

    Raises:
        ShapeError: the image has other axes, or another number of channels than the network.
        OptionError: for an option outside its values, a model in training mode, or an image with infinity.
        OutOfMemoryError: the memory does not suffice for `tile` or `batch`.
    """
    config = network_of(model).config
    height, width = _size(image, config.in_channels)
    found = np.empty((config.classes, height, width), dtype=np.float32)
    for _ in _finished_rows(model, image, tile, overlap, batch, flips=flips, whole=found):
        pass
    return found


def predict_rows(
    model: Network,
    image: Any,  # noqa: ANN401 - as in `predict`
    *,
    tile: int | None = None,
    overlap: int | None = None,
    batch: int = 1,
    flips: bool = False,
    start: int = 0,
) -> Iterator[tuple[int, Probabilities]]:
    """As `predict`, but from top to bottom, as soon as rows are finished: for images larger than the memory.

    The next tiles are read while the network works.

    Args:
        model: as in `predict`, as all but `start`.
        image: (h, w) or (h, w, c).
        tile: about `tile` x `tile` pixels are seen at once; None: as in `predict`.
        overlap: of neighbouring tiles, in pixels; None: as in `predict`.
        batch: tiles at once.
        flips: average over mirror images.
        start: how many rows, from the top, are known from an earlier call; it goes on from the last row of tiles that
            they complete, and gives the very same numbers. The first result may begin above `start`.

    Yields:
        The number of the first row, and the probabilities (classes, rows, w) of it and those below it.
    """
    yield from rows_of(model, image, tile=tile, overlap=overlap, batch=batch, flips=flips, start=start)


def rows_of(
    model: Network,
    image: Any,  # noqa: ANN401 - as in `predict`
    *,
    tile: int | None,
    overlap: int | None,
    batch: int,
    flips: bool,
    start: int,
    normalize: Normalize | None = None,
) -> Iterator[tuple[int, Probabilities]]:
    """What `predict_rows` gives; `normalize` is how values become those of the training, None: as `predict` says."""
    finished = _finished_rows(model, image, tile, overlap, batch, flips=flips, start=start, normalize=normalize)
    for top, rows in finished:
        for first in range(0, rows.shape[1], _AT_ONCE):
            yield top + first, rows[:, first : first + _AT_ONCE].copy()


def _finished_rows(
    model: Network,
    image: Any,  # noqa: ANN401 - as in `predict`
    tile: int | None,
    overlap: int | None,
    batch: int,
    *,
    flips: bool,
    start: int = 0,
    whole: Probabilities | None = None,
    normalize: Normalize | None = None,
) -> Iterator[tuple[int, Probabilities]]:
    """All that each row of tiles finishes: a part of `whole`, or what an array holds until the next is asked for."""
    network, start = network_of(model), check_whole("start", start, 0)
    shape = _size(image, network.config.in_channels)
    tile, overlap, batch = check_tiling(default_tile(shape) if tile is None else tile, overlap, batch)
    _check_model(network)
    unit = lcm(_UNIT, _encoder(network).features.reductions[-1])
    down, right = plan_tiles(shape, tile, min(_OVERLAP, tile // 4) if overlap is None else overlap, unit)
    known = sum(down.finished(index) <= start for index in range(down.count))
    if known == down.count:
        return
    top = down.finished(known - 1) if known else 0
    blend = Blend(network.config.classes, down, right, top=top, whole=whole)
    run = _runner(model, tile, flips=flips)
    rows_of_tiles = range(max(known - 1, 0), down.count)  # the last known one reaches into the next
    columns_at_once = _columns_at_once(right, batch)
    normalize = normalize or normalization_of(image, network.config.info)
    batches = one_ahead(_batches(image, down, right, rows_of_tiles, columns_at_once, normalize))
    for index in rows_of_tiles:
        for columns, tiles, data in islice(batches, len(columns_at_once)):
            found = run(tiles)
            for position, column in enumerate(columns):
                if (has_data := data[position]) is not None:
                    found[position][:, ~has_data] = np.nan
                blend.add(index, column, found[position])
            del tiles, found  # what lies between freed maps when the network runs again keeps their memory apart
        if blend.finish(index).shape[1]:
            yield blend.top, blend.finish(index)
        blend.forget(index)


def _columns_at_once(right: Axis, batch: int) -> list[range]:
    """Tiles of a row that the network sees together; the last one by itself, where it is smaller."""
    first, beyond = right.span(right.count - 1)
    alike = right.count - (beyond - first < right.size)
    ranges = [range(first, min(first + batch, alike)) for first in range(0, alike, batch)]
    return ranges if alike == right.count else [*ranges, range(alike, right.count)]


def _batches(
    image: Any,  # noqa: ANN401 - as in `predict`
    down: Axis,
    right: Axis,
    rows_of_tiles: Iterable[int],
    columns_at_once: list[range],
    normalize: Normalize,
) -> Iterator[tuple[range, Tensor, list[NDArray[np.bool_] | None]]]:
    """The tiles (b, c, h, w) of each row, batch by batch: their columns, and where (h, w) each has data."""
    for index in rows_of_tiles:
        for columns in columns_at_once:
            blocks = [read_mirrored(image, down.span(index), right.span(column)) for column in columns]
            tiles = [normalize(block) for block in blocks]
            data = [with_data(block, normalize.info.nodata) for block in blocks]
            yield columns, torch.from_numpy(tiles[0][None] if len(tiles) == 1 else np.stack(tiles)), data


def _runner(model: Network, tile: int, *, flips: bool) -> Callable[[Tensor], Probabilities]:
    """What gives the probabilities (b, classes, h, w) of images (b, c, h, w)."""
    stored = next(chain(model.parameters(), model.buffers()))
    network = network_of(model)
    encoder = _encoder(network)
    valid_padding, reduction = encoder.valid_padding, encoder.features.reductions[-1]
    dtype = network.dtype if isinstance(network, OptimizedSegmenter) else stored.dtype

    def probabilities(images: Tensor) -> Tensor:
        height, width = images.shape[2:]
        logits: Tensor = model(mirrored(images, reduction) if valid_padding else images)
        logits = logits[..., :height, :width].float()
        return logits.softmax(1) if logits.shape[1] > 1 else logits.sigmoid()

    @torch.no_grad()
    def run(images: Tensor) -> Probabilities:
        with _explained_memory(images, tile):
            images = images.to(stored.device, dtype)
            found = probabilities(images)
            if flips:
                for axes in _FLIPS:
                    found += probabilities(images.flip(axes)).flip(axes)
                found /= 1 + len(_FLIPS)
            kept: Probabilities = found.cpu().numpy()
        return kept

    return run


@contextmanager
def _explained_memory(images: Tensor, tile: int) -> Iterator[None]:
    """Turn running out of memory into what to lower."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        together, _, height, width = images.shape
        lower = f"batch from {together} to {together // 2}" if together > 1 else f"tile from {tile} to {tile // 2}"
        seen = f"{together} x {height} x {width} pixels"
        raise OutOfMemoryError(f"out of memory with {seen} at once: lower {lower}") from error


def _encoder(network: Network) -> Encoder:
    return (network.network if isinstance(network, OptimizedSegmenter) else network).encoder


def _size(image: Any, channels: int) -> tuple[int, int]:  # noqa: ANN401 - as in `predict`
    shape = tuple(getattr(image, "shape", ()))
    found = shape[2] if len(shape) == 3 else 1
    if len(shape) not in (2, 3) or found != channels or min(shape, default=0) < 1:
        wanted = "(h, w) or (h, w, 1)" if channels == 1 else f"(h, w, {channels})"
        raise ShapeError(f"this network takes images {wanted}, got {shape or type(image).__name__}")
    return shape[0], shape[1]


def check_tiling(tile: int, overlap: int | None, batch: int) -> tuple[int, int | None, int]:
    """These as Python's own numbers; OptionError for values that `predict` does not take."""
    batch = check_count("batch", batch)
    side = check_count("tile", tile)
    if side < _SMALLEST:
        raise OptionError(f"tile must be at least {_SMALLEST} pixels, got {side}")
    rim = None if overlap is None else whole(overlap)
    if overlap is not None and (rim is None or not 0 <= rim < side / 2):
        raise OptionError(f"overlap must be a whole number from 0 to less than half of tile={side}, got {overlap!r}")
    return side, rim, batch


def _check_model(model: Network) -> None:
    channels = model.config.in_channels
    for name in ("mean", "std"):
        if len(getattr(model.config.info, name)) not in (0, 1, channels):
            raise OptionError(f"the network's {name} must be one number for each of its {channels} channels")
    if isinstance(model, Segmenter) and model.training:
        raise OptionError("the network is in training mode; call model.eval() first")
