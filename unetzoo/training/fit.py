"""Train a network on a data set, from a survey of its images to the best weights."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from unetzoo._utils.locks import locked
from unetzoo._utils.workers import refuse_to_run_in_workers
from unetzoo.assembly import create_loss
from unetzoo.data.dataset import Dataset
from unetzoo.data.masks.options import Classes, MaskOptions, Masks, Value
from unetzoo.data.open import Data, survey_of
from unetzoo.data.survey.statistics import Statistics
from unetzoo.data.survey.survey import Survey
from unetzoo.errors import OptionError
from unetzoo.evaluation.masks import check_fits
from unetzoo.nn.coding import UNKNOWN
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.wrapped import segmenter_of
from unetzoo.training.augment import Augmentation
from unetzoo.training.crops import CropDataset
from unetzoo.training.distributed import accelerating, share_batches
from unetzoo.training.loop import Listener, Parts, Supervised, Training
from unetzoo.training.optim import DenseAdamW, averaged, rate_of
from unetzoo.training.options import FitOptions, Plan
from unetzoo.training.progress import Epoch
from unetzoo.training.run import begin, check_folder, forget, read_run
from unetzoo.training.stopping import explained
from unetzoo.weights.folder import BEST, load
from unetzoo.weights.rebuilt import check_rebuilt

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(frozen=True)
class Fit:
    """What a training gave.

    Attributes:
        folder: of the run: `best/` is what `unetzoo.load` reads, `history.jsonl` has a line an epoch, `curves.png` and
            `predictions.png` are to be looked at.
        model: the best network, in evaluation mode.
        epochs: what each epoch gave.
        is_main: whether this process, of several, is the one that writes and tells.
    """

    folder: Path
    model: Segmenter
    epochs: tuple[Epoch, ...]
    is_main: bool = True

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
    classes: Classes | None = None,
    masks: Masks = "auto",
    ignore: Sequence[Value] | Value = (),
    threshold: float | None = None,
    nearest_color: bool = False,
    resume: bool = False,
    listener: Listener | None = None,
) -> Fit:
    """Train a network in place, and keep the best one.

    The engine is accelerate: processes that `torchrun` started train together, on several GPUs or machines. Each
    computes the loss of its share of a batch, and all follow the mean: for a loss of single pixels that of one process,
    for one of whole batches, such as Dice's, nearly. Batch norms of several GPUs see whole batches, of CPUs shares.

    Images are read and checked once before anything is written. Torch's random state is left as it was.

    Args:
        model: of `create`, with one logit a class, or a single one for two classes; of one that is compiled or
            parallel, the network inside is trained, and accelerate makes it parallel.
        data: what `unetzoo data check` reads: a folder, a file that lists pairs, a Hugging Face data set, a named one;
            `{"train": dataset, "val": dataset}`, or a single `Dataset`, of which a fifth is held out for validation.
        out: folder of the run; it must not hold one, unless `resume`.
        options: of the training; None: the defaults.
        classes: names of the classes, perhaps with their values in masks; None: what the masks say, or with `resume`
            what they meant before.
        masks: `"instances"`: masks number the objects of one class.
        ignore: values or colours of masks whose pixels do not count, such as `0`, `[0, -9999]` or `"#000000"`.
        threshold: values of masks of at least this are the foreground, where edges are soft.
        nearest_color: a colour or value of no class stands for the nearest one of a class.
        resume: go on from the last checkpoint in `out`, with the same options, or with more epochs and steps; from the
            start where there is none.
        listener: is told of every step and epoch.

    Returns:
        The best network by the mean IoU of the validation images, and what each epoch gave. Where there are no
        validation images it is the last one.

    Raises:
        MissingExtraError: accelerate, torchmetrics or matplotlib is not installed.
        DataError: the data cannot be trained on; says why, with the names of the files.
        OptionError, ShapeError: the network does not fit the data, or options do not fit.
        TrainingError: a run is there already; out of memory; the loss is no number; a signal came.
        BusyError: another process trains in `out`.
        WriteError: history or pictures cannot be written.
    """
    refuse_to_run_in_workers("unetzoo.fit")
    mask_options = MaskOptions(classes, masks, ignore, threshold, nearest_color)
    options, listener, folder = options or FitOptions(), listener or Listener(), Path(out)
    model = segmenter_of(model, "trained")
    check_rebuilt(model)
    check_folder(folder, resume=resume)
    before = read_run(folder) if resume else None
    _check_weights(model)
    with accelerating(options, folder) as accelerator, _alone(folder, accelerator, resume=resume):
        found = survey_of(data, mask_options, trained=before.info if before else None)
        statistics = found.statistics
        check_fits(model, statistics.class_names, statistics.channels)
        plan = options.plan(statistics, model.config.classes)
        if accelerator.is_main_process:
            begin(folder, options, model.config, statistics)
        accelerator.wait_for_everyone()
        model.config = replace(model.config, info=statistics.info)  # validation normalises images as training does
        if options.activation_checkpointing:
            model.checkpoint_activations()
        parts = _parts(model, options, plan, accelerator)
        training = Training(accelerator, parts, options, plan, statistics.info, folder)
        crops = _crops(found.dataset("train"), statistics, options, plan)
        with explained(options.batch, plan.crop), _kept_once_begun(training):
            training.run(crops, found.dataset("val"), _recording(training, listener, resume=resume), resume=resume)
        return _finish(model, training, found)


def _check_weights(model: Segmenter) -> None:
    """Raise OptionError unless there is a weight to train, and all are of float32."""
    weights = list(model.parameters())
    if not any(weight.requires_grad for weight in weights):
        raise OptionError("no weight of the network is to be trained: requires_grad is False for all of them")
    others = sorted({str(weight.dtype).removeprefix("torch.") for weight in weights} - {"float32"})
    if others:
        raise OptionError(
            f"fit trains weights of float32, but these are {' and '.join(others)}: give it model.float(), and "
            "precision='bfloat16' for mixed precision"
        )


@contextmanager
def _alone(folder: Path, accelerator: "Accelerator", *, resume: bool) -> Iterator[None]:
    """Hold the folder of a run, so that no other training begins or goes on there meanwhile."""
    if not accelerator.is_main_process:
        yield
        return
    with locked(folder, "trains"):
        check_folder(folder, resume=resume)  # again: another training may have ended there since
        yield


def _parts(model: Segmenter, options: FitOptions, plan: Plan, accelerator: "Accelerator") -> Parts:
    model.to(accelerator.device)
    share_batches(model, accelerator)
    optimizer = _optimizer(model, options, accelerator.device)
    schedule = LambdaLR(optimizer, rate_of(options.schedule, steps=plan.steps, warm_up=options.warm_up))
    clip = None if isinstance(optimizer, DenseAdamW) else options.clip  # that one clips, too
    loss = create_loss(plan.loss, ignore_index=UNKNOWN).to(accelerator.device)
    average = averaged(model, options.average) if options.average else None
    supervised = Supervised(model, options.supervision)
    network, optimizer, schedule = accelerator.prepare(supervised, optimizer, schedule)
    return Parts(model, network, supervised.reductions, average, loss, optimizer, schedule, clip)


def _optimizer(model: Segmenter, options: FitOptions, device: torch.device) -> AdamW:
    groups = _groups(model, options)
    if device.type == "cpu":
        return DenseAdamW(groups, weight_decay=options.weight_decay, clip=options.clip)
    return AdamW(groups, weight_decay=options.weight_decay)


def _groups(model: Segmenter, options: FitOptions) -> list[dict[str, Any]]:
    """The weights by learning rate, and by whether they decay: biases and norms do not."""
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        rate = options.encoder_rate if name.startswith("encoder.") else 1.0
        groups.setdefault((rate, parameter.ndim > 1), []).append(parameter)
    return [
        {"params": parameters, "lr": rate * options.learning_rate} | ({} if decays else {"weight_decay": 0.0})
        for (rate, decays), parameters in groups.items()
    ]


def _crops(samples: Dataset, statistics: Statistics, options: FitOptions, plan: Plan) -> CropDataset:
    augmentation = Augmentation(options.augment, crop=plan.crop, elastic=options.elastic)
    return CropDataset(
        samples,
        statistics.info,
        count=plan.steps * options.batch,
        crop=plan.crop,
        balance=options.balance,
        augmentation=augmentation,
        seed=options.seed,
    )


def _recording(training: Training, listener: Listener, *, resume: bool) -> Listener:
    """The user's listener, and what writes the history, too."""
    from unetzoo.training.validate import write_history

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
            accelerator.log({name: value for name, value in numbers.items() if value is not None}, step=epoch.step)

    told = listener if accelerator.is_main_process else Listener()
    return replace(told, on_epoch=on_epoch)


@contextmanager
def _kept_once_begun(training: Training) -> Iterator[None]:
    """Leave no run behind that failed before its first step was done: the next command is likely the corrected one."""
    try:
        yield
    except BaseException:
        if not training.progress.step and training.accelerator.is_main_process:
            forget(training.folder)
        raise


def _finish(model: Segmenter, training: Training, found: Survey) -> Fit:
    """The best network, and pictures of what it does."""
    from unetzoo.training.validate import draw_curves, draw_predictions

    accelerator, folder = training.accelerator, training.folder
    accelerator.wait_for_everyone()
    best = load(folder / BEST)
    model.load_state_dict(best.state_dict())
    model.config = best.config
    model.eval()
    if accelerator.is_main_process:
        draw_curves(folder, training.progress.epochs)
        draw_predictions(model, found.dataset("val"), folder, training.judge)
    return Fit(folder, model, tuple(training.progress.epochs), accelerator.is_main_process)
