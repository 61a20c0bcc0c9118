"""Whether a network learns from images without masks: of the panel 2, 5 or 10 images are labeled, the others are not.

    OMP_NUM_THREADS=1 python -m benchmarks.unlabeled
    python -m benchmarks.unlabeled --steps 300 --only satellite   # more of it

With and without a teacher the same network sees the same labeled crops in as many steps, no image is held out, and the
averaged weights are judged by the test images. Runs are kept one by one in `benchmarks/results/unlabeled`.
"""

import argparse
import time
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import torch

import unetzoo
from benchmarks.mean_teacher import Teacher, train
from benchmarks.page.readme import RESULTS, write_pages
from benchmarks.page.unlabeled import unlabeled_tables
from benchmarks.panel.data import DATA, Samples, opened
from unetzoo.bench.grid import create_parts, file_name
from unetzoo.bench.machine import machine
from unetzoo.bench.store import check_folder, load, missing, write_json
from unetzoo.data.dataset import Dataset, Sample
from unetzoo.data.open import survey

COUNTS = (2, 5, 10)
_TEACHER = Teacher(weight=1.0)
_SEEDS, _STEPS = 1, 100
_NETWORK = "unet(widths=(48, 24, 12))", "plain(widths=(12, 24, 48, 96))"


@dataclass(frozen=True)
class UnlabeledRun:
    """A training.

    Attributes:
        data: a name in `benchmarks.panel.data.DATA`.
        labeled: how many images have masks; the other ones have none.
        teacher: whether a mean teacher learns from those, too.
        seed: of the choice of images, the weights and the crops.
        steps: updates of the weights.
    """

    data: str
    labeled: int
    teacher: bool
    seed: int
    steps: int

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.data}, {self.labeled} labeled, {self._kind}, {self.steps:,} steps, seed {self.seed}"

    @property
    def file_name(self) -> str:
        """Of its result."""
        return file_name(f"{self.data}-{self.labeled}-{self._kind}-{self.steps}-{self.seed}", asdict(self))

    @property
    def _kind(self) -> str:
        return "with a teacher" if self.teacher else "alone"


def measure_run(run: UnlabeledRun) -> dict[str, Any]:
    """The mean IoU on the test images, and what a step takes in seconds of the processor."""
    labeled, others = divided(opened(run.data, "train"), run.labeled, np.random.default_rng(run.seed))
    statistics = survey({"train": labeled, "val": labeled}).statistics  # of all: none is held out
    torch.manual_seed(run.seed)
    decoder, encoder = _NETWORK
    model = create_parts(decoder, encoder, classes=len(statistics.class_names), in_channels=statistics.channels)
    model.config = replace(model.config, info=statistics.info)
    options = unetzoo.FitOptions(steps=run.steps, batch=4, crop=64, seed=run.seed)
    begun = time.process_time()
    trained = train(model, labeled, others, _TEACHER if run.teacher else None, options, statistics)
    return {
        "combination": asdict(run),
        "machine": machine(),
        "unlabeled": len(others),
        "seconds of a step": (time.process_time() - begun) / run.steps,
        "IoU": unetzoo.evaluate(trained.eval(), opened(run.data, "test"), resamples=1).mean["IoU"].value,
    }


def divided(whole: Dataset, count: int, random: np.random.Generator) -> tuple[Dataset, Dataset]:
    """So many samples, drawn at random, and the others, whose masks say nothing."""
    samples = [whole[int(number)] for number in random.permutation(len(whole))]
    bare = [Sample(one.image, np.zeros_like(one.mask), one.name) for one in samples[count:]]
    return Samples(samples[:count], whole.class_names), Samples(bare, whole.class_names)


def main() -> None:
    """Measure what is not there yet, print the tables, and write README.md."""
    folder = RESULTS / "unlabeled"
    check_folder(folder)
    for run in missing([run for run in _runs() if run.labeled < len(opened(run.data, "train"))], folder):
        result = measure_run(run)
        write_json(result, folder / run.file_name)
        print(run.title, f"{100 * result['IoU']:.1f}", flush=True)
    results = [stored for path in sorted(folder.glob("*.json")) if (stored := load(path))]
    print(*unlabeled_tables(results), sep="\n\n")
    write_pages()


def _runs() -> list[UnlabeledRun]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=_STEPS)
    parser.add_argument("--seeds", type=int, default=_SEEDS, help="of each")
    parser.add_argument("--only", default="", metavar="TEXT", help="runs whose title has it")
    chosen = parser.parse_args()
    each = product(range(chosen.seeds), COUNTS, DATA, (False, True))
    runs = [UnlabeledRun(data, count, teacher, seed, chosen.steps) for seed, count, data, teacher in each]
    return [run for run in runs if chosen.only in run.title]


if __name__ == "__main__":
    main()
