"""Predict one file after the other, in constant memory, and continue after an interruption."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, Protocol

from unetzoo.data.formats.grid import Grid
from unetzoo.data.formats.table import endings_that_store, format_written, written_ending
from unetzoo.errors import DataError, MissingExtraError, OptionError, ShapeError, UnetzooError
from unetzoo.inference.files.computed import computed, digest_of
from unetzoo.inference.files.jobs import Image, Job, identity_of
from unetzoo.inference.files.looks import Look
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.outputs import Output, Outputs, begun, partial_file, replacing, uncertainty_file
from unetzoo.inference.files.partial import discard, has_begun
from unetzoo.inference.files.records import Standing, standing_of
from unetzoo.inference.files.shown import Shown, shown
from unetzoo.inference.files.volumes import VolumeTask, check_volume_options, predict_volume_file, volume_file
from unetzoo.inference.forward import Network
from unetzoo.inference.pixel_size import AS_IT_IS, resampled, rows_at
from unetzoo.inference.predict import rows_of
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
        uncertainty: path of the map of uncertainty; None: there is none, or it is not asked for.
    """

    image: str
    file: Path
    state: Literal["predicted", "kept", "failed"]
    reason: str = ""
    warnings: tuple[str, ...] = ()
    uncertainty: Path | None = None


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
        self._outputs = Outputs(config, options)
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
            sample = self._outputs.check(target)
            look = self.options.look(written_ending(sample), self.config)
            standing, due = self._due(self._outputs.of(target, self._made_of(image), look), on_doubt)
            if not due:
                return standing
            if self.options.axes:
                self._predict_volume(volume_file(image), due[0], look, on_rows, on_doubt)
                return standing
            with shown(image, network_of(self._network), self.options.resample) as seen:
                for doubt in filter(None, (_lost_place(seen.grid, sample), *seen.doubts)):
                    on_doubt(doubt)
                self._predict(seen, due, on_rows)
        except (ShapeError, OptionError) as error:
            raise DataError(str(error) if str(error).startswith(f"{image} ") else f"{image}: {error}") from error
        except OSError as error:
            kept = f"; what is finished is kept in {partial_file(target)}" if _is_there(partial_file(target)) else ""
            raise DataError(f"cannot write {target}: {error.strerror or error}{kept}") from error
        return standing

    def _predict_volume(
        self,
        volume: Path,
        output: Output,
        look: Look,
        on_rows: Callable[[int, int], None],
        on_doubt: Callable[[str], None],
    ) -> None:
        target, made_of = output.target, output.made_of
        task = VolumeTask(volume, target, partial_file(target), made_of, replacing(target, made_of))
        check_volume_options(self.options, look)
        predict_volume_file(
            self._network,
            task,
            self.options,
            self._outputs.limits,
            look=look,
            decoder=self._outputs.decoder,
            is_done=lambda: self._standing(output).stays,
            on_rows=on_rows,
            on_doubt=on_doubt,
        )

    def _due(self, outputs: Sequence[Output], on_doubt: Callable[[str], None]) -> tuple[Standing, list[Output]]:
        """The standing of the first file that is to be made, or of the result; and all files that are to be made."""
        standings = list(map(self._standing, outputs))
        for output, standing in zip(outputs, standings, strict=True):
            if standing.state == "current":
                discard(partial_file(output.target))  # of a process that was killed between the last two steps
        if standings[0].state == "foreign":
            return standings[0], []
        for output, standing in zip(outputs[1:], standings[1:], strict=True):
            if standing.state == "foreign":
                on_doubt(
                    f"{output.target.name} is left alone, {standing.reason}; overwrite=True (--overwrite) replaces it"
                )
        due = [output for output, standing in zip(outputs, standings, strict=True) if not standing.stays]
        return next((standing for standing in standings if not standing.stays), standings[0]), due

    def _standing(self, output: Output) -> Standing:
        """State of the file; outdated if its replacement has begun, whatever its origin."""
        target, made_of = output.target, output.made_of
        if self.options.overwrite:
            return Standing("outdated" if target.exists() else "absent")
        standing = standing_of(target, made_of)
        is_begun = standing.state == "foreign" and has_begun(partial_file(target), replacing(target, made_of))
        return Standing("outdated", "stopped before") if is_begun else standing

    def _predict(
        self,
        image: Shown,
        outputs: Sequence[Output],
        on_rows: Callable[[int, int], None],
    ) -> None:
        options, pixels, scale = self.options, image.pixels, image.scale
        if self.config.objects:  # they are decoded at that size, and brought back as objects
            pixels, scale = resampled(scale, pixels, image.normalizations), AS_IT_IS
        height, width = pixels.shape[:2]
        with ExitStack() as stack:
            opened = [(output, stack.enter_context(begun(output, (height, width)))) for output in outputs]
            # another process may have been quicker
            due = [(output, file) for output, file in opened if not self._standing(output).stays]
            if not due:
                return
            done = min(file.rows for _, file in due)
            on_rows(done, height)

            predict = partial(
                rows_of,
                self._network,
                tile=options.tile,
                overlap=options.overlap,
                batch=options.batch,
                mirrors=options.mirrors,
                normalizations=image.normalizations,
                entropies=options.uncertainty == "disagreement",
            )
            for top, rows in rows_at(scale, pixels, image.normalizations, predict, start=done):
                for output, file in due:
                    file.write(top, output.encode(rows))
                on_rows(top + rows.shape[1], height)
            for output, file in due:
                output.finish(file, image.grid, image.pixels.shape[:2])
                file.remove()

    def _made_of(self, image: Image) -> dict[str, Any]:
        """What a result depends on; the batch size only changes rounding."""
        options = self.options
        names = ["probabilities", "values", "threshold", "tile", "overlap", "mirrors", "precision"]
        names += ["largest_object"] if self.config.objects else []
        names += ["resample"] if self.config.info.pixel_size else []
        names += ["axes"] if self.options.axes else []
        return {
            "image": identity_of(image),
            "network": self._digest,
            "options": {name: getattr(options, name) for name in names} | self._engine,
            "unetzoo": version("unetzoo"),
        }


class Predictor(Protocol):
    """What predicts one image into a file, as `FilePredictor` does."""

    options: PredictOptions

    def predict(
        self,
        image: Image,
        target: Path,
        *,
        on_rows: Callable[[int, int], None],
        on_doubt: Callable[[str], None],
    ) -> Standing:
        """Predict an image, unless its result stays; errors as `FilePredictor.predict`."""


def attempt(predictor: Predictor, job: Job, on_rows: OnRows = lambda *_: None) -> FilePrediction:
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
    place = uncertainty_file(job.target)
    has_map = predictor.options.uncertainty is not None and place.exists()
    return FilePrediction(name, job.target, state, standing.reason, tuple(doubts), place if has_map else None)


def _lost_place(grid: Grid, target: Path) -> str:
    """What is lost of a grid in a format that stores none; empty: nothing."""
    if not grid.has_place or "grid" in format_written(target).stores:
        return ""
    return (
        f"a {written_ending(target)} file has no georeference, which the image has; choose "
        f"{endings_that_store('grid')} (--format tif)"
    )


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # such as of a name that is too long
        return False
