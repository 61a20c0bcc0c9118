"""Cross-validation: a training for each fold, and the scores of each image by the network that did not see it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from unetzoo._utils.atomic import write_text
from unetzoo.data.survey.folds import folds_of
from unetzoo.data.survey.survey import Survey
from unetzoo.errors import TrainingError
from unetzoo.evaluation.bootstrap import Bootstrap
from unetzoo.evaluation.evaluate import Tiling, measure_images
from unetzoo.evaluation.measure import Evaluation, Measurement
from unetzoo.inference.devices import on_device
from unetzoo.training.finish import Fit
from unetzoo.training.progress import Epoch
from unetzoo.training.recipe import Recipe
from unetzoo.training.recipe_file import RECIPE, read_tables
from unetzoo.training.run import has_run, read_run
from unetzoo.weights.folder import BEST, FOLDS, fold_folder, load

_RESAMPLES = 1000


@dataclass(frozen=True)
class FoldResult:
    """What is kept of the training of a fold.

    Attributes:
        folder: of its run.
        images: names of the images that are held out.
        best: the epoch of the best network.
        tile: as in `Fit`.
    """

    folder: Path
    images: tuple[str, ...]
    best: Epoch
    tile: int | None


@dataclass(frozen=True)
class FoldsFit:
    """Result of `fit_folds`.

    Attributes:
        folder: with the run of each fold, `fold-0` to `fold-4`; `unetzoo.load` reads `fold-0/best`.
        folds: what is kept of each fold's training.
        evaluation: of all images, each predicted by the best network of the training that held it out. That network was
            chosen by its held-out images, so that the scores flatter a little.
    """

    folder: Path
    folds: tuple[FoldResult, ...]
    evaluation: Evaluation

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        folds = [
            {"folder": each.folder.name, "images": list(each.images), "best": asdict(each.best)} for each in self.folds
        ]
        return {"folds": folds, "out_of_fold": self.evaluation.to_dict()}


def check_fold_folder(folder: Path, folds: int | None, *, resume: bool) -> None:
    """Raise TrainingError unless a training of so many folds may begin or continue in a folder."""
    if folder.exists() and not folder.is_dir():
        raise TrainingError(f"{folder} is a file; a run needs a folder")
    if has_run(folder):
        raise TrainingError(f"there is a run without folds in {folder}; choose another folder")
    if not has_run(fold_folder(folder, 0)):
        return
    if not resume:
        raise TrainingError(
            f"there is a run in {folder} already: continue it with resume=True, or choose another folder"
        )
    before = read_tables(fold_folder(folder, 0)).get("data", {}).get("folds")
    if before != folds:
        raise TrainingError(f"the run in {folder} has {before} folds, not {folds}; resume with the same number")


def fold_recipe(recipe: Recipe, fold: int, folder: Path) -> Recipe:
    """The recipe of the training of one fold, of that of all in a folder; each is as long as the first."""
    first = read_run(fold_folder(folder, 0)) if fold else None
    training = recipe.training
    if first:
        training = replace(training, steps=first.options.steps, epochs=first.options.epochs)
    return replace(recipe, data=replace(recipe.data, fold=fold, hash=""), training=training)


def result_of(fit: Fit, survey: Survey) -> FoldResult:
    """What is kept of the training of a fold."""
    names = tuple(survey.names[index] for index in survey.splits["val"])
    return FoldResult(fit.folder, names, fit.best, fit.tile)


def finish_folds(folder: Path, survey: Survey, folds: Sequence[FoldResult], device: str | None) -> FoldsFit:
    """Measure the network of each fold on its held-out images, and write scores and recipe into the folder.

    Args:
        folder: of the folds' runs.
        survey: of the whole data set.
        folds: what the trainings gave.
        device: of the training.

    Raises:
        WriteError: a file cannot be written.
    """
    _write_recipe(folder, survey.digest)
    surveys = folds_of(survey, len(folds))
    measurement = Measurement(survey.class_names)
    for part, fold in zip(surveys, folds, strict=True):
        network = on_device(load(fold.folder / BEST), device)
        measurement.counted = survey.class_names[1:] if network.config.objects else ()
        measure_images(network, part.dataset("val"), measurement, Tiling(tile=fold.tile))
    bootstrap = Bootstrap(len(measurement.cases), resamples=_RESAMPLES, seed=0)
    evaluation = replace(measurement.summed_up(bootstrap, resamples=_RESAMPLES, seed=0), split="out of fold")
    result = FoldsFit(folder, tuple(folds), evaluation)
    write_text(folder / FOLDS, json.dumps(result.to_dict(), indent=2) + "\n")
    return result


def _write_recipe(folder: Path, survey_hash: str) -> None:
    """Write the recipe of all folds, which is that of the first but for the data."""
    first = Recipe.load(fold_folder(folder, 0))
    replace(first, data=replace(first.data, fold=None, hash=survey_hash)).save(folder / RECIPE)
