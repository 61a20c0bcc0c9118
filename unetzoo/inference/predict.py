"""Predict the classes of an image, or a volume, of any size."""

from collections.abc import Iterator, Sequence
from math import lcm
from typing import Any

import numpy as np

from unetzoo.checks import check_whole
from unetzoo.data.formats.array import raster_of
from unetzoo.data.formats.view import View
from unetzoo.errors import ShapeError
from unetzoo.inference.batches import read_batches
from unetzoo.inference.blend import Blend
from unetzoo.inference.choices import Uncertainty, check_mirrors, check_tiling
from unetzoo.inference.forward import (
    Network,
    Probabilities,
    check_network,
    encoder_of,
    explain_out_of_memory,
    mean_probabilities,
)
from unetzoo.inference.normalize import Normalize, normalizations_of
from unetzoo.inference.tiles import default_tile, plan_tiles
from unetzoo.inference.uncertainty import Uncertainties, check_uncertainty, uncertainty_of
from unetzoo.layers.axes import AXES
from unetzoo.nn.config import ModelConfig
from unetzoo.nn.ensemble import Ensemble, Member, members_of
from unetzoo.nn.misfit import need_images
from unetzoo.nn.wrapped import network_of
from unetzoo.registry.objects import network_maps

_UNIT = 32  # pixels of images; a multiple of the largest stride of nearly all encoders
_OVERLAP = 128


def predict(
    model: Network,
    image: Any,  # noqa: ANN401 - whatever can be sliced
    *,
    tile: int | None = None,
    overlap: int | None = None,
    batch: int = 1,
    mirrors: int = 1,
) -> Probabilities:
    """The probability of each class at each pixel.

    An image of more than `tile` x `tile` pixels is cut into tiles, whose predictions are blended, so that the network
    never sees more than `batch` of them at once. The image is normalized as `model.config.info` says: from
    `value_range` to 0 to 1, minus `mean`, divided by `std`; without a value range, whole numbers are divided by the
    largest of their dtype. An image of another type than the training images (`image_dtypes`) is rescaled first, for
    example from 0 to 1 to 0 to 255; a `DataWarning` says where its values still differ from those of the training.

    Pixels without data have no result: those that are NaN, masked (`numpy.ma`) or one of `nodata` in each channel. The
    network sees the training mean there, as in a single channel without data.

    A network created with `padding="valid"` sees each tile with its mirror images around it, as in the paper.

    A network over three axes takes volumes (d, h, w) or (d, h, w, c), as they are: `predict_volume` takes them with
    their grid. Its tiles are blocks, by default of as many voxels as 128 x 128 x 128, of which neighbors share a
    quarter or more; `mirrors` are 1, 2 or 8, those along each axis and their combinations; the result is
    (classes, d, h, w).

    Args:
        model: a network of `create`, `load`, `pull` or `optimize`, in evaluation mode; it may be compiled or parallel;
            or an `Ensemble`, whose networks' results are averaged.
        image: (h, w) or (h, w, c), any h and w >= 1: a numpy array, a memory map, a Zarr array or the like.
        tile: the network sees at most about `tile` x `tile` pixels at once, at least 128 x 128. The tile may be up to
            twice as wide or high as that, whichever is the least work. Lower it if memory runs out. None: 2048, and
            1280 for an image of more than 2^27 pixels, whose rows of tiles need memory of their own.
        overlap: pixels that neighboring tiles share, less than half of `tile`, rounded up to a multiple of 64 (or of
            twice the encoder's largest stride). With four times the context that a pixel needs, tiles give the result
            of the whole image. None: 128, and a quarter of `tile` for tiles of less than 512 pixels.
        batch: tiles that the network sees at once.
        mirrors: average over so many symmetries of the square, for as many times the work: 1; 2 (the image and its
            mirror image, left-right, for data with an up); 4 (also upside down, and both); or 8 (these and their
            quarter turns, for data without an up).

    Returns:
        (classes, h, w), each from 0 to 1: the softmax for several classes that exclude one another, the sigmoid for a
        single one and for classes that may overlap, of logits that are divided by the temperature in
        `model.config.postprocessing`, if it has one. A network of objects gives its maps after activation, see
        `predict_objects`. NaN where the image has no data.

    Raises:
        ShapeError: the image has other axes, or another number of channels than the network.
        OptionError: an option is out of its range, the model is in training mode, or the image holds infinity.
        OutOfMemoryError: the memory does not suffice for `tile` or `batch`.
    """
    config = network_of(model).config
    result = np.empty((config.classes, *_size(image, config)), dtype=np.float32)
    for _ in rows_of(model, image, tile=tile, overlap=overlap, batch=batch, mirrors=mirrors, out=result):
        pass
    return result


def predict_rows(
    model: Network,
    image: Any,  # noqa: ANN401 - as in `predict`
    *,
    tile: int | None = None,
    overlap: int | None = None,
    batch: int = 1,
    mirrors: int = 1,
    start: int = 0,
) -> Iterator[tuple[int, Probabilities]]:
    """Like `predict`, but from top to bottom, as soon as rows are finished: for images larger than the memory.

    The next tiles are read while the network works.

    Args:
        model: as in `predict`.
        image: (h, w) or (h, w, c).
        tile: about `tile` x `tile` pixels are seen at once; None: as in `predict`.
        overlap: pixels that neighboring tiles share; None: as in `predict`.
        batch: tiles at once.
        mirrors: average over so many symmetries.
        start: number of rows, from the top, that are finished from an earlier call. The prediction continues with the
            last row of tiles that they complete, and gives the very same numbers; the first result may begin above
            `start`.

    Yields:
        The number of the first row, and the probabilities (classes, rows, w) of it and those below it.
    """
    yield from rows_of(model, image, tile=tile, overlap=overlap, batch=batch, mirrors=mirrors, start=start)


def predict_uncertainty(
    model: Network,
    image: Any,  # noqa: ANN401 - as in `predict`
    *,
    kind: Uncertainty = "entropy",
    tile: int | None = None,
    overlap: int | None = None,
    batch: int = 1,
    mirrors: int = 1,
) -> Uncertainties:
    """How unsure a network is of the class of each pixel, from 0 (sure) to 1.

    Args:
        model: as in `predict`. Of a network of objects it is the uncertainty of the maps that are probabilities, such
            as that of the foreground.
        image: (h, w) or (h, w, c).
        kind: `"entropy"`: that of the probabilities of `predict` (Shannon 1948), divided by the logarithm of the number
            of classes; a single logit has two classes. Of classes that may overlap it is the mean of their entropies,
            each divided by log 2. `"disagreement"`: what that entropy has beyond the mean entropy of the predictions
            that are averaged, over the networks of an `Ensemble` and over mirror images: their mutual information with
            the class (Houlsby et al. 2011, arXiv:1112.5745, equation 2). It is 0 where all say the same, however unsure
            they are.
        tile: as in `predict`.
        overlap: as in `predict`.
        batch: as in `predict`.
        mirrors: as in `predict`.

    Returns:
        (h, w), NaN where the image has no data.

    Raises:
        ShapeError, OutOfMemoryError: as `predict`.
        OptionError: as `predict`; a coding of objects without probabilities; the disagreement of a single prediction.
    """
    config = network_of(model).config
    need_images(config, "a map of uncertainty")
    check_uncertainty(kind, model, check_mirrors(mirrors))
    result = np.empty(_size(image, config), dtype=np.float32)
    parts = rows_of(
        model, image, tile=tile, overlap=overlap, batch=batch, mirrors=mirrors, entropies=kind == "disagreement"
    )
    for top, rows in parts:
        result[top : top + rows.shape[1]] = uncertainty_of(rows, config, kind)
    return result


def rows_of(
    model: Network,
    image: Any,  # noqa: ANN401 - as in `predict`
    *,
    tile: int | None,
    overlap: int | None,
    batch: int,
    mirrors: int,
    start: int = 0,
    normalizations: Sequence[Normalize] = (),
    entropies: bool = False,
    out: Probabilities | None = None,
) -> Iterator[tuple[int, Probabilities]]:
    """The results of `predict_rows`; with `out` (classes, h, w) they are written there, and nothing is yielded.

    Of a volume (d, h, w, c) they are those of its slices, (classes, slices, h, w).
    `normalizations` bring values to those of the training of each network; empty: as `predict` says. With `entropies`
    the mean entropy of the predictions that are averaged is one more channel.
    """
    network, start = network_of(model), check_whole("start", start, 0)
    shape, image = _size(image, network.config), _with_channels(image, network.config)
    mirrors = check_mirrors(mirrors, axes=len(shape))
    tile, overlap, batch = check_tiling(default_tile(shape) if tile is None else tile, overlap, batch, axes=len(shape))
    check_network(network)
    axes = plan_tiles(shape, tile, min(_OVERLAP, tile // 4) if overlap is None else overlap, _unit(network))
    down = axes[0]
    complete = sum(down.finished(row) <= start for row in range(down.count))
    if complete == down.count:
        return
    rows = range(max(complete - 1, 0), down.count)  # the last complete one reaches into the next
    channels = network.config.classes + entropies
    blend = Blend(channels, axes, top=down.finished(complete - 1) if complete else 0, out=out)
    maps = network_maps(network.config)
    normalizations = normalizations or normalizations_of(image, network)
    for row, batches in zip(rows, read_batches(image, axes, rows, batch, normalizations), strict=True):
        for tiles in batches:
            with explain_out_of_memory(tiles.views[0], tile):
                probabilities = mean_probabilities(model, tiles.views, mirrors=mirrors, maps=maps, entropies=entropies)
            for place, part, has_data in zip(tiles.places, probabilities, tiles.has_data, strict=True):
                if has_data is not None:
                    part[:, ~has_data] = np.nan
                blend.add(place, part)
            del tiles, probabilities, part  # or they would keep apart the memory that the network is about to reuse
        yield from blend.finish(row)


def _unit(network: Member | Ensemble) -> tuple[int, ...]:
    """Along each axis, a multiple of the largest stride of each encoder."""
    strides = [encoder_of(member).features.axis_reductions[-1] for member in members_of(network)]
    least = _UNIT if len(strides[0]) == 2 else 2  # of volumes, too few voxels for more overlap than is needed
    return tuple(lcm(least, *along) for along in zip(*strides, strict=True))


def _size(image: Any, config: ModelConfig) -> tuple[int, ...]:  # noqa: ANN401 - as in `predict`
    shape, channels, axes = tuple(getattr(image, "shape", ())), config.in_channels, config.spatial_dims
    seen = shape[axes] if len(shape) == axes + 1 else 1
    if len(shape) not in (axes, axes + 1) or seen != channels or min(shape, default=0) < 1:
        sides, kind = AXES[axes].sizes, "images" if axes == 2 else "volumes"
        expected = f"({sides}) or ({sides}, 1)" if channels == 1 else f"({sides}, {channels})"
        raise ShapeError(f"this network takes {kind} {expected}, got {shape or type(image).__name__}")
    return shape[:axes]


def _with_channels(image: Any, config: ModelConfig) -> Any:  # noqa: ANN401 - as in `predict`
    """A volume (d, h, w, c); an image as it is."""
    if len(image.shape) != 3 or config.spatial_dims == 2:
        return image
    return image[..., None] if isinstance(image, np.ndarray) else View(raster_of(image), "the volume")
