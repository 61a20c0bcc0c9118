"""What a run leaves to be looked at: its history, its curves, and what its network sees."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from unetzoo.evaluation.pictures import case_picture
from unetzoo.evaluation.scores import count, iou
from unetzoo.model import Segmenter
from unetzoo.samples import Dataset
from unetzoo.training.progress import Epoch
from unetzoo.training.validate import Judge
from unetzoo.whole import whole_file, write_text

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
    score.set(xlabel="epoch", ylabel="mean IoU, validation images", ylim=(0, 1))
    for axes in (loss, score):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    with whole_file(folder / "curves.png") as draft:
        figure.savefig(draft, format="png", dpi=120)


def draw_predictions(model: Segmenter, dataset: Dataset, folder: Path, judge: Judge) -> None:
    """The worst, the median and the best prediction by mean IoU, in `predictions.png`; nothing without images."""
    from PIL import Image

    if not len(dataset):
        return
    indices = np.linspace(0, len(dataset) - 1, min(len(dataset), _MOST_PICTURES)).round().astype(int)
    ranked = sorted({int(index) for index in indices}, key=lambda index: _score(model, dataset, index, judge))
    chosen = list(dict.fromkeys([ranked[0], ranked[len(ranked) // 2], ranked[-1]]))
    rows = []
    for index in chosen:
        sample = dataset[index]
        rows.append(case_picture(sample.image, sample.mask, judge.ids(model, sample.image), dataset.class_names))
    page = Image.new("RGB", (max(row.width for row in rows), sum(row.height for row in rows)), "white")
    top = 0
    for row in rows:
        page.paste(row, (0, top))
        top += row.height
    with whole_file(folder / "predictions.png") as draft:
        page.save(draft, format="PNG")


def _score(model: Segmenter, dataset: Dataset, index: int, judge: Judge) -> float:
    sample = dataset[index]
    values = iou(count(judge.ids(model, sample.image), sample.mask, len(dataset.class_names)))
    return float(np.nan_to_num(np.nanmean(values))) if np.isfinite(values).any() else 0.0
