"""A volume as a network over three axes sees it, block by block, and what it says of it."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.texts import count_of
from unetzoo.data.formats.directions import Directed, grid_along
from unetzoo.data.formats.raster import Raster
from unetzoo.data.formats.resample import nearest
from unetzoo.errors import ShapeError
from unetzoo.inference.components import postprocess
from unetzoo.inference.forward import Network
from unetzoo.inference.normalize import scaled_for
from unetzoo.inference.objects import Decoder
from unetzoo.inference.pixel_size import AS_IT_IS, check_size, resampled, rows_at, scale_of
from unetzoo.inference.planes import planes_first, planes_last
from unetzoo.inference.predict import rows_of
from unetzoo.inference.resample import Rows
from unetzoo.inference.slices import Allocate, Empty, Finish, SliceTiling
from unetzoo.nn.wrapped import network_of


class SeenWhole:
    """A volume as a network over three axes sees it, along the directions `z`, `y` and `x`.

    Args:
        model: the network.
        raster: the volume (d, h, w, c).
        tiling: of the volume.
        name: of the volume, for errors.

    Attributes:
        config: of the network.
        doubts: why the volume is unlike those of the training.

    Raises:
        ShapeError: the volume has other channels than the network takes.
    """

    def __init__(self, model: Network, raster: Raster, tiling: SliceTiling, *, name: str = "the volume") -> None:
        network = network_of(model)
        self._model, self._raster, self._tiling = model, raster, tiling
        self.config = network.config
        if raster.shape[-1] != self.config.in_channels:
            raise ShapeError(
                f"{name} has {count_of(raster.shape[-1], 'channel')}, the network takes {self.config.in_channels}: use "
                "volumes like those of its training"
            )
        self._volume = Directed(raster, name)
        self._normalizations, doubts = scaled_for(self._volume, network)
        self._scale = scale_of(grid_along(raster.grid), self._volume.shape[:3], self.config, tiling.resample)
        check_size(self._scale, self.config.classes, name)
        self.doubts = (*doubts, *filter(None, [self._scale.said]))

    def results(
        self, finish: Finish | None, out: Empty, *, start: int = 0, allocate: Allocate = np.zeros
    ) -> Iterator[tuple[int, NDArray[Any]]]:
        """As `SeenVolume.results`; the whole result is computed first."""
        whole = self.mean_probabilities(allocate) if finish is None else self._labels(finish, allocate(*out))
        for place in range(start, whole.shape[-3]):
            yield place, whole[..., place : place + 1, :, :]

    def mean_probabilities(self, allocate: Allocate) -> NDArray[Any]:
        """The probabilities (classes, d, h, w)."""
        total = allocate((self.config.classes, *self._raster.shape[:3]), np.dtype(np.float32))
        along = planes_first(self._along(total), 3)
        for first, part in self._rows(out=along if self._scale.seen is None else None):
            along[:, first : first + part.shape[1]] = part
        return total

    def label(self, probabilities: NDArray[Any], finish: Finish, result: NDArray[Any]) -> None:
        """Write the labels of probabilities (classes, d, h, w) into a result of the network."""
        parts, along = self._along(probabilities), self._along(result)
        for number in range(len(parts)):
            part = finish(planes_first(parts[number : number + 1], 3))
            along[number : number + 1] = planes_last(part, 3)
        self._postprocess(result)

    def objects(
        self, decoder: Decoder, *, start: int = 0, allocate: Allocate = np.zeros
    ) -> tuple[Iterator[tuple[int, NDArray[np.int32]]], NDArray[np.int64]]:
        """The number of each voxel's object, slice by slice as `results`, and the classes (n + 1,) of all objects.

        A volume is decoded in the voxels that the network sees, and each of its own has the object at its center.

        Raises:
            OptionError: as `Decoder.strips`.
        """
        seen = resampled(self._scale, self._volume, self._normalizations)
        space = seen.shape[:3]
        maps = allocate((self.config.classes, *space), np.dtype(np.float32))
        for _ in rows_at(AS_IT_IS, seen, self._normalizations, partial(self._predict, out=maps)):
            pass
        whole = allocate(self._raster.shape[:3], np.dtype(np.int32))
        along = self._along(whole)
        is_own = self._scale.seen is None
        numbers = along if is_own else allocate(space, np.dtype(np.int32))
        strips = decoder.strips(lambda first, beyond: maps[:, first:beyond], space, out=numbers)
        classes = [np.zeros(1, np.int64), *(strip.classes for strip in strips)]
        if not is_own:
            down, *across = (nearest(*lengths) for lengths in zip(space, self._volume.shape[:3], strict=True))
            for place, other in enumerate(down.tolist()):
                along[place] = numbers[other][np.ix_(*across)]
        return ((place, whole[place : place + 1]) for place in range(start, len(whole))), np.concatenate(classes)

    def _labels(self, finish: Finish, result: NDArray[Any]) -> NDArray[Any]:
        along = self._along(result)
        for first, part in self._rows():
            labels = planes_last(finish(part), 3)
            along[first : first + len(labels)] = labels
        self._postprocess(result)
        return result

    def _rows(self, out: NDArray[Any] | None = None) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """The probabilities of slices; with `out` they are written there, and nothing is yielded."""
        return rows_at(self._scale, self._volume, self._normalizations, partial(self._predict, out=out))

    def _predict(self, volume: Any, *, start: int, out: NDArray[Any] | None) -> Rows:  # noqa: ANN401 - whatever can be sliced
        """The maps of a volume."""
        return rows_of(
            self._model,
            volume,
            tile=self._tiling.tile,
            overlap=self._tiling.overlap,
            batch=self._tiling.batch,
            mirrors=self._tiling.mirrors,
            normalizations=self._normalizations,
            start=start,
            out=out,
        )

    def _along(self, array: NDArray[Any]) -> NDArray[Any]:
        """An array (d, h, w) or (k, d, h, w) along the directions, with planes last; a view."""
        return self._volume.orientation.turned(planes_last(array, 3))

    def _postprocess(self, labels: NDArray[Any]) -> None:
        if labels.ndim == 3:
            postprocess(labels, self.config)
