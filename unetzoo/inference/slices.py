"""The slices of a volume as a 2D network sees them, along one axis or several, and what it says of each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.texts import count_of
from unetzoo.data.formats.moments import moments_of
from unetzoo.data.formats.orientation import AXES, grid_of_slice
from unetzoo.data.formats.raster import Raster
from unetzoo.data.formats.slices import Slices
from unetzoo.data.formats.view import View
from unetzoo.errors import OptionError, ShapeError
from unetzoo.inference.choices import Axes, Resample, check_axes
from unetzoo.inference.components import postprocess
from unetzoo.inference.forward import Network, Probabilities
from unetzoo.inference.normalize import scaled_for
from unetzoo.inference.pixel_size import PixelScale, rows_at, scale_of
from unetzoo.inference.planes import planes_first, planes_last
from unetzoo.inference.predict import rows_of
from unetzoo.inference.thresholds import Limits, labels_of
from unetzoo.nn.config import ModelConfig
from unetzoo.nn.misfit import need_images
from unetzoo.nn.wrapped import network_of

Finish: TypeAlias = Callable[[Probabilities], NDArray[Any]]
Empty: TypeAlias = tuple[tuple[int, ...], np.dtype[Any]]
Allocate: TypeAlias = Callable[[tuple[int, ...], np.dtype[Any]], NDArray[Any]]

_SAMPLED = 9  # slices by which the values of a volume are compared with those of the training


@dataclass(frozen=True, kw_only=True)
class SliceTiling:
    """How slices are shown to a network, as in `unetzoo.PredictOptions`."""

    tile: int | None = None
    overlap: int | None = None
    batch: int = 1
    mirrors: int = 1
    resample: Resample = "auto"


class SeenVolume:
    """A volume as a 2D network sees it.

    Args:
        model: the network.
        raster: the volume (d, h, w, c).
        axes: as of `predict_volume`.
        tiling: of slices.
        name: of the volume, for errors.

    Attributes:
        config: of the network.
        views: the slices along each of the axes.
        doubts: why the volume is unlike those of the training.

    Raises:
        ShapeError, OptionError: as `predict_volume`.
    """

    def __init__(
        self, model: Network, raster: Raster, axes: Axes | None, tiling: SliceTiling, *, name: str = "the volume"
    ) -> None:
        self._model, self._raster, self._tiling = model, raster, tiling
        network = network_of(model)
        self.config = network.config
        count = _slices_at_once(self.config, raster.shape[-1], name)
        chosen = check_axes(axes or self.config.info.slice_axis or None)
        directions = [AXES.index(axis) for axis in chosen] if chosen else [None]
        self.views = tuple(Slices(raster, direction, count=count, name=name) for direction in directions)
        for view in self.views:
            _check_thickness(view, name)
        whole = partial(moments_of, View(raster, name), axes=3)
        self._normalizations, doubts = scaled_for(_sample(self.views[0]), network, whole)
        scales = (self._scale(view).said for view in self.views)
        self.doubts = (*doubts, *dict.fromkeys(filter(None, scales)))

    def results(
        self, finish: Finish | None, out: Empty, *, start: int = 0, allocate: Allocate = np.zeros
    ) -> Iterator[tuple[int, NDArray[Any]]]:
        """What a network says of each slice of the array, along its first axis.

        Slices along this axis alone are predicted one by one; else the whole result is computed first.

        Args:
            finish: gives the labels (h, w), or planes (k, h, w), of the probabilities (classes, h, w) of a slice; None:
                probabilities are the result.
            out: shape (d, h, w) or (k, d, h, w), and type of the result.
            start: number of slices that are finished.
            allocate: gives an array of zeros, perhaps on the disk.

        Yields:
            The number of a slice and its result, (1, h, w) or (k, 1, h, w).
        """
        view = self.views[0]
        if len(self.views) == 1 and view.axis == 0:
            for place in range(start, len(view)):
                number = view.number_at(place)
                part = self._probabilities(view, number)
                yield place, planes_first(view.in_order(planes_last(finish(part) if finish else part, 2)), 3)
            return
        whole = self._whole(finish, out, allocate)
        for place in range(start, whole.shape[-3]):
            yield place, whole[..., place : place + 1, :, :]

    def mean_probabilities(self, allocate: Allocate) -> NDArray[Any]:
        """The mean of the probabilities (classes, d, h, w) along the axes."""
        total = allocate((self.config.classes, *self._raster.shape[:3]), np.dtype(np.float32))
        for view in self.views:
            along = view.turned(planes_last(total, 3))
            for number in range(len(view)):
                along[number] += planes_last(self._probabilities(view, number), 2) / len(self.views)
        return total

    def _whole(self, finish: Finish | None, out: Empty, allocate: Allocate) -> NDArray[Any]:
        """The result of all slices, in the order of the array."""
        if finish is None:
            return self.mean_probabilities(allocate)
        result, view = allocate(*out), self.views[0]
        if len(self.views) > 1:
            self.label(self.mean_probabilities(allocate), finish, result)
        else:
            along = view.turned(planes_last(result, 3))
            for number in range(len(view)):
                along[number] = planes_last(finish(self._probabilities(view, number)), 2)
        return result

    def label(self, probabilities: NDArray[Any], finish: Finish, result: NDArray[Any]) -> None:
        """Write the labels of probabilities (classes, d, h, w), slice by slice, into a result of the network."""
        view = self.views[0]
        parts, along = (view.turned(planes_last(each, 3)) for each in (probabilities, result))
        for number in range(len(view)):
            along[number] = planes_last(finish(planes_first(parts[number], 2)), 2)

    def _probabilities(self, view: Slices, number: int) -> Probabilities:
        """Those (classes, h, w) of a slice."""
        image, tiling = view[number], self._tiling

        predict = partial(
            rows_of,
            self._model,
            tile=tiling.tile,
            overlap=tiling.overlap,
            batch=tiling.batch,
            mirrors=tiling.mirrors,
            normalizations=self._normalizations,
        )
        rows = rows_at(self._scale(view), image, self._normalizations, predict)
        return np.concatenate([part for _, part in rows], axis=1)

    def _scale(self, view: Slices) -> PixelScale:
        grid = grid_of_slice(self._raster.grid, view.direction)
        return scale_of(grid, view.size, self.config, self._tiling.resample)


def finish_of(config: ModelConfig, limits: Limits, *, unknown: int | None) -> Finish:
    """What gives the labels of a slice, with the network's post-processing, by its probabilities (classes, h, w)."""

    def finish(probabilities: Probabilities) -> NDArray[Any]:
        labels = labels_of(probabilities, config, limits, unknown=unknown)
        if labels.ndim == 2:
            postprocess(labels, config)
        return labels

    return finish


def _slices_at_once(config: ModelConfig, channels: int, name: str) -> int:
    """How many neighboring slices a network sees, by its training or its channels."""
    need_images(config, "prediction slice by slice")
    if config.objects:
        raise OptionError("the network numbers objects, which reach over slices: predict volumes by one of classes")
    count = config.info.slices or max(1, config.in_channels // channels)
    if count * channels != config.in_channels or count % 2 == 0:
        seen = f"of {count_of(count, 'slice')}" if config.info.slices else "of an odd number of slices"
        raise ShapeError(
            f"{name} has {count_of(channels, 'channel')}, the network takes {config.in_channels}, {seen}: use volumes "
            "like those of its training"
        )
    return count


def _check_thickness(view: Slices, name: str) -> None:
    if len(view) < view.count:
        raise ShapeError(
            f"{name} has {count_of(len(view), 'slice')} along {AXES[view.direction]}, fewer than the {view.count} that "
            "the network sees at once: use thicker volumes, or another axis"
        )


def _sample(view: Slices) -> NDArray[Any]:
    """Some slices below each other, (h, w, c), as a sample of the values of a volume."""
    numbers = np.linspace(0, len(view) - 1, min(len(view), _SAMPLED)).round().astype(int).tolist()
    parts = [view[number] for number in numbers]
    sample: NDArray[Any] = (np.ma if any(map(np.ma.isMaskedArray, parts)) else np).concatenate(parts)
    return sample
