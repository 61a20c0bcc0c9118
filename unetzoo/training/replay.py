"""Run a recipe."""

from pathlib import Path

from unetzoo.data.open import survey_of
from unetzoo.data.survey.folds import fold_of
from unetzoo.errors import OptionError
from unetzoo.training.finish import Fit
from unetzoo.training.one_run import run_training
from unetzoo.training.progress import FitListener
from unetzoo.training.recipe import Recipe
from unetzoo.training.reproduce import create_network
from unetzoo.training.run import read_run
from unetzoo.weights.named import load_named


def fit_recipe(
    recipe: Recipe | str | Path, out: str | Path, *, resume: bool = False, listener: FitListener | None = None
) -> Fit:
    """Train the network of a recipe on its data, as `unetzoo train --recipe` does.

    Args:
        recipe: a recipe; or its file, or the folder of the run that wrote it.
        out: folder of the new run, as for `fit`.
        resume: as for `fit`.
        listener: as for `fit`.

    Raises:
        OptionError: the recipe cannot be read, has an invalid value, does not name its data, or has several folds.
        DataError: the data is not that of the recipe.
        UnetzooError: as `fit`, `create` and `load` raise.
    """
    recipe = recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)
    if not recipe.data.source:
        raise OptionError("the recipe does not name its data, which was opened in Python: set data.source")
    if recipe.has_all_folds:
        raise OptionError(
            f"the recipe trains {recipe.data.folds} networks, one a fold: set data.fold to train one of them, or run "
            "`unetzoo train --recipe`"
        )
    objects = bool(recipe.network.objects)
    said = recipe.data
    survey = survey_of(
        said.source, said.mask_options, trained=None, objects=objects, split_by=said.split_by, slicing=recipe.slicing
    )
    survey = fold_of(survey, recipe.data.folds, recipe.data.fold)
    is_resumed = resume and read_run(Path(out)) is not None
    model = create_network(recipe, survey.statistics, is_resumed=is_resumed)
    start = load_named(recipe.network.start) if recipe.network.start and not is_resumed else None
    return run_training(
        model, survey, Path(out), recipe, start=start, resume=resume, listener=listener or FitListener()
    )
