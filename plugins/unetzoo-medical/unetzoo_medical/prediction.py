"""Volumes through a 2D network, slice by slice."""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import unetzoo
from unetzoo import DataError, DataWarning, OptimizedSegmenter, OptionError, Raster, Segmenter
from unetzoo.data.formats import check_memory, open_raster
from unetzoo_medical.orientation import Slices

Network: TypeAlias = Segmenter | OptimizedSegmenter

_UNKNOWN = 255  # id of a voxel without data
_MOST_CLASSES = 255
_HALF = 0.5


def predict_volume(
    model: Network, raster: Raster, planes: Sequence[int | None] = (None,), *, probabilities: bool = False
) -> NDArray[Any]:
    """The class of each voxel, by a 2D network on the slices of a volume.

    A network with three or five times the channels of the volume sees each slice between its neighbors, as
    `slice_volumes` writes them.

    Args:
        model: of `create`, `load`, `pull` or `optimize`.
        raster: the volume (d, h, w, c).
        planes: numbers of `PLANES` whose slices are predicted, the mean of which counts; None: that across the largest
            step.
        probabilities: give these, not ids.

    Returns:
        Ids (d, h, w) of 8 bits, 255 where there are no data; or probabilities (classes, d, h, w), NaN there.

    Raises:
        DataError: the volume has other channels than the network, or the memory does not suffice.
        OptionError: the network numbers objects, or has more than 255 classes.
    """
    config = model.config
    if config.objects or config.classes > _MOST_CLASSES:
        raise OptionError("volumes are predicted by networks of up to 255 classes, not by those that number objects")
    neighbors, rest = divmod(config.in_channels, raster.shape[3])
    if rest or neighbors % 2 == 0:
        raise DataError(
            f"the volume has {raster.shape[3]} channels, of which a network takes an odd number of slices at once, but "
            f"this one takes {config.in_channels} channels; choose another network or volume"
        )
    views = [Slices(raster, plane, neighbors=neighbors) for plane in planes]
    if len(views) == 1 and not probabilities:
        return _ids_along(model, views[0])
    mean = _mean(model, views)
    return mean if probabilities else _ids(mean)


def predict_volume_file(
    model: Network, path: Path, planes: Sequence[int | None] = (None,), *, probabilities: bool = False
) -> tuple[NDArray[Any], unetzoo.Grid]:
    """As `predict_volume` of a file or a series, with the grid on which the result lies; errors name the file."""
    with open_raster(path) as raster:
        if len(raster.shape) != 4:
            raise DataError(f"{path} is an image, not a volume; predict it by unetzoo predict")
        try:
            return predict_volume(model, raster, planes, probabilities=probabilities), raster.grid
        except (OptionError, DataError, unetzoo.ShapeError) as error:
            text = str(error)
            raise DataError(text if text.startswith(str(path)) else f"{path}: {text}") from error


def names_of_ids(model: Network) -> tuple[str, ...]:
    """The name of each id that a network gives; numbers where its training did not store all."""
    count = max(model.config.classes, len(("background", "foreground")))
    names = tuple(model.config.info.class_names)
    return names if len(names) == count else ("background", *map(str, range(1, count)))


def _ids_along(model: Network, slices: Slices) -> NDArray[Any]:
    """Ids, of which no more than a slice has probabilities at once."""
    ids = np.empty(slices.raster.shape[:3], np.uint8)
    along = np.moveaxis(slices.orientation.turned(ids), slices.plane, 0)
    for number, part in enumerate(_predicted(model, slices)):
        along[number] = _ids(part)
    return ids


def _mean(model: Network, views: Sequence[Slices]) -> NDArray[np.float32]:
    """The mean probabilities (classes, d, h, w) of several views."""
    shape = (model.config.classes, *views[0].raster.shape[:3])
    check_memory("the probabilities of a volume", 2 * 4 * int(np.prod(shape, dtype=object)))
    mean = np.zeros(shape, np.float32)
    for slices in views:
        along = np.moveaxis(slices.orientation.turned(np.moveaxis(mean, 0, 3)), slices.plane, 0)
        for number, part in enumerate(_predicted(model, slices)):
            along[number] += np.moveaxis(part, 0, 2) / len(views)
    return mean


def _predicted(model: Network, slices: Slices) -> Iterator[NDArray[np.float32]]:
    """Probabilities (classes, h, w) of each slice; what is doubtful of several is said once."""
    doubts: list[str] = []
    for number in range(len(slices)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", DataWarning)
            part = unetzoo.predict(model, slices[number])
        doubts += [str(each.message) for each in caught]
        yield part
    if doubts:
        warnings.warn(f"{len(doubts)} of {len(slices)} slices: {doubts[0]}", DataWarning, stacklevel=2)


def _ids(probabilities: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Ids (...) for probabilities (classes, ...)."""
    ids = probabilities[0] > _HALF if len(probabilities) == 1 else probabilities.argmax(0)
    return np.where(np.isnan(probabilities[0]), _UNKNOWN, ids).astype(np.uint8)
