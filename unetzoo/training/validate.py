"""Scores of a network on the validation images, and the files of a run that show them."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from unetzoo._utils.atomic import whole_file, write_text
from unetzoo.data.dataset import Dataset, Sample
from unetzoo.data.formats.moments import MomentsOf
from unetzoo.data.formats.nodata import known_where_data
from unetzoo.data.objects import numbers_objects, object_ids
from unetzoo.data.sources.spaced import moments_at
from unetzoo.errors import OutOfMemoryError, TrainingError
from unetzoo.evaluation.instances import match_objects
from unetzoo.evaluation.masks import Prediction, object_pairs, predicted, tallies_of
from unetzoo.evaluation.objects import average_precision, no_objects
from unetzoo.evaluation.scores import Scores, count, iou, is_there, mean_of
from unetzoo.evaluation.sheet import Shown, draw_sheet
from unetzoo.inference.choices import SMALLEST_TILES, TILES
from unetzoo.nn.segmenter import Segmenter
from unetzoo.training.progress import Epoch
from unetzoo.training.stopping import StopRequest

if TYPE_CHECKING:
    from accelerate import Accelerator

_MOST_CLASSES = 4  # with scores in a title
_MOST_PICTURES = 64  # images among which the worst, the median and the best are found


class IoUs(NamedTuple):
    """Intersections over union, 0 to 1, and the average precision of objects, as in `Epoch`."""

    each: tuple[float | None, ...]
    mean: float | None
    average_precision: float | None = None


class Validator:
    """Predicts whole images in tiles, which are halved whenever memory runs out; `tile` is as in `predict`."""

    def __init__(self) -> None:
        self.tile: int | None = None

    def predicted(self, model: Segmenter, image: NDArray[np.generic], whole: MomentsOf | None = None) -> Prediction:
        """What a network says of an image (h, w, c) or a volume; TrainingError if the smallest tile is too large.

        `whole` gives the moments of that of which it is a part.
        """
        axes = model.config.spatial_dims
        while True:
            tile = self.tile or TILES[axes]
            try:
                return predicted(model, image, tile=self.tile, whole=whole)
            except OutOfMemoryError as error:
                if tile <= SMALLEST_TILES[axes]:
                    pixels = " x ".join([str(tile)] * axes)
                    raise TrainingError(
                        f"out of memory in validation, even with {pixels} pixels at once: train a smaller encoder, or "
                        "continue with resume=True on a machine with more memory"
                    ) from error
                self.tile = tile // 2

    def ious(
        self,
        model: Segmenter,
        dataset: Dataset,
        accelerator: "Accelerator",
        stop: StopRequest,
        on_image: Callable[[int, int], None],
    ) -> IoUs | None:
        """The intersections over union over all pixels of a data set; None after a signal.

        The images are shared among the processes. A single process stops after the next image; several stop only if
        the signal came before the validation.
        """
        if not len(dataset):
            return IoUs((), None)
        counts = np.zeros((len(dataset.class_names), 3), dtype=np.int64)
        tallies = no_objects()
        indices = range(accelerator.process_index, len(dataset), accelerator.num_processes)
        for number, index in enumerate(indices, 1):
            if stop.signal:
                break
            sample = dataset[index]
            truth = known_where_data(sample.image, sample.mask, model.config.info.nodata)
            prediction = self.predicted(model, sample.image, partial(moments_at, dataset, index))
            counts += count(prediction.ids, truth, len(dataset.class_names), axes=sample.image.ndim - 1)
            if prediction.objects is not None:
                tallies += tallies_of(prediction, truth, object_ids(dataset, index, truth), dataset.class_names).sum(0)
            on_image(number, len(indices))
        if stop.signal:
            return None
        counts, tallies = (_summed(values, accelerator) for values in (counts, tallies))
        scores = iou(counts)
        each = tuple(None if np.isnan(value) else float(value) for value in scores)
        return IoUs(each, mean_of(scores, is_there(counts)), _precision(tallies) if model.config.objects else None)


def _precision(tallies: NDArray[Any]) -> float:
    """The average precision of objects; 1 where there are none and none are predicted."""
    precision = float(average_precision(tallies))
    return 1.0 if np.isnan(precision) else precision


def _summed(values: NDArray[Any], accelerator: "Accelerator") -> NDArray[Any]:
    """The sum over all processes."""
    total: NDArray[Any] = accelerator.reduce(torch.from_numpy(values).to(accelerator.device), "sum").cpu().numpy()
    return total


def write_history(folder: Path, epochs: Sequence[Epoch]) -> None:
    """Write `history.jsonl`, a line an epoch."""
    write_text(folder / "history.jsonl", "".join(json.dumps(epoch.to_dict()) + "\n" for epoch in epochs))


def draw_curves(folder: Path, epochs: Sequence[Epoch]) -> None:
    """Draw loss and score of each epoch in `curves.png`."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(8, 3.2))
    margins = {"left": 0.09, "right": 0.99, "bottom": 0.15, "top": 0.96, "wspace": 0.28}  # a layout draws it twice
    loss, score = figure.subplots(1, 2, gridspec_kw=margins)
    numbers = [epoch.epoch for epoch in epochs]
    marker = "o" if len(epochs) < 2 else ""
    loss.plot(numbers, [epoch.loss for epoch in epochs], marker=marker, color="#0072b2")
    loss.set(xlabel="epoch", ylabel="loss, training crops")
    validated = [epoch for epoch in epochs if epoch.score is not None]
    numbers = [epoch.epoch for epoch in validated]
    score.plot(numbers, [epoch.score for epoch in validated], marker=marker, color="#d55e00")
    name = validated[-1].score_name if validated else "mean IoU"
    score.set(xlabel="epoch", ylabel=f"{name}, validation images")
    for best in [epoch for epoch in validated if epoch.is_best][-1:]:
        score.plot(best.epoch, best.score, marker="o", color="#d55e00")
        score.annotate(
            f"best: {best.score:.4f}, epoch {best.epoch}",
            (best.epoch, best.score),
            xytext=(0, -10),
            textcoords="offset points",
            ha="right" if best.epoch > len(epochs) / 2 else "left",
            va="top",
        )
    for axes in (loss, score):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    with whole_file(folder / "curves.png") as draft:
        figure.savefig(draft, format="png", dpi=120)


def draw_predictions(model: Segmenter, dataset: Dataset, folder: Path, validator: Validator) -> None:
    """Draw the worst, the median and the best prediction by mean IoU in `predictions.png`; nothing without images."""
    if not len(dataset):
        return
    indices = np.linspace(0, len(dataset) - 1, min(len(dataset), _MOST_PICTURES)).round().astype(int)
    scores = {int(index): _scores(model, dataset, int(index), validator) for index in indices}
    ranked = sorted(scores, key=lambda index: _mean(scores[index]))
    labels = {ranked[-1]: "best", ranked[len(ranked) // 2]: "median", ranked[0]: "worst"}
    are_counted = model.config.objects or (numbers_objects(dataset) and find_spec("scipy") is not None)
    cases = []
    for index in dict.fromkeys([ranked[0], ranked[len(ranked) // 2], ranked[-1]]):
        sample = dataset[index]
        prediction = validator.predicted(model, sample.image, partial(moments_at, dataset, index))
        truth = _truth(model, sample)
        ids = prediction.ids
        title = f"{labels[index]}: {sample.name}   {_as_text(scores[index], dataset.class_names)}"
        pairs = object_pairs(prediction, truth, dataset, index, dataset.class_names[1:]) if are_counted else []
        objects = tuple(match_objects(*pair) for pair in pairs)
        cases.append(Shown(sample.image, truth, ids, title, objects))
    with whole_file(folder / "predictions.png") as draft:
        draw_sheet(cases, dataset.class_names).save(draft, format="PNG")


def _scores(model: Segmenter, dataset: Dataset, index: int, validator: Validator) -> Scores:
    """The IoU of each class in an image; NaN for a class that neither occurs nor is predicted."""
    sample = dataset[index]
    prediction = validator.predicted(model, sample.image, partial(moments_at, dataset, index))
    ids, truth = prediction.ids, _truth(model, sample)
    return iou(count(ids, truth, len(dataset.class_names), axes=sample.image.ndim - 1))


def _truth(model: Segmenter, sample: Sample) -> NDArray[np.integer]:
    return known_where_data(sample.image, sample.mask, model.config.info.nodata)


def _mean(scores: Scores) -> float:
    return float(np.nanmean(scores)) if np.isfinite(scores).any() else 0.0


def _as_text(scores: Scores, names: Sequence[str]) -> str:
    classes = [f"{name} {score:.3f}" for name, score in zip(names, scores, strict=True) if np.isfinite(score)]
    return (
        f"mean IoU {_mean(scores):.3f} ({', '.join(classes[:_MOST_CLASSES])}{', ...' * (len(classes) > _MOST_CLASSES)})"
    )
