"""Cross-validation: a training for each fold, and the scores of each image by the network that did not see it."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from unetzoo._utils.atomic import write_text
from unetzoo.data.survey.folds import folds_of
from unetzoo.data.survey.survey import Survey
from unetzoo.errors import TrainingError
from unetzoo.evaluation.bootstrap import Bootstrap
from unetzoo.evaluation.evaluate import Tiling, measure_cases
from unetzoo.evaluation.measure import Evaluation, Measurement
from unetzoo.evaluation.tune_masks import MaskTuning, Part, tune_parts
from unetzoo.inference.devices import on_device
from unetzoo.nn.ensemble import without_postprocessing
from unetzoo.nn.wrapped import network_of
from unetzoo.training.finish import Fit
from unetzoo.training.progress import Epoch
from unetzoo.training.recipe import Recipe
from unetzoo.training.recipe_file import RECIPE, read_tables
from unetzoo.training.run import has_run, read_run
from unetzoo.weights.folder import BEST, FOLDS, fold_folder, load, write

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
        tuning: of the post-processing that all networks got, chosen on these images together; None for networks of
            objects, whose decoders are tuned each on its own images.
        processed: as `evaluation`, with the post-processing; None if none was chosen. It was chosen on these images, so
            that the scores flatter.
    """

    folder: Path
    folds: tuple[FoldResult, ...]
    evaluation: Evaluation
    tuning: MaskTuning | None = None
    processed: Evaluation | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        folds = [
            {"folder": each.folder.name, "images": list(each.images), "best": asdict(each.best)} for each in self.folds
        ]
        return {
            "folds": folds,
            "out_of_fold": self.evaluation.to_dict(),
            "tuning": self.tuning and self.tuning.to_dict(),
            "out_of_fold_processed": self.processed and self.processed.to_dict(),
        }


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

    Post-processing that is chosen on these images together is stored with each network.

    Args:
        folder: of the folds' runs.
        survey: of the whole data set.
        folds: what the trainings gave.
        device: of the training.

    Raises:
        WriteError: a file cannot be written.
    """
    _write_recipe(folder, survey.digest)
    pairs = list(zip(folds, folds_of(survey, len(folds)), strict=True))

    def parts(*, raw: bool) -> Iterator[Part]:
        for fold, held_out in pairs:
            network = on_device(load(fold.folder / BEST), device)
            yield Part(without_postprocessing(network) if raw else network, held_out.dataset("val"), fold.tile)

    evaluation = _evaluated(parts(raw=True), survey)
    config = load(folds[0].folder / BEST).config
    has_masks = not config.objects and config.labels == "exclusive"
    tuning = tune_parts(parts(raw=True)) if has_masks else None
    if tuning:
        for fold in folds:
            network = load(fold.folder / BEST)
            network.config = replace(network.config, postprocessing=tuning.postprocessing)
            write(network, fold.folder / BEST)
    processed = _evaluated(parts(raw=False), survey) if tuning and tuning.postprocessing else None
    result = FoldsFit(folder, tuple(folds), evaluation, tuning, processed)
    write_text(folder / FOLDS, json.dumps(result.to_dict(), indent=2) + "\n")
    return result


def _evaluated(parts: Iterable[Part], survey: Survey) -> Evaluation:
    """The scores of all images of several networks together."""
    measurement = Measurement(survey.class_names)
    for model, dataset, tile in parts:
        measurement.counted = survey.class_names[1:] if network_of(model).config.objects else ()
        measure_cases(model, dataset, measurement, Tiling(tile=tile))
    bootstrap = Bootstrap(len(measurement.cases), resamples=_RESAMPLES, seed=0)
    return replace(measurement.summed_up(bootstrap, resamples=_RESAMPLES, seed=0), split="out of fold")


def _write_recipe(folder: Path, survey_hash: str) -> None:
    """Write the recipe of all folds, which is that of the first but for the data."""
    first = Recipe.load(fold_folder(folder, 0))
    replace(first, data=replace(first.data, fold=None, hash=survey_hash)).save(folder / RECIPE)
