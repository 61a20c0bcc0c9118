"""The files that become of the probabilities of an image: its result, and beside it the map of uncertainty."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.grid import Grid
from unetzoo.data.formats.table import stored_in, without_ending, written_ending
from unetzoo.inference.choices import Uncertainty
from unetzoo.inference.files.class_files import file_names
from unetzoo.inference.files.looks import Look
from unetzoo.inference.files.objects import write_objects
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.partial import PartialResult
from unetzoo.inference.files.postprocessed import write_postprocessed
from unetzoo.inference.files.records import state_of
from unetzoo.inference.files.writers import check_folder_target, check_target, write_planes, write_result
from unetzoo.inference.objects import Decoder
from unetzoo.inference.resample import rows_back
from unetzoo.inference.thresholds import labels_of, limits_of
from unetzoo.inference.uncertainty import uncertainty_of
from unetzoo.nn.coding import UNKNOWN
from unetzoo.nn.config import ModelConfig

_ROWS = 256  # that are brought back at once
_OF_MASKS = ("probabilities", "values", "threshold")  # options on which the uncertainty does not depend


class Output(NamedTuple):
    """A file, whose rows are finished one after the other.

    Attributes:
        target: the file.
        made_of: plain data that determines it.
        channels: as in (channels, h, w); none: (h, w).
        dtype: of its values.
        encode: makes its rows of probabilities (classes, rows, w).
        finish: writes all rows into the target, which has a grid and a size (h, w); the rows of a network of objects
            may be those of a resampled image.
    """

    target: Path
    made_of: Mapping[str, Any]
    channels: tuple[int, ...]
    dtype: np.dtype[Any]
    encode: Callable[[NDArray[np.float32]], NDArray[Any]]
    finish: Callable[[PartialResult, Grid, tuple[int, int]], None]


class Outputs:
    """What becomes of the probabilities of a network.

    Args:
        config: of the network.
        options: how files are predicted.

    Attributes:
        class_files: the name of the file of each class; empty: one file for all.
        limits: of each class, from `limits_of`.
        decoder: of objects, if they are the result.

    Raises:
        OptionError: a class with a threshold does not exist, or two classes would have one file.
    """

    def __init__(self, config: ModelConfig, options: PredictOptions) -> None:
        self.config, self.options = config, options
        self.class_files = file_names(config, options.suffix) if options.per_class else ()
        self.limits = () if config.objects else limits_of(options.threshold, config)
        self.decoder: Decoder | None = None
        if config.objects and not options.probabilities:
            self.decoder = Decoder(config, largest_object=options.largest_object)

    def check(self, target: Path) -> Path:
        """A file that has the format of the result `target`, or of one in that folder; DataError if it cannot be."""
        if self.class_files:
            check_folder_target(target, self.class_files)
            return target / self.class_files[0]
        check_target(target, probabilities=self.options.probabilities, is_volume=bool(self.options.axes))
        return target

    def of(self, target: Path, made_of: Mapping[str, Any], look: Look) -> list[Output]:
        """The result, which is made of that, and the map of uncertainty if it is asked for."""
        result = self._result(target, made_of, look)
        kind = self.options.uncertainty
        return [result, self._uncertainty(target, made_of, kind)] if kind else [result]

    def _result(self, target: Path, made_of: Mapping[str, Any], look: Look) -> Output:
        """The class ids, planes, probabilities or objects of an image."""
        keeps_all = self.options.probabilities or self.decoder is not None
        has_planes, classes = self.config.labels == "overlapping", self.config.classes
        ids_dtype, unknown = (np.uint8, UNKNOWN) if classes <= UNKNOWN or has_planes else (np.uint16, 2**16 - 1)

        def encode(rows: NDArray[np.float32]) -> NDArray[Any]:
            rows = rows[:classes]
            return rows if keeps_all else labels_of(rows, self.config, self.limits, unknown=unknown)

        def finish(rows: PartialResult, grid: Grid, size: tuple[int, int]) -> None:
            if self.decoder is not None:
                write_objects(rows, self.decoder, target, made_of, grid, size)
            elif self.class_files:
                write_planes(rows, target, made_of, look, self.class_files, grid=grid)
            elif self.config.post.needs_components and not self.options.probabilities:
                write_postprocessed(rows, self.config, target, made_of, look, grid)
            else:
                with brought_back(rows, size) as result:
                    write_result(result, target, made_of, look, grid=grid)

        channels = (classes,) if keeps_all or has_planes else ()
        return Output(target, made_of, channels, np.dtype(np.float32 if keeps_all else ids_dtype), encode, finish)

    def _uncertainty(self, target: Path, made_of: Mapping[str, Any], kind: Uncertainty) -> Output:
        """The map of uncertainty beside the result `target`."""
        place = uncertainty_file(target)
        others = {name: value for name, value in made_of["options"].items() if name not in _OF_MASKS}
        own = {**made_of, "options": {**others, "uncertainty": kind}}
        return Output(
            place,
            own,
            (),
            np.dtype(np.float32),
            lambda rows: uncertainty_of(rows, self.config, kind),
            lambda rows, grid, _: write_result(rows, place, own, Look(), grid=grid),
        )


@contextmanager
def brought_back(rows: PartialResult, size: tuple[int, int]) -> Iterator[PartialResult]:
    """Finished rows, in the pixels of the image; those of a resampled one, (c, h, w), in a file that exists so long."""
    if rows.shape[-2:] == size:
        yield rows
        return
    channels, height, width = rows.shape
    scratch = rows.path.with_name(f".{rows.path.name}.size")
    with PartialResult(scratch, {}, (channels, *size), rows.dtype) as result:
        try:
            parts = ((top, rows.read(top, min(top + _ROWS, height))) for top in range(0, height, _ROWS))
            for top, part in rows_back(parts, size, (height, width)):
                result.write(top, part)
            yield result
        finally:
            result.remove()


def uncertainty_file(target: Path) -> Path:
    """The map of uncertainty of a result, such as `a.uncertainty.tif`; in the result's format if that holds floats."""
    ending = written_ending(target)
    name = without_ending(target).name if ending else target.name
    return target.with_name(f"{name}.uncertainty{ending if 'arrays' in (stored_in(ending) or ()) else '.tif'}")


def partial_file(target: Path) -> Path:
    """The file of the finished rows of a result."""
    return target.with_name(f"{target.name}.partial")


def replacing(target: Path, made_of: Mapping[str, Any]) -> dict[str, Any]:
    """What finished rows belong to: a result that replaces the present file."""
    return {**made_of, "replaces": state_of(target) if target.exists() else None}


def begun(output: Output, size: tuple[int, int]) -> PartialResult:
    """The finished rows of a file, of an image of that size (h, w)."""
    file = partial_file(output.target)
    return PartialResult(file, replacing(output.target, output.made_of), (*output.channels, *size), output.dtype)
