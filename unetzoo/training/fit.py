"""Train a network on a data set."""

from collections.abc import Sequence
from pathlib import Path

from unetzoo.data.find import Data
from unetzoo.data.masks.options import Classes, Masks, Value
from unetzoo.data.open import survey_of
from unetzoo.data.sources.cuts import SplitBy
from unetzoo.data.survey.survey import Survey
from unetzoo.nn.normalization import Normalizations
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.wrapped import segmenter_of
from unetzoo.training.finish import Fit
from unetzoo.training.one_run import run_training
from unetzoo.training.options import FitOptions
from unetzoo.training.progress import FitListener
from unetzoo.training.recipe import DataRecipe
from unetzoo.training.reproduce import recipe_in_python


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
    split_by: SplitBy = "auto",
    slices: int | None = None,
    axis: str | None = None,
    nested: Sequence[str] = (),
    spacing: Sequence[float] = (),
    normalization: Normalizations = (),
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
        model: a network of `create`, with one logit a class, or a single one for two classes; with
            `labels="overlapping"` for masks whose classes may overlap; or with objects, of
            which masks number those of one class, or the components of each class are objects. If it is compiled or
            parallel, the network inside is trained, and accelerate makes it parallel.
        data: a folder, a file that lists pairs, a Hugging Face data set or a named one, as `unetzoo data check` reads;
            `{"train": dataset, "val": dataset}`; or a single `Dataset`, a fifth of which is held out for validation.
        out: folder of the run; must not hold one, unless `resume`.
        options: of the training; None: the defaults.
        start: a trained network, of `load` or `pull`, with the encoder of `model`, which takes over what fits of it:
            the encoder, a decoder of the same kind, and the logits of classes with the same names, see
            `unetzoo.inherit`. Images are normalized as by that network: by the same `normalization` unless another is
            given, or else by the statistics of the new data, which bring them to the same mean and standard deviation.
        classes: names of the classes, perhaps with their values in masks; None: what the masks say, or with `resume`
            what they meant before.
        channels: names of the channels of the images, such as `["red", "green", "nir"]`, which are saved with the
            network; empty: not known, or with `resume` as before.
        masks: as for `unetzoo.survey`. For a network of objects masks in files number these, unless classes or a
            threshold are given.
        ignore: values or colors of masks whose pixels do not count, such as `0`, `[0, -9999]` or `"#000000"`.
        threshold: masks with soft edges: the smallest value of the foreground.
        nearest_color: read colors and values of no class as the nearest one of a class.
        split_by: what is divided among splits where the data has none, images or blocks of their ground; as for
            `unetzoo.survey`.
        slices: volumes: neighboring slices that are the channels of an image, 1, 3 or 5; as for `unetzoo.survey`. The
            network remembers it, and `predict_files` and `evaluate` read volumes in the same way.
        axis: volumes: along which slices follow one another, `"z"`, `"y"` or `"x"`; as for `unetzoo.survey`.
        nested: classes that may overlap, each of which contains the next, such as `["whole", "core"]`: of a prediction,
            pixels of the inner one that are outside of the outer one are dropped.
        spacing: distance between pixels along (y, x), of volumes for a network over three axes (z, y, x), to which
            images and masks are resampled, in the unit of length of the first file. Those within 10 % are left as they
            are. The network remembers it, and `predict_files` and `evaluate` resample images in the same way and bring
            results back. Empty: images are not resampled.
        normalization: how the values of all channels, or of each, are normalized: `"z-score"`, by mean and standard
            deviation of the channel in the whole image or volume; `"z-score of nonzero"`, likewise, where not all
            channels are 0; `"to 0..1"`, by its extremes; `"none"`; or a `unetzoo.ClipNormalization`, whose numbers
            `unetzoo.plan` finds. It is saved with the network, so that `predict` and `evaluate` do likewise. Empty: by
            mean and standard deviation of all images, or with `resume` as before.
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
    model = segmenter_of(model, "trained")
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
        normalization=normalization,
    )
    recipe = recipe_in_python(model, data, said, options, start)
    if isinstance(data, Survey):
        survey_of(
            data, recipe.data.mask_options, trained=None, split_by=split_by, slicing=recipe.data.slicing
        )  # refuses options that it knows already
    return run_training(model, data, Path(out), recipe, start=start, resume=resume, listener=listener or FitListener())
