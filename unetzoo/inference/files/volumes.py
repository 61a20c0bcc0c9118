"""Predict a volume into a file, slice by slice, or by a network over three axes."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.slices import open_volume
from unetzoo.errors import DataError, OptionError
from unetzoo.inference.files.jobs import Image
from unetzoo.inference.files.looks import Look
from unetzoo.inference.files.objects import type_of_numbers
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.partial import PartialResult
from unetzoo.inference.files.writers import write_result
from unetzoo.inference.forward import Network
from unetzoo.inference.objects import Decoder
from unetzoo.inference.seen import seen_volume
from unetzoo.inference.slices import SliceTiling, finish_of
from unetzoo.inference.thresholds import Limits
from unetzoo.inference.whole import SeenWhole
from unetzoo.nn.coding import UNKNOWN

_MOST = 2**16 - 1
NO_CLASSES = np.zeros(1, np.int64)


class VolumeRows:
    """A result of which each row holds a slice, as a volume.

    Args:
        result: (d, h * w), or (k, d, h * w).
        size: (h, w).

    Attributes:
        shape: (d, h, w) or (k, d, h, w).
        axes: names of the last axes.
    """

    axes = "CZYX"

    def __init__(self, result: PartialResult, size: tuple[int, int]) -> None:
        self._result, self._size = result, size
        self.shape, self.dtype = (*result.shape[:-1], *size), result.dtype

    def blocks(self, rows: int = 1) -> Iterator[tuple[int, NDArray[Any]]]:
        """So many slices at once, with the number of the first."""
        for first, block in self._result.blocks(rows):
            yield first, block.reshape(*block.shape[:-1], *self._size)


@dataclass(frozen=True)
class VolumeTask:
    """A volume to predict.

    Attributes:
        image: its file.
        target: the file of the result.
        partial: the file of finished slices.
        made_of: what the result depends on.
        replacing: what the finished slices belong to.
    """

    image: Path
    target: Path
    partial: Path
    made_of: Mapping[str, Any]
    replacing: Mapping[str, Any]


def check_volume_options(options: PredictOptions, look: Look) -> None:
    """Raise OptionError for options that volumes do not have."""
    if options.per_class:
        raise OptionError("per_class is for images, not for volumes: leave it out")
    if look.is_colored or (look.table is not None and look.table.ndim > 1):
        raise OptionError(
            "the masks of the training are colors or planes, which are not written for volumes; choose ids"
        )


def volume_file(image: Image) -> Path:
    """The file of a volume; raises DataError for an image of a data set without files."""
    if not isinstance(image, Path):
        raise DataError(f"{image} is no file, and volumes are read from files")
    return image


def predict_volume_file(
    model: Network,
    task: VolumeTask,
    options: PredictOptions,
    limits: Limits,
    *,
    look: Look,
    decoder: Decoder | None,
    is_done: Callable[[], bool],
    on_rows: Callable[[int, int], None],
    on_doubt: Callable[[str], None],
) -> None:
    """Predict a volume, whose result lies where it lies.

    Args:
        model: the network.
        task: the volume and its result.
        options: how.
        limits: of each class.
        look: how class ids are stored.
        decoder: of objects, whose numbers are the result; None: class ids, planes or probabilities are.
        is_done: whether another process has written the result meanwhile.
        on_rows: receives how many slices are finished, and how many there are.
        on_doubt: receives why the volume is unlike those of the training.

    Raises:
        DataError: it cannot be read.
        ShapeError, OptionError: it does not fit the network.
    """
    tiling = SliceTiling(
        tile=options.tile,
        overlap=options.overlap,
        batch=options.batch,
        mirrors=options.mirrors,
        resample=options.resample,
    )
    with open_volume(task.image) as raster, ExitStack() as stack:
        seen = seen_volume(model, raster, options.axes, tiling, name=str(task.image))
        for doubt in seen.doubts:
            on_doubt(doubt)
        config, depth, size = seen.config, raster.shape[0], (raster.shape[1], raster.shape[2])
        unknown = UNKNOWN if config.classes <= UNKNOWN or config.labels == "overlapping" else _MOST
        has_planes = options.probabilities or config.labels == "overlapping"
        planes = (config.classes,) if has_planes else ()
        dtype = np.dtype(np.float32 if options.probabilities else np.uint8 if unknown == UNKNOWN else np.uint16)
        dtype = np.dtype(np.int32) if decoder else dtype
        finish = None if options.probabilities or decoder else finish_of(config, limits, unknown=unknown)
        rows = stack.enter_context(
            PartialResult(task.partial, task.replacing, (*planes, depth, size[0] * size[1]), dtype)
        )
        if is_done():
            return
        on_rows(rows.rows, depth)
        empty, classes = ((*planes, *raster.shape[:3]), dtype), NO_CLASSES
        allocate = _on_disk(task.target.parent, stack)
        if decoder and isinstance(seen, SeenWhole):
            results, classes = seen.objects(decoder, start=rows.rows, allocate=allocate)
            look = Look(dtype=type_of_numbers(len(classes) - 1, task.target))
        else:
            results = seen.results(finish, empty, start=rows.rows, allocate=allocate)
        for place, part in results:
            rows.write(place, part.reshape(*planes, 1, -1))
            on_rows(rows.rows, depth)
        own = classes[1:].tolist() if decoder and decoder.classes else ()
        write_result(VolumeRows(rows, size), task.target, task.made_of, look, grid=raster.grid, classes=own)
        rows.remove()


def _on_disk(folder: Path, stack: ExitStack) -> Callable[[tuple[int, ...], np.dtype[Any]], NDArray[Any]]:
    """What gives arrays of zeros in files of the folder of the result, which are gone with the stack."""

    def allocate(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        file = stack.enter_context(tempfile.TemporaryFile(dir=folder, prefix=".unetzoo-"))  # noqa: SIM115 - the stack closes it
        file.truncate(int(np.prod(shape, dtype=object)) * dtype.itemsize)
        return np.memmap(file, dtype, mode="r+", shape=shape)

    return allocate
