"""One training, from the check of its data to its best network."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from unetzoo._utils.locks import locked
from unetzoo._utils.workers import refuse_to_run_in_workers
from unetzoo.data.dataset import Dataset
from unetzoo.data.find import Data
from unetzoo.data.objects import numbers_objects
from unetzoo.data.open import survey_of
from unetzoo.data.survey.bands import bands_of
from unetzoo.data.survey.nested import check_nested, doubts_of_nested
from unetzoo.data.survey.statistics import Statistics
from unetzoo.data.survey.survey import Survey
from unetzoo.errors import DataWarning, OptionError
from unetzoo.evaluation.masks import check_fits
from unetzoo.nn.config import ModelConfig
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.wrapped import segmenter_of
from unetzoo.training.augment import Augmentation
from unetzoo.training.crops import CropDataset
from unetzoo.training.distributed import accelerating
from unetzoo.training.finish import Fit, finish
from unetzoo.training.limit import within_the_hour
from unetzoo.training.loop import Training
from unetzoo.training.options import FitOptions, Plan
from unetzoo.training.progress import Epoch, FitListener
from unetzoo.training.recipe import Recipe
from unetzoo.training.recipe_file import RECIPE
from unetzoo.training.reproduce import complete
from unetzoo.training.run import Run, begin, check_folder, discard, read_run
from unetzoo.training.spacing import SpacedSurvey
from unetzoo.training.start import completed, inherit_start, lineage_with, normalization_of, pinned, with_channels
from unetzoo.training.stopping import explaining
from unetzoo.training.target import target_of
from unetzoo.training.validate import write_history
from unetzoo.weights.rebuilt import check_rebuilt

if TYPE_CHECKING:
    from accelerate import Accelerator


def run_training(
    model: Segmenter,
    data: Data,
    folder: Path,
    recipe: Recipe,
    *,
    start: Segmenter | None,
    resume: bool,
    listener: FitListener,
) -> Fit:
    """Train a network as `unetzoo.fit` does, whose other arguments are in a recipe.

    Args:
        model: of the recipe.
        data: of the recipe; a survey needs no options for masks.
        folder: of the run.
        recipe: of the training; it is completed and written into the folder.
        start: the trained network of the recipe.
        resume: as for `fit`.
        listener: as for `fit`.
    """
    refuse_to_run_in_workers("unetzoo.fit")
    model = segmenter_of(model, "trained")
    check_rebuilt(model)
    check_folder(folder, resume=resume)
    run = read_run(folder) if resume else None
    options = completed(recipe, run, model)
    _check_weights(model)
    with accelerating(options, folder) as accelerator, _lock(folder, accelerator, resume=resume):
        is_of_objects = bool(model.config.objects)
        survey = data if isinstance(data, Survey) else _survey(data, recipe, run, objects=is_of_objects)
        statistics = with_channels(survey.statistics, recipe.data.channels, run, bands_of(survey.readings))
        axes = len(statistics.largest)
        check_fits(model, statistics.class_names, statistics.channels, labels=statistics.labels, axes=axes)
        spaced = SpacedSurvey(survey, recipe.data.spacing)
        statistics = spaced.of(statistics)
        model.config = replace(model.config, postprocessing={})  # chosen for the weights before
        plan = options.plan(statistics, model.config.classes, objects=is_of_objects)
        if run is None and options.has_default_length:
            options = _within_the_hour(model, spaced, statistics, options, plan, accelerator)
            plan = options.plan(statistics, model.config.classes, objects=is_of_objects)
            recipe = replace(recipe, training=replace(recipe.training, steps=options.steps, epochs=options.epochs))
        normalization = normalization_of(recipe, statistics, run, start)
        recipe = replace(recipe, data=replace(recipe.data, normalization=normalization))
        inheritance = inherit_start(model, start, statistics, run, normalization)
        recipe = pinned(recipe, start)
        recipe = complete(recipe, model, survey, accelerator.device, folder if run else None)
        info = replace(
            statistics.info,
            nested=check_nested(recipe.data.nested, survey),
            lineage=lineage_with(inheritance, run),
            recipe=recipe.without_places().to_toml(),
            split_by=survey.split_by,
            slices=survey.slicing.slices or 0,
            slice_axis=survey.slicing.axis or "",
            normalization=normalization,
        )
        if accelerator.is_main_process:
            _warn(model, survey, recipe.data.nested, is_known=isinstance(data, Survey), is_resumed=run is not None)
            begin(folder, options, model.config, statistics, info)
            recipe.save(folder / RECIPE)
            if inheritance:
                listener.on_inherit(inheritance)
            listener.on_length(plan.steps, plan.epochs)
        accelerator.wait_for_everyone()
        model.config = replace(model.config, info=info)  # validation normalizes images as training does
        if options.activation_checkpointing:
            model.checkpoint_activations()
        training = Training(accelerator, model, options, plan, info, folder)
        crops = _crops(spaced.dataset("train", normalization), model.config, options, plan, statistics)
        validation = spaced.dataset("val", normalization)
        with explaining(options.batch, plan.crop), _discard_run_before_first_step(training):
            training.run(crops, validation, _recording(training, listener, resume=resume), resume=resume)
        return replace(finish(training, validation, listener.on_tune), inheritance=inheritance)


def _survey(data: Data, recipe: Recipe, run: Run | None, *, objects: bool) -> Survey:
    said, trained = recipe.data, run.info if run else None
    return survey_of(
        data, said.mask_options, trained=trained, objects=objects, split_by=said.split_by, slicing=recipe.slicing
    )


def _check_weights(model: Segmenter) -> None:
    """Raise OptionError unless all weights are float32, and at least one is trainable."""
    weights = list(model.parameters())
    if not any(weight.requires_grad for weight in weights):
        raise OptionError("the network has no trainable weight: requires_grad is False for all of them")
    others = sorted({str(weight.dtype).removeprefix("torch.") for weight in weights} - {"float32"})
    if others:
        raise OptionError(
            f"fit trains float32 weights, but these are {' and '.join(others)}: give it model.float(), and "
            "precision='bfloat16' for mixed precision"
        )


@contextmanager
def _lock(folder: Path, accelerator: "Accelerator", *, resume: bool) -> Iterator[None]:
    """Lock the folder of a run, so that no other training begins or continues there meanwhile."""
    if not accelerator.is_main_process:
        yield
        return
    with locked(folder, "trains"):
        check_folder(folder, resume=resume)  # again: another training may have ended there since
        yield


def _warn(model: Segmenter, survey: Survey, nested: Sequence[str], *, is_known: bool, is_resumed: bool) -> None:
    """Say what is doubtful about the data, unless its survey is known, and about what the network makes of it."""
    trained = tuple(model.config.info.class_names)
    if trained and not is_resumed and trained != survey.class_names:
        warnings.warn(
            f"the network was trained on the classes {', '.join(trained)}, the data has "
            f"{', '.join(survey.class_names)}: its logits begin as those of other classes; give it as start of a new "
            "network, which keeps those with the same names",
            DataWarning,
            stacklevel=3,
        )
    for text in [*(() if is_known else survey.warnings), *doubts_of_nested(nested, survey)]:
        warnings.warn(text, DataWarning, stacklevel=3)
    if model.config.objects and not numbers_objects(survey.dataset("train")):
        warnings.warn(
            "the masks do not number objects, so that the connected components of a class are taken for objects: those "
            "that touch are one; masks='instances' (--masks instances) says that masks number them",
            DataWarning,
            stacklevel=3,
        )


def _crops(
    samples: Dataset, config: ModelConfig, options: FitOptions, plan: Plan, statistics: Statistics
) -> CropDataset:
    return CropDataset(
        samples,
        config.info,
        count=plan.steps * options.batch,
        crop=plan.crop,
        balance=options.balance,
        augmentation=Augmentation.of(options, plan.crop, config.info.pixel_size if config.spatial_dims == 3 else ()),
        seed=options.seed,
        target=target_of(config),
        pixels=statistics.pixels,
    )


def _within_the_hour(
    model: Segmenter,
    spaced: SpacedSurvey,
    statistics: Statistics,
    options: FitOptions,
    plan: Plan,
    accelerator: "Accelerator",
) -> FitOptions:
    """The options of a training that nobody says the length of."""
    crops = _crops(spaced.dataset("train"), replace(model.config, info=statistics.info), options, plan, statistics)
    pixels = statistics.pixels * len(spaced.dataset("val")) // statistics.images
    with explaining(options.batch, plan.crop):
        return within_the_hour(model, crops, options, plan, accelerator, pixels=pixels)


def _recording(training: Training, listener: FitListener, *, resume: bool) -> FitListener:
    """The listener of the user that also writes the history and informs trackers."""
    accelerator, trackers = training.accelerator, training.options.trackers
    if trackers:
        run = {"name": training.folder.resolve().name, "resume": "allow" if resume else "never"}
        accelerator.init_trackers("unetzoo", init_kwargs={"trackio": run})

    def on_epoch(epoch: Epoch) -> None:
        if accelerator.is_main_process:
            write_history(training.folder, training.progress.epochs)
            listener.on_epoch(epoch)
        if trackers:
            numbers = {"loss": epoch.loss, "learning rate": epoch.learning_rate, "mean IoU": epoch.mean_iou}
            numbers["AP"] = epoch.average_precision
            accelerator.log({name: value for name, value in numbers.items() if value is not None}, step=epoch.step)

    return replace(listener if accelerator.is_main_process else FitListener(), on_epoch=on_epoch)


@contextmanager
def _discard_run_before_first_step(training: Training) -> Iterator[None]:
    """Remove a run that fails before its first step is done: the next command is likely the corrected one."""
    try:
        yield
    except BaseException:
        if not training.progress.step and training.accelerator.is_main_process:
            discard(training.folder)
        raise
