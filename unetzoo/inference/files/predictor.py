"""Predict one file after the other, in constant memory, and continue after an interruption."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from unetzoo.data.formats.grid import Grid
from unetzoo.data.formats.table import endings_that_store, format_written, written_ending
from unetzoo.errors import DataError, MissingExtraError, OptionError, ShapeError, UnetzooError
from unetzoo.inference.files.bands import channel_order
from unetzoo.inference.files.class_files import file_names
from unetzoo.inference.files.computed import computed, digest_of
from unetzoo.inference.files.jobs import Image, Job, grid_of, identity_of, open_pixels
from unetzoo.inference.files.looks import Look
from unetzoo.inference.files.objects import write_objects
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.partial import PartialResult, discard, has_begun
from unetzoo.inference.files.postprocessed import write_postprocessed
from unetzoo.inference.files.records import Standing, standing_of, state_of
from unetzoo.inference.files.volumes import VolumeTask, check_volume_options, predict_volume_file, volume_file
from unetzoo.inference.files.writers import check_folder_target, check_target, write_planes, write_result
from unetzoo.inference.forward import Network
from unetzoo.inference.normalize import Normalize, scaled_for
from unetzoo.inference.objects import Decoder
from unetzoo.inference.pixel_size import PixelScale, Rows, rows_at, scale_of
from unetzoo.inference.predict import rows_of
from unetzoo.inference.thresholds import labels_of, limits_of
from unetzoo.nn.coding import UNKNOWN
from unetzoo.nn.ensemble import without_postprocessing
from unetzoo.nn.wrapped import network_of

OnRows = Callable[[str, int, int], None]
"""Receives the name of an image, how many of its rows are finished, and how many there are."""


@dataclass(frozen=True)
class FilePrediction:
    """What `predict_files` did with one image.

    Attributes:
        image: path of the image, or its name in the data set.
        file: path of the result.
        state: `"predicted"`; `"kept"`: the result existed; `"failed"`.
        reason: why it failed, why an existing result was replaced, or why a file of unknown origin was kept.
        warnings: why the image is unlike those of the training, so that the result is probably wrong.
    """

    image: str
    file: Path
    state: Literal["predicted", "kept", "failed"]
    reason: str = ""
    warnings: tuple[str, ...] = ()


class FilePredictor:
    """A network that is ready to predict files.

    Args:
        model: of `create`, `load` or `pull`, or of `optimize` with an engine, or several; it is not changed.
        options: how.

    Raises:
        OptionError: the device or a class with a threshold does not exist.
    """

    def __init__(self, model: Network, options: PredictOptions) -> None:
        self.options = options = options.for_network(model.config)
        network = without_postprocessing(network_of(model)) if options.raw else network_of(model)
        self._network, self._engine = computed(network, options)
        self.config = config = network.config
        self._limits = () if config.objects else limits_of(options.threshold, config)
        self._class_files = file_names(config, options.suffix) if options.per_class else ()
        self._decoder = None
        if config.objects and not options.probabilities:
            self._decoder = Decoder(config, largest_object=options.largest_object)
        self._digest = digest_of(network)

    def predict(
        self,
        image: Image,
        target: Path,
        *,
        on_rows: Callable[[int, int], None] = lambda *_: None,
        on_doubt: Callable[[str], None] = lambda _: None,
    ) -> Standing:
        """Predict one image, unless its result exists and is current or of unknown origin.

        Finished rows are kept in the target with the ending .partial until all are; the same call continues from there.

        Args:
            image: the image.
            target: the file of the result: (h, w) for ids of classes or objects, (classes, h, w) for probabilities.
            on_rows: receives how many rows are finished, and how many there are.
            on_doubt: receives the reason why the image is unlike those of the training, if it is.

        Returns:
            The state of the target before the call: it was predicted unless that stays.

        Raises:
            DataError: the image cannot be read or does not fit the network, or the result cannot be written.
            OptionError: for options that do not fit.
        """
        try:
            sample = target / self._class_files[0] if self._class_files else target  # tells the format
            if self._class_files:
                check_folder_target(target, self._class_files)
            else:
                check_target(target, probabilities=self.options.probabilities, is_volume=bool(self.options.axes))
            look = self.options.look(written_ending(sample), self.config)
            made_of = self._made_of(image)
            standing = self._standing(target, made_of)
            if standing.stays:
                if standing.state == "current":
                    discard(_partial(target))  # of a process that was killed between the last two steps
                return standing
            if self.options.axes:
                self._predict_volume(image, made_of, target, look, on_rows, on_doubt)
                return standing
            grid = grid_of(image)
            order = channel_order(grid.bands, self.config.info.channel_names)
            with open_pixels(image, channels=self.config.in_channels) as opened:
                pixels = order.of(opened)
                normalizations, doubts = scaled_for(pixels, self._network)
                scale = scale_of(grid, pixels.shape[:2], self.config, self.options.resample)
                for doubt in filter(None, (_lost_place(grid, sample), order.doubt, *doubts, scale.said)):
                    on_doubt(doubt)
                self._predict(pixels, made_of, target, look, on_rows, normalizations, grid, scale)
        except (ShapeError, OptionError) as error:
            raise DataError(f"{image}: {error}") from error
        except OSError as error:
            kept = f"; what is finished is kept in {_partial(target)}" if _is_there(_partial(target)) else ""
            raise DataError(f"cannot write {target}: {error.strerror or error}{kept}") from error
        return standing

    def _predict_volume(
        self,
        image: Image,
        made_of: Mapping[str, Any],
        target: Path,
        look: Look,
        on_rows: Callable[[int, int], None],
        on_doubt: Callable[[str], None],
    ) -> None:
        task = VolumeTask(volume_file(image), target, _partial(target), made_of, _replacing(target, made_of))
        check_volume_options(self.options, look)
        predict_volume_file(
            self._network,
            task,
            self.options,
            self._limits,
            look=look,
            is_done=lambda: self._standing(target, made_of).stays,
            on_rows=on_rows,
            on_doubt=on_doubt,
        )

    def _standing(self, target: Path, made_of: Mapping[str, Any]) -> Standing:
        """State of `target`; outdated if its replacement has begun, whatever its origin."""
        if self.options.overwrite:
            return Standing("outdated" if target.exists() else "absent")
        standing = standing_of(target, made_of)
        is_begun = standing.state == "foreign" and has_begun(_partial(target), _replacing(target, made_of))
        return Standing("outdated", "stopped before") if is_begun else standing

    def _predict(
        self,
        image: Any,  # noqa: ANN401 - whatever can be sliced
        made_of: Mapping[str, Any],
        target: Path,
        look: Look,
        on_rows: Callable[[int, int], None],
        normalizations: Sequence[Normalize],
        grid: Grid,
        scale: PixelScale,
    ) -> None:
        height, width = image.shape[:2]
        classes = self.config.classes
        options = self.options
        keeps_all = options.probabilities or self._decoder is not None
        has_planes = self.config.labels == "overlapping"
        ids_dtype, unknown = (np.uint8, UNKNOWN) if classes <= UNKNOWN or has_planes else (np.uint16, 2**16 - 1)
        shape = (classes, height, width) if keeps_all or has_planes else (height, width)
        dtype = np.dtype(np.float32 if keeps_all else ids_dtype)
        with PartialResult(_partial(target), _replacing(target, made_of), shape, dtype) as result:
            if self._standing(target, made_of).stays:  # another process was quicker
                return
            on_rows(result.rows, height)

            def predict(shown: Any, start: int) -> Rows:  # noqa: ANN401 - whatever can be sliced
                return rows_of(
                    self._network,
                    shown,
                    tile=options.tile,
                    overlap=options.overlap,
                    batch=options.batch,
                    flips=options.flips,
                    start=start,
                    normalizations=normalizations,
                )

            for top, rows in rows_at(scale, image, tuple(self.config.info.nodata), predict, start=result.rows):
                labels = rows if keeps_all else labels_of(rows, self.config, self._limits, unknown=unknown)
                result.write(top, labels)
                on_rows(result.rows, height)
            if self._decoder is not None:
                write_objects(result, self._decoder, target, made_of, grid)
            elif self._class_files:
                write_planes(result, target, made_of, look, self._class_files, grid=grid)
            elif self.config.post.needs_components and not options.probabilities:
                write_postprocessed(result, self.config, target, made_of, look, grid)
            else:
                write_result(result, target, made_of, look, grid=grid)
            result.remove()

    def _made_of(self, image: Image) -> dict[str, Any]:
        """What a result depends on; the batch size only changes rounding."""
        options = self.options
        names = ["probabilities", "values", "threshold", "tile", "overlap", "flips", "precision"]
        names += ["largest_object"] if self.config.objects else []
        names += ["resample"] if self.config.info.pixel_size else []
        names += ["axes"] if self.options.axes else []
        return {
            "image": identity_of(image),
            "network": self._digest,
            "options": {name: getattr(options, name) for name in names} | self._engine,
            "unetzoo": version("unetzoo"),
        }


def attempt(predictor: FilePredictor, job: Job, on_rows: OnRows = lambda *_: None) -> FilePrediction:
    """Do a job; an error of its files is its result.

    Raises:
        MissingExtraError: reading or writing it needs a package that is not installed, as other images do.
    """
    name, doubts = str(job.image), list[str]()
    try:
        standing = predictor.predict(
            job.image, job.target, on_rows=lambda done, total: on_rows(name, done, total), on_doubt=doubts.append
        )
    except MissingExtraError:
        raise
    except UnetzooError as error:
        return FilePrediction(name, job.target, "failed", str(error))
    state: Literal["predicted", "kept"] = "kept" if standing.stays else "predicted"
    return FilePrediction(name, job.target, state, standing.reason, tuple(doubts))


def _lost_place(grid: Grid, target: Path) -> str:
    """What is lost of a grid in a format that stores none; empty: nothing."""
    if not grid.has_place or "grid" in format_written(target).stores:
        return ""
    return (
        f"a {written_ending(target)} file has no georeference, which the image has; choose "
        f"{endings_that_store('grid')} (--format tif)"
    )


def _replacing(target: Path, made_of: Mapping[str, Any]) -> dict[str, Any]:
    """What finished rows belong to: a result that replaces the present file."""
    return {**made_of, "replaces": state_of(target) if target.exists() else None}


def _partial(target: Path) -> Path:
    return target.with_name(f"{target.name}.partial")


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # such as of a name that is too long
        return False
