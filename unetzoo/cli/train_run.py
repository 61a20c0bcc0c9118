"""Run the training of `unetzoo train`, or one for each fold."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from unetzoo._utils.texts import count_of
from unetzoo.cli.evaluate import class_table
from unetzoo.cli.flags import in_flags
from unetzoo.cli.output import say, show, show_result
from unetzoo.cli.progress import is_first_process
from unetzoo.cli.train_output import listening, say_result
from unetzoo.cli.tune import mask_table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from unetzoo.data.survey.survey import Survey
    from unetzoo.nn.segmenter import Segmenter
    from unetzoo.training.finish import Fit
    from unetzoo.training.folds import FoldsFit
    from unetzoo.training.recipe import Recipe

_SIGNAL_EXIT = 128  # plus its number, as shells count


def train_one(
    survey: "Survey",
    out: Path,
    recipe: "Recipe",
    *,
    start: "Segmenter | None",
    resume: bool,
    json: str | None = None,
) -> "Fit":
    """Train the network of a recipe, and say how it goes; a signal ends the command."""
    from unetzoo._utils.memory import keep_freed_memory
    from unetzoo.training.one_run import run_training
    from unetzoo.training.reproduce import create_network
    from unetzoo.training.run import has_run
    from unetzoo.training.stopping import TrainingStoppedError

    keep_freed_memory()
    model = create_network(recipe, survey.statistics, is_resumed=resume and has_run(out))
    try:
        with listening(model, survey, recipe) as listener:
            result = run_training(model, survey, out, recipe, start=start, resume=resume, listener=listener)
    except TrainingStoppedError as stopped:
        text = in_flags(str(stopped), {"resume": "--resume"})
        say("stopped:", "yellow", text.removeprefix("stopped "))
        raise typer.Exit(_SIGNAL_EXIT + stopped.signal) from stopped
    if result.is_main:
        say_result(result, json)
    return result


def train_folds(
    survey: "Survey", out: Path, recipe: "Recipe", *, start: "Segmenter | None", resume: bool, json: str | None
) -> None:
    """Train the network of each fold, and say the scores of all images."""
    from unetzoo.data.survey.folds import folds_of
    from unetzoo.training.folds import finish_folds, fold_recipe, result_of
    from unetzoo.training.reproduce import check_data
    from unetzoo.weights.folder import fold_folder

    check_data(recipe, survey)
    parts, results = folds_of(survey, recipe.data.folds or 1), []
    for fold, part in enumerate(parts):
        if is_first_process():
            show(f"fold {fold + 1} of {len(parts)}: {count_of(len(part.splits['val']), part.noun)} held out")
        own = fold_recipe(recipe, fold, out)
        result = train_one(part, fold_folder(out, fold), own, start=start, resume=resume)
        results.append(result_of(result, part))
    if is_first_process():
        _say_scores(finish_folds(out, survey, results, recipe.training.device), json)


def _say_scores(result: "FoldsFit", json: str | None) -> None:
    from unetzoo.evaluation.measure import interval_note
    from unetzoo.weights.folder import FOLDS

    evaluation = result.evaluation
    images = count_of(len(evaluation.cases), evaluation.noun)
    notes = [note for note in (interval_note(evaluation),) if note]
    title = f"out of fold, {images}, each by the network that did not see it:"
    text: list[RenderableType] = [title, class_table(evaluation), *notes]
    if result.tuning:
        text += ["", "post-processing of all networks, chosen on these images:", mask_table(result.tuning)]
    text.append(f"scores: {result.folder / FOLDS}")
    show_result({"folder": str(result.folder), **result.to_dict()}, json, *text)
