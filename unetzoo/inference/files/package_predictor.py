"""Predict files by a package of bioimage.io, whose results are written as they are."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.limits import check_memory
from unetzoo.errors import DataError, OptionError, UnetzooError
from unetzoo.inference.files.jobs import Image, Job, grid_of, identity_of, open_pixels
from unetzoo.inference.files.looks import Look
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.predictor import FilePrediction, OnRows, attempt
from unetzoo.inference.files.records import Standing, standing_of
from unetzoo.inference.files.writers import make_folder, write_result
from unetzoo.inference.packages.package import TILE, Package

_OPTIONS = ("format", "tile", "overwrite")
_TIMES = 4  # the memory of the pixels in float32 that the steps of a package need


def options_of_package(options: PredictOptions) -> PredictOptions:
    """The options for a package, whose results are arrays, in TIFF unless a format is chosen.

    Raises:
        OptionError: another option than `format`, `tile` and `overwrite` is chosen.
    """
    usual = PredictOptions()
    others = [
        each.name
        for each in fields(options)
        if each.name not in _OPTIONS and getattr(options, each.name) != getattr(usual, each.name)
    ]
    if others:
        raise OptionError(
            "a package of bioimage.io gives what its description says, and takes the options "
            f"{', '.join(_OPTIONS)}: leave {', '.join(others)} out"
        )
    return replace(options, probabilities=True)


def predict_by_package(
    package: Package, jobs: Sequence[Job], options: PredictOptions, *, on_rows: OnRows = lambda *_: None
) -> Iterator[FilePrediction]:
    """The results, which are made one after the other.

    Args:
        package: of `load_package`.
        jobs: of `find_jobs`.
        options: of `options_of_package`.
        on_rows: progress.
    """
    for folder in {job.target.parent for job in jobs}:
        make_folder(folder)
    predictor = PackagePredictor(package, options)
    return (attempt(predictor, job, on_rows) for job in jobs)


class PackagePredictor:
    """Predicts files by a package, each as a whole in memory.

    Args:
        package: of `load_package`.
        options: of `options_of_package`.
    """

    def __init__(self, package: Package, options: PredictOptions) -> None:
        self.package, self.options = package, options

    def predict(
        self,
        image: Image,
        target: Path,
        *,
        on_rows: Callable[[int, int], None] = lambda *_: None,
        on_doubt: Callable[[str], None] = lambda _: None,  # noqa: ARG002 - a package says nothing of its training
    ) -> Standing:
        """As `FilePredictor.predict`; the result is (channels, h, w)."""
        made_of = {
            "image": identity_of(image),
            "network": self.package.digest,
            "options": {"tile": self.options.tile},
            "unetzoo": version("unetzoo"),
        }
        standing = Standing("absent") if self.options.overwrite else standing_of(target, made_of)
        if standing.stays:
            return standing
        try:
            pixels = self._pixels(image)
            result = self.package.predict(
                pixels, tile=self.options.tile or TILE, on_rows=lambda done: on_rows(done, len(pixels))
            )
            write_result(_Whole(result), target, made_of, Look(), grid=grid_of(image))
        except DataError:
            raise
        except UnetzooError as error:
            raise DataError(f"{image}: {error}") from error
        except OSError as error:
            raise DataError(f"cannot write {target}: {error.strerror or error}") from error
        return standing

    def _pixels(self, image: Image) -> NDArray[Any]:
        channels = max(1, len(self.package.description.image.channels))
        with open_pixels(image, channels=channels) as opened:
            check_memory(str(image), _TIMES * 4 * int(np.prod(opened.shape)))
            return np.asanyarray(opened[:, :])


class _Whole:
    """A finished result (channels, h, w) in memory; see `Rows`."""

    axes = "CYX"

    def __init__(self, result: NDArray[Any]) -> None:
        result = result.astype(np.uint8) if result.dtype.kind == "b" else result
        self._result, self.shape, self.dtype = result, result.shape, result.dtype

    def blocks(self, rows: int = 1024) -> Iterator[tuple[int, NDArray[Any]]]:
        """So many rows at once, with the number of the first."""
        for top in range(0, self.shape[1], rows):
            yield top, self._result[:, top : top + rows]
