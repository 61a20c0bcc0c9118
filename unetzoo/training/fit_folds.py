"""Cross-validation of a network on a data set, in Python."""

import copy
import warnings
from collections.abc import Sequence
from pathlib import Path

from unetzoo.data.find import Data
from unetzoo.data.masks.options import Classes, Masks, Value
from unetzoo.data.open import survey_of
from unetzoo.data.sources.cuts import SplitBy
from unetzoo.data.survey.folds import folds_of
from unetzoo.data.survey.survey import Survey
from unetzoo.errors import DataWarning
from unetzoo.nn.normalization import Normalizations
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.wrapped import segmenter_of
from unetzoo.training.folds import FoldsFit, check_fold_folder, finish_folds, fold_recipe, result_of
from unetzoo.training.one_run import run_training
from unetzoo.training.options import FitOptions
from unetzoo.training.progress import FitListener
from unetzoo.training.recipe import DataRecipe
from unetzoo.training.reproduce import recipe_in_python
from unetzoo.training.run import read_run
from unetzoo.weights.folder import fold_folder


def fit_folds(
    model: Segmenter,
    data: Data,
    out: str | Path,
    *,
    folds: int = 5,
    options: FitOptions | None = None,
    start: Segmenter | None = None,
    classes: Classes | None = None,
    channels: Sequence[str] = (),
    masks: Masks = "auto",
    ignore: Sequence[Value] | Value = (),
    threshold: float | None = None,
    nearest_color: bool = False,
    split_by: SplitBy = "auto",
    slices: int | None = None,
    axis: str | None = None,
    nested: Sequence[str] = (),
    spacing: Sequence[float] = (),
    normalization: Normalizations = (),
    resume: bool = False,
    listener: FitListener | None = None,
) -> FoldsFit:
    """Train a network for each of several folds of a data set, and measure each on the images that it did not see.

    The images for training and validation are dealt to the folds; those for the test take no part. Images of one group
    stay in one fold, and classes are spread evenly (`unetzoo.data.survey.folds`). Each fold is a run of its own in
    `out/fold-0`, `out/fold-1`, ..., one after the other.

    Args:
        model: as for `fit`; each training begins with its weights, and it stays as it is.
        data: as for `fit`.
        out: folder of the folds' runs.
        folds: number of folds, at least 2 and at most that of groups of images.
        options: as for `fit`, of each training.
        start: as for `fit`, of each training.
        classes: as for `fit`.
        channels: as for `fit`.
        masks: as for `fit`.
        ignore: as for `fit`.
        threshold: as for `fit`.
        nearest_color: as for `fit`.
        split_by: as for `fit`; folds are of whole images, so that it must not be blocks.
        slices: as for `fit`.
        axis: as for `fit`.
        nested: as for `fit`.
        spacing: as for `fit`.
        normalization: as for `fit`.
        resume: continue the folds that have begun, and train the others.
        listener: as for `fit`, of each training.

    Returns:
        The scores of all images with 95 % intervals, which `out/folds.json` has, too.

    Raises:
        DataError: as `fit`; there are fewer groups of images than folds.
        UnetzooError: as `fit`.
    """
    model, out = segmenter_of(model, "trained"), Path(out)
    said = DataRecipe(
        classes=classes,
        channels=tuple(channels),
        masks=masks,
        ignore=ignore,
        threshold=threshold,
        nearest_color=nearest_color,
        split_by=split_by,
        slices=slices,
        axis=axis,
        nested=nested,
        spacing=spacing,
        folds=folds,
        normalization=normalization,
    )
    recipe = recipe_in_python(model, data, said, options, start)
    check_fold_folder(out, folds, resume=resume)
    run = read_run(fold_folder(out, 0)) if resume else None
    is_of_objects = bool(model.config.objects)
    survey = survey_of(
        data,
        said.mask_options,
        trained=run.info if run else None,
        objects=is_of_objects,
        split_by=split_by,
        slicing=recipe.slicing,
    )
    for text in () if isinstance(data, Survey) else survey.warnings:
        warnings.warn(text, DataWarning, stacklevel=2)
    results = []
    for fold, part in enumerate(folds_of(survey, folds)):
        fit = run_training(
            copy.deepcopy(model),
            part,
            fold_folder(out, fold),
            fold_recipe(recipe, fold, out),
            start=start,
            resume=resume,
            listener=listener or FitListener(),
        )
        results.append(result_of(fit, part))
    return finish_folds(out, survey, results, recipe.training.device)
