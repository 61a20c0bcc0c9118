r"""A simulated loop of labeling: the images that `suggest` names, beside images at random.

    OMP_NUM_THREADS=1 python -m benchmarks.labeling

A network learns from 4 images of a pool at random; then 4 more of the pool get their masks, again and again, and a new
network is trained on all of them. Runs are kept one by one in `benchmarks/results/labeling`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

import unetzoo
from benchmarks.page.labeling import labeling_rows
from benchmarks.page.readme import RESULTS, write_pages
from benchmarks.panel.data import Samples, opened
from unetzoo.bench.grid import file_name
from unetzoo.bench.store import check_folder, load, missing, write_json
from unetzoo.data.dataset import Dataset
from unetzoo.nn.segmenter import Segmenter

STRATEGIES = ("random", "entropy", "disagreement")
DATA = ("spots", "membranes")
_AT_ONCE, _ROUNDS, _SEEDS, _STEPS = 4, 4, 3, 150
_WIDTHS = (12, 24, 48)


@dataclass(frozen=True)
class LabelingRun:
    """A loop.

    Attributes:
        data: a name in `benchmarks.panel.data.DATA`.
        strategy: one of `STRATEGIES`.
        seed: of the first images, of the weights and of the draws.
        steps: of each training.
    """

    data: str
    strategy: str
    seed: int
    steps: int = _STEPS

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.data}, {self.strategy}, seed {self.seed}"

    @property
    def file_name(self) -> str:
        """Of its result."""
        return file_name(f"{self.data}-{self.strategy}-{self.seed}", asdict(self))


def measure_run(run: LabelingRun) -> dict[str, Any]:
    """The mean IoU on the test images after each round, and the images in the order in which they were labeled."""
    pool, random = opened(run.data, "train"), np.random.default_rng(run.seed)
    count = len(pool) - _AT_ONCE  # the last ones validate
    labeled = [int(number) for number in random.permutation(count)[:_AT_ONCE]]
    scores = list[float | None]()
    for number in range(_ROUNDS):
        model = _trained(run, _part(pool, labeled), _part(pool, range(count, len(pool))))
        scores.append(unetzoo.evaluate(model, opened(run.data, "test"), resamples=1).mean["IoU"].value)
        if number + 1 < _ROUNDS:
            left = [index for index in range(count) if index not in labeled]
            labeled += _chosen(run.strategy, model, pool, left, random)
    return {"combination": asdict(run), "IoU": scores, "labeled": labeled}


def _part(pool: Dataset, numbers: Sequence[int]) -> Dataset:
    return Samples([pool[number] for number in numbers], pool.class_names)


def _trained(run: LabelingRun, samples: Dataset, validation: Dataset) -> Segmenter:
    torch.manual_seed(run.seed)
    channels = samples[0].image.shape[2]
    classes = len(samples.class_names)
    model = unetzoo.create(
        "unet",
        encoder="plain",
        encoder_options={"widths": _WIDTHS},
        decoder_options={"widths": _WIDTHS[-2::-1]},
        in_channels=channels,
        classes=classes,
    )
    options = unetzoo.FitOptions(steps=run.steps, epochs=1, crop=64, learning_rate=3e-3, average=0.9, seed=run.seed)
    with TemporaryDirectory() as folder:
        return unetzoo.fit(model, {"train": samples, "val": validation}, Path(folder) / "run", options=options).model


def _chosen(
    strategy: str, model: Segmenter, pool: Dataset, left: Sequence[int], random: np.random.Generator
) -> list[int]:
    """The next images of those that are left."""
    if strategy == "random":
        return [int(number) for number in random.permutation(left)[:_AT_ONCE]]
    mirrors = 4 if strategy == "disagreement" else 1
    suggestions = unetzoo.suggest(model, _part(pool, left), count=_AT_ONCE, mirrors=mirrors)
    return [left[int(suggestion.image.removeprefix("sample "))] for suggestion in suggestions]


def main() -> None:
    """Measure what is not there yet, print the table, and write README.md."""
    folder = RESULTS / "labeling"
    check_folder(folder)
    runs = [LabelingRun(*each) for each in product(DATA, STRATEGIES, range(_SEEDS))]
    for run in missing(runs, folder):
        write_json(measure_run(run), folder / run.file_name)
        print(run.title, flush=True)
    print(*labeling_rows([result for run in runs if (result := load(folder / run.file_name))]), sep="\n")
    write_pages()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
