"""What a run leaves to be looked at: its history, its curves, and what its network sees."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.atomic import whole_file, write_text
from unetzoo.data.dataset import Dataset, Sample
from unetzoo.data.formats.nodata import known_where_data
from unetzoo.evaluation.instances import match
from unetzoo.evaluation.scores import Scores, count, iou
from unetzoo.evaluation.sheet import Shown, draw_sheet
from unetzoo.nn.segmenter import Segmenter
from unetzoo.training.progress import Epoch
from unetzoo.training.validate import Judge

_MOST_CLASSES = 4  # whose scores a title has
_MOST_PICTURES = 64  # images that are looked at to find the worst, the median and the best


def write_history(folder: Path, epochs: Sequence[Epoch]) -> None:
    """A line an epoch in `history.jsonl`."""
    write_text(folder / "history.jsonl", "".join(json.dumps(asdict(epoch)) + "\n" for epoch in epochs))


def draw_curves(folder: Path, epochs: Sequence[Epoch]) -> None:
    """Loss and mean IoU of each epoch, in `curves.png`."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    loss, score = figure.subplots(1, 2)
    numbers = [epoch.epoch for epoch in epochs]
    marker = "o" if len(epochs) < 2 else ""
    loss.plot(numbers, [epoch.loss for epoch in epochs], marker=marker, color="#0072b2")
    loss.set(xlabel="epoch", ylabel="loss, training crops")
    judged = [epoch for epoch in epochs if epoch.mean_iou is not None]
    score.plot([epoch.epoch for epoch in judged], [epoch.mean_iou for epoch in judged], marker=marker, color="#d55e00")
    score.set(xlabel="epoch", ylabel="mean IoU, validation images")
    for best in [epoch for epoch in judged if epoch.is_best][-1:]:
        score.plot(best.epoch, best.mean_iou, marker="o", color="#d55e00")
        score.annotate(
            f"best: {best.mean_iou:.4f}, epoch {best.epoch}",
            (best.epoch, best.mean_iou),
            xytext=(0, -10),
            textcoords="offset points",
            ha="right" if best.epoch > len(epochs) / 2 else "left",
            va="top",
        )
    for axes in (loss, score):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    with whole_file(folder / "curves.png") as draft:
        figure.savefig(draft, format="png", dpi=120)


def draw_predictions(model: Segmenter, dataset: Dataset, folder: Path, judge: Judge) -> None:
    """The worst, the median and the best prediction by mean IoU, in `predictions.png`; nothing without images."""
    if not len(dataset):
        return
    indices = np.linspace(0, len(dataset) - 1, min(len(dataset), _MOST_PICTURES)).round().astype(int)
    scores = {int(index): _scores(model, dataset, int(index), judge) for index in indices}
    ranked = sorted(scores, key=lambda index: _mean(scores[index]))
    labels = {ranked[-1]: "best", ranked[len(ranked) // 2]: "median", ranked[0]: "worst"}
    cases = []
    for index in dict.fromkeys([ranked[0], ranked[len(ranked) // 2], ranked[-1]]):
        sample, numbers = dataset[index], dataset.instances(index)
        ids, truth = judge.ids(model, sample.image), _truth(model, sample)
        title = f"{labels[index]}: {sample.name}   {_say(scores[index], dataset.class_names)}"
        is_counted = numbers is not None and find_spec("scipy") is not None
        objects = match(ids, truth, 1, numbers) if is_counted else None
        cases.append(Shown(sample.image, truth, ids, title, objects))
    with whole_file(folder / "predictions.png") as draft:
        draw_sheet(cases, dataset.class_names).save(draft, format="PNG")


def _scores(model: Segmenter, dataset: Dataset, index: int, judge: Judge) -> Scores:
    """The IoU of each class in an image; NaN of one that is neither there nor predicted."""
    sample = dataset[index]
    return iou(count(judge.ids(model, sample.image), _truth(model, sample), len(dataset.class_names)))


def _truth(model: Segmenter, sample: Sample) -> NDArray[np.integer]:
    return known_where_data(sample.image, sample.mask, model.config.info.nodata)


def _mean(scores: Scores) -> float:
    return float(np.nanmean(scores)) if np.isfinite(scores).any() else 0.0


def _say(scores: Scores, names: Sequence[str]) -> str:
    classes = [f"{name} {score:.3f}" for name, score in zip(names, scores, strict=True) if np.isfinite(score)]
    return (
        f"mean IoU {_mean(scores):.3f} ({', '.join(classes[:_MOST_CLASSES])}{', ...' * (len(classes) > _MOST_CLASSES)})"
    )
