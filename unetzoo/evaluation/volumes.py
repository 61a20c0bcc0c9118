"""Measure a network on volumes: a case is a whole volume, not a slice."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.dataset import Dataset
from unetzoo.data.formats.limits import check_memory
from unetzoo.data.formats.nodata import known_where_data
from unetzoo.data.formats.orientation import orientation_of
from unetzoo.data.formats.slices import Slices, open_volume
from unetzoo.data.sources.samples import CodedDataset, grid_of
from unetzoo.data.sources.source import Finding
from unetzoo.data.sources.volumes import VolumeSource
from unetzoo.evaluation.masks import NO_CLASS, check_fits, object_pairs, predicted_maps, prediction_of
from unetzoo.evaluation.measure import Measurement
from unetzoo.evaluation.objects import tally
from unetzoo.evaluation.shown import presented
from unetzoo.inference.choices import Axes
from unetzoo.inference.forward import Network
from unetzoo.inference.pixel_size import check_size
from unetzoo.inference.slices import SeenVolume, SliceTiling, finish_of
from unetzoo.inference.thresholds import limits_of
from unetzoo.nn.coding import UNKNOWN
from unetzoo.nn.wrapped import network_of


class Volume(NamedTuple):
    """A volume of a data set.

    Attributes:
        file: number of its entry in the source of files.
        slices: the number of each of its slices in the data set.
    """

    file: int
    slices: tuple[int, ...]


def volumes_of(dataset: Dataset) -> list[Volume] | None:
    """The volumes of a data set; None if it has images."""
    source = dataset.source if isinstance(dataset, CodedDataset) else None
    if not isinstance(dataset, CodedDataset) or not isinstance(source, VolumeSource):
        return None
    slices: dict[int, list[int]] = {}
    for place, index in enumerate(dataset.indices):
        slices.setdefault(source.places[index][0], []).append(place)
    return [Volume(file, tuple(places)) for file, places in slices.items()]


def measure_volumes(
    model: Network,
    dataset: Dataset,
    measurement: Measurement,
    tiling: SliceTiling,
    axes: Axes | None,
    *,
    on_volume: Callable[[], None] = lambda: None,
) -> list[Finding]:
    """Add each volume of a data set to a measurement; what is doubtful about the volumes.

    Distances are in the volume's own unit, and in voxels where it states no distances.

    Raises:
        DataError, OptionError, ShapeError: as `evaluate`.
    """
    assert isinstance(dataset, CodedDataset)  # noqa: S101 - it has volumes
    source, doubts = dataset.source, list[Finding]()
    assert isinstance(source, VolumeSource)  # noqa: S101 - as above
    for volume in volumes_of(dataset) or ():
        path, name = source.volumes.files[volume.file].image, source.volumes.entries[volume.file].name
        with open_volume(path) as raster:
            seen = SeenVolume(model, raster, axes, tiling, name=str(path))
            channels = raster.shape[-1] * seen.views[0].count
            check_fits(model, dataset.class_names, channels, labels=dataset.labels, image=name)
            doubts += [Finding(name, f": {doubt}") for doubt in seen.doubts]
            check_memory(name, 2 * 8 * seen.config.classes * math.prod(raster.shape[:3]))
            probabilities = seen.mean_probabilities(np.zeros)
            view = Slices(raster, source.direction)
            predicted = _labels(seen, probabilities)
            truth = _truth(model, dataset, volume, view, predicted.shape)
            orientation = view.orientation
        steps = tuple(orientation.steps[orientation.order.index(axis)] for axis in range(3))
        wrong = view.turned(np.moveaxis(predicted != truth, 0, -1) if predicted.ndim == 4 else predicted != truth)
        worst = int(wrong.reshape(len(wrong), -1).sum(1).argmax())
        measurement.add(
            name,
            predicted,
            truth,
            probabilities=probabilities,
            steps=steps,
            unit=orientation.unit,
            index=volume.slices[worst],
        )
        on_volume()
    return doubts


def measure_cases_whole(
    model: Network,
    dataset: Dataset,
    measurement: Measurement,
    tiling: SliceTiling,
    *,
    on_volume: Callable[[], None] = lambda: None,
) -> list[Finding]:
    """As `measure_volumes`, for a network over three axes and whole volumes, those of files or of Python."""
    config, doubts = network_of(model).config, list[Finding]()
    for index in range(len(dataset)):
        sample, scale, said, _ = presented(dataset, index, config, tiling.resample)
        *space, channels = sample.image.shape
        names, labels = dataset.class_names, dataset.labels
        check_fits(model, names, channels, labels=labels, axes=len(space), image=sample.name)
        doubts += [Finding(sample.name, f": {doubt}") for doubt in said]
        check_memory(sample.name, 2 * 8 * config.classes * math.prod(space))
        check_size(scale, config.classes, sample.name)
        maps = predicted_maps(
            model,
            sample.image,
            name=sample.name,
            tile=tiling.tile,
            overlap=tiling.overlap,
            mirrors=tiling.mirrors,
            scale=scale,
        )
        truth = known_where_data(sample.image, sample.mask, config.info.nodata)
        prediction = prediction_of(maps, config, sample.image.shape[:-1])
        pairs = object_pairs(prediction, truth, dataset, index, measurement.counted)
        orientation = orientation_of(grid_of(dataset, index))
        measurement.add(
            sample.name,
            prediction.ids,
            truth,
            np.stack([tally(*pair) for pair in pairs]) if pairs else None,
            None if config.objects else maps,
            steps=orientation.steps,
            unit=orientation.unit,
            index=index,
        )
        on_volume()
    return doubts


def _labels(seen: SeenVolume, probabilities: NDArray[Any]) -> NDArray[np.int64]:
    """Class ids (d, h, w), or planes (classes, d, h, w) of 0 and 1."""
    config, has_planes = seen.config, seen.config.labels == "overlapping"
    labels = np.zeros(probabilities.shape if has_planes else probabilities.shape[1:], np.int64)
    seen.label(
        probabilities, finish_of(config, limits_of(None, config), unknown=None if has_planes else NO_CLASS), labels
    )
    return np.where(labels == NO_CLASS, 0, labels)


def _truth(
    model: Network, dataset: CodedDataset, volume: Volume, view: Slices, shape: tuple[int, ...]
) -> NDArray[np.int64]:
    """The mask of a volume in the order of its array, unknown where the volume has no data."""
    truth = np.full(shape, UNKNOWN, np.int64)
    slices = view.turned(np.moveaxis(truth, 0, -1) if truth.ndim == 4 else truth)
    nodata = network_of(model).config.info.nodata
    for number, index in enumerate(volume.slices):
        sample = dataset[index]
        mask = known_where_data(sample.image, sample.mask, nodata)
        slices[number] = np.moveaxis(mask, 0, -1) if mask.ndim == 3 else mask
    return truth
