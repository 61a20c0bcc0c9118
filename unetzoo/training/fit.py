"""Train a network on a data set."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from unetzoo._utils.locks import locked
from unetzoo._utils.texts import count_of
from unetzoo._utils.workers import refuse_to_run_in_workers
from unetzoo.data.dataset import Dataset
from unetzoo.data.masks.options import Classes, MaskOptions, Masks, Value
from unetzoo.data.objects import numbers_objects
from unetzoo.data.open import Data, survey_of
from unetzoo.data.survey.survey import Survey
from unetzoo.errors import DataWarning, OptionError
from unetzoo.evaluation.masks import check_fits
from unetzoo.evaluation.tune import OnStep, Tuning, tune_on
from unetzoo.nn.config import ModelConfig
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.wrapped import segmenter_of
from unetzoo.training.augment import Augmentation
from unetzoo.training.crops import CropDataset
from unetzoo.training.distributed import accelerating
from unetzoo.training.loop import Training
from unetzoo.training.options import FitOptions, Plan
from unetzoo.training.progress import Epoch, FitListener
from unetzoo.training.run import begin, check_folder, discard, read_run
from unetzoo.training.start import inherit_start, lineage_with, with_channels, with_encoder_rate
from unetzoo.training.stopping import explaining
from unetzoo.training.target import target_of
from unetzoo.training.validate import draw_curves, draw_predictions, write_history
from unetzoo.weights.folder import BEST, load, write
from unetzoo.weights.inherit import Inheritance
from unetzoo.weights.rebuilt import check_rebuilt

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(frozen=True)
class Fit:
    """Result of `fit`.

    Attributes:
        folder: folder of the run. `unetzoo.load` reads `best/`; `history.jsonl` has a line an epoch; `curves.png` and
            `predictions.png` show the training and what the network predicts.
        model: the best network, in evaluation mode.
        epochs: result of each epoch.
        is_main: whether this process, of several, is the one that writes and reports.
        tuning: of the options by which a network of objects decodes its maps; None without objects in validation
            images, and in processes that do not write.
        inheritance: what the network has of the one that the training began with; None without one, and for a run that
            was resumed.
    """

    folder: Path
    model: Segmenter
    epochs: tuple[Epoch, ...]
    is_main: bool = True
    tuning: Tuning | None = None
    inheritance: Inheritance | None = None

    @property
    def best(self) -> Epoch:
        """The epoch of the best network."""
        return next(epoch for epoch in reversed(self.epochs) if epoch.is_best)


def fit(
    model: Segmenter,
    data: Data,
    out: str | Path,
    *,
    options: FitOptions | None = None,
    start: Segmenter | None = None,
    classes: Classes | None = None,
    channels: Sequence[str] = (),
    masks: Masks = "auto",
    ignore: Sequence[Value] | Value = (),
    threshold: float | None = None,
    nearest_color: bool = False,
    resume: bool = False,
    listener: FitListener | None = None,
) -> Fit:
    """Train a network in place, and keep the best one.

    The engine is accelerate: processes that `torchrun` starts train together, on several GPUs or machines. Each
    computes the loss of its share of a batch, and all follow the mean. For a loss of single pixels this is the loss of
    one process; for a loss of whole batches, such as Dice, it is close. Batch norms see the whole batch on GPUs, and
    the share of the process on CPUs.

    Images are read and checked once before anything is written; what is doubtful about the data is a `DataWarning`,
    unless it is given as a `Survey`, which lists it. Torch's random state is left as it was.

    Args:
        model: a network of `create`, with one logit a class, or a single one for two classes; or with objects, of
            which masks number those of one class, or the components of each class are objects. If it is compiled or
            parallel, the network inside is trained, and accelerate makes it parallel.
        data: a folder, a file that lists pairs, a Hugging Face data set or a named one, as `unetzoo data check` reads;
            `{"train": dataset, "val": dataset}`; or a single `Dataset`, a fifth of which is held out for validation.
        out: folder of the run; must not hold one, unless `resume`.
        options: of the training; None: the defaults.
        start: a trained network, of `load` or `pull`, with the encoder of `model`, which takes over what fits of it:
            the encoder, a decoder of the same kind, and the logits of classes with the same names, see
            `unetzoo.inherit`. Images are normalized by the statistics of the new data, which brings them to the
            same mean and standard deviation as those of the earlier training.
        classes: names of the classes, perhaps with their values in masks; None: what the masks say, or with `resume`
            what they meant before.
        channels: names of the channels of the images, such as `["red", "green", "nir"]`, which are saved with the
            network; empty: not known, or with `resume` as before.
        masks: `"instances"`: masks number the objects of one class. For a network of objects those in files do so, too,
            unless classes or a threshold are given.
        ignore: values or colors of masks whose pixels do not count, such as `0`, `[0, -9999]` or `"#000000"`.
        threshold: masks with soft edges: the smallest value of the foreground.
        nearest_color: read colors and values of no class as the nearest one of a class.
        resume: continue from the last checkpoint in `out`, with the same options, or with more epochs and steps; start
            a new run if there is none. `start` need not be given again.
        listener: functions that are called after every step and epoch.

    Returns:
        The best network by the mean IoU of the validation images, or by the average precision of their objects, and the
        result of each epoch. Without validation images it is the last network.

    Raises:
        MissingExtraError: accelerate or matplotlib is not installed.
        DataError: the data cannot be used for training; says why, with the names of the files.
        OptionError, ShapeError: the network does not fit the data, `start` does not fit the network, or the options are
            invalid.
        TrainingError: there is a run already; out of memory; the loss is not finite; a signal came.
        BusyError: another process trains in `out`.
        WriteError: history or pictures cannot be written.
    """
    refuse_to_run_in_workers("unetzoo.fit")
    mask_options = MaskOptions(classes, masks, ignore, threshold, nearest_color)
    options, listener, folder = options or FitOptions(), listener or FitListener(), Path(out)
    model = segmenter_of(model, "trained")
    check_rebuilt(model)
    check_folder(folder, resume=resume)
    run = read_run(folder) if resume else None
    options = with_encoder_rate(options, run, start)
    _check_weights(model)
    with accelerating(options, folder) as accelerator, _lock(folder, accelerator, resume=resume):
        survey = survey_of(data, mask_options, trained=run.info if run else None, objects=bool(model.config.objects))
        statistics = with_channels(survey.statistics, channels, run)
        check_fits(model, statistics.class_names, statistics.channels)
        plan = options.plan(statistics, model.config.classes, objects=bool(model.config.objects))
        inheritance = inherit_start(model, start, statistics, run)
        info = replace(statistics.info, lineage=lineage_with(inheritance, run))
        if accelerator.is_main_process:
            _warn(model, survey, is_known=isinstance(data, Survey), is_resumed=run is not None)
            begin(folder, options, model.config, statistics, info.lineage)
            if inheritance:
                listener.on_inherit(inheritance)
        accelerator.wait_for_everyone()
        model.config = replace(model.config, info=info)  # validation normalizes images as training does
        if options.activation_checkpointing:
            model.checkpoint_activations()
        training = Training(accelerator, model, options, plan, info, folder)
        crops = _crops(survey.dataset("train"), model.config, options, plan)
        with explaining(options.batch, plan.crop), _discard_run_before_first_step(training):
            training.run(crops, survey.dataset("val"), _recording(training, listener, resume=resume), resume=resume)
        return replace(_finish(training, survey, listener.on_tune), inheritance=inheritance)


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


def _warn(model: Segmenter, survey: Survey, *, is_known: bool, is_resumed: bool) -> None:
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
    for text in () if is_known else survey.warnings:
        warnings.warn(text, DataWarning, stacklevel=3)
    if model.config.objects and not numbers_objects(survey.dataset("train")):
        warnings.warn(
            "the masks do not number objects, so that the connected components of a class are taken for objects: those "
            "that touch are one; masks='instances' (--masks instances) says that masks number them",
            DataWarning,
            stacklevel=3,
        )


def _crops(samples: Dataset, config: ModelConfig, options: FitOptions, plan: Plan) -> CropDataset:
    return CropDataset(
        samples,
        config.info,
        count=plan.steps * options.batch,
        crop=plan.crop,
        balance=options.balance,
        augmentation=Augmentation(options.augment, crop=plan.crop, elastic=options.elastic),
        seed=options.seed,
        target=target_of(config),
    )


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


def _finish(training: Training, survey: Survey, on_tune: OnStep) -> Fit:
    """The best network, and pictures of the training and of its predictions."""
    accelerator, folder, model = training.accelerator, training.folder, training.model
    validation, is_main = survey.dataset("val"), accelerator.is_main_process
    accelerator.wait_for_everyone()
    tuning = _tune(training, validation, on_tune) if is_main and model.config.objects else None
    accelerator.wait_for_everyone()
    best = load(folder / BEST)
    model.load_state_dict(best.state_dict())
    model.config = best.config
    model.eval()
    if is_main:
        draw_curves(folder, training.progress.epochs)
        draw_predictions(model, validation, folder, training.validator)
    return Fit(folder, model, tuple(training.progress.epochs), is_main, tuning)


def _tune(training: Training, validation: Dataset, on_tune: OnStep) -> Tuning | None:
    """Tune how the best network decodes objects, beginning with the options of the training, and save it so."""
    folder = training.folder / BEST
    best = load(folder).to(training.accelerator.device)
    best.config = replace(best.config, objects_options=training.model.config.objects_options)
    tuning = tune_on(best, validation, tile=training.validator.tile, on_step=on_tune)
    if tuning is not None:
        info = best.config.info
        scores = {f"AP of objects, decoder tuned on {count_of(tuning.images, 'image')}": tuning.after, **info.metrics}
        best.config = replace(best.config, objects_options=tuning.options, info=replace(info, metrics=scores))
        write(best, folder)
    return tuning
