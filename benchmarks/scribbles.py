"""What a network learns from scribbles: masks of the panel of which 1, 5 or 20 % of the pixels are labeled.

    OMP_NUM_THREADS=1 python -m benchmarks.scribbles

Strokes stand for those of a person: straight, twelve pixels long, each within one class. Images to validate with have
strokes, too; the test images have whole masks. Runs are kept one by one in `benchmarks/results/scribbles`.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import unetzoo
from benchmarks.page.readme import RESULTS, write_pages
from benchmarks.page.scribbles import scribbles_table
from benchmarks.panel.data import DATA, Samples, opened
from unetzoo.bench.grid import create_parts, file_name
from unetzoo.bench.machine import machine
from unetzoo.bench.store import check_folder, load, missing, write_json
from unetzoo.data.dataset import Dataset, Sample
from unetzoo.data.open import survey
from unetzoo.nn.coding import UNKNOWN

SHARES = (0.01, 0.05, 0.2, 1.0)
_LENGTH = 12  # pixels of a stroke
_SEEDS, _STEPS = 2, 100
_NETWORK = "unet(widths=(48, 24, 12))", "plain(widths=(12, 24, 48, 96))"


@dataclass(frozen=True)
class ScribblesRun:
    """A training.

    Attributes:
        data: a name in `benchmarks.panel.data.DATA`.
        share: of the pixels of each mask that are labeled; 1: the whole mask.
        seed: of the strokes, the weights and the crops.
        steps: updates of the weights.
    """

    data: str
    share: float
    seed: int
    steps: int = _STEPS

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.data}, {100 * self.share:g} %, seed {self.seed}"

    @property
    def file_name(self) -> str:
        """Of its result."""
        return file_name(f"{self.data}-{100 * self.share:g}-{self.seed}", asdict(self))


def measure_run(run: ScribblesRun) -> dict[str, Any]:
    """The mean IoU on the test images, and the share of pixels that were labeled."""
    images = scribbled(opened(run.data, "train"), run.share, np.random.default_rng(run.seed))
    known = [images[number].mask != UNKNOWN for number in range(len(images))]
    data = survey(images)
    torch.manual_seed(run.seed)
    decoder, encoder = _NETWORK
    statistics = data.statistics
    model = create_parts(decoder, encoder, classes=len(statistics.class_names), in_channels=statistics.channels)
    options = unetzoo.FitOptions(steps=run.steps, batch=4, crop=64, seed=run.seed, device="cpu")
    with TemporaryDirectory(prefix="unetzoo-") as folder:
        model = unetzoo.fit(model, data, Path(folder, "run"), options=options).model
    return {
        "combination": asdict(run),
        "machine": machine(),
        "labeled": float(np.mean([mask.mean() for mask in known])),
        "IoU": unetzoo.evaluate(model, opened(run.data, "test"), resamples=1).mean["IoU"].value,
    }


def scribbled(whole: Dataset, share: float, random: np.random.Generator) -> Dataset:
    """The samples of a data set with strokes in place of their masks; all of them for a share of 1."""
    if share == 1:
        return whole
    samples = (whole[number] for number in range(len(whole)))
    return Samples(
        [Sample(one.image, strokes(one.mask, share, random), one.name) for one in samples], whole.class_names
    )


def strokes(mask: NDArray[Any], share: float, random: np.random.Generator) -> NDArray[Any]:
    """The ids (h, w) along random strokes, UNKNOWN elsewhere.

    Each class that is there has a stroke; the others begin at random pixels, until so many are labeled.

    Args:
        mask: ids (h, w).
        share: of all pixels.
        random: draws them.
    """
    labels = np.full_like(mask, UNKNOWN)
    classes = [name for name in np.unique(mask) if name != UNKNOWN]
    for number, places in enumerate(_starts(mask, classes, random)):
        if number >= len(classes) and (labels != UNKNOWN).mean() >= share:
            break
        row, column = places
        angle, steps = random.uniform(0, 2 * np.pi), np.arange(_LENGTH)
        rows = np.clip(np.rint(row + steps * np.sin(angle)).astype(int), 0, mask.shape[0] - 1)
        columns = np.clip(np.rint(column + steps * np.cos(angle)).astype(int), 0, mask.shape[1] - 1)
        inside = np.logical_and.accumulate(mask[rows, columns] == mask[row, column])
        labels[rows[inside], columns[inside]] = mask[row, column]
    return labels


def _starts(mask: NDArray[Any], classes: list[int], random: np.random.Generator) -> Iterator[NDArray[Any]]:
    """The first pixel of each stroke: one of each class, then any."""
    for name in classes:
        yield random.choice(np.argwhere(mask == name))
    yield from random.permutation(np.argwhere(mask != UNKNOWN))


def main() -> None:
    """Measure what is not there yet, print the table, and write README.md."""
    folder = RESULTS / "scribbles"
    check_folder(folder)
    runs = [ScribblesRun(data, share, seed) for seed, data, share in product(range(_SEEDS), DATA, SHARES)]
    for run in missing(runs, folder):
        result = measure_run(run)
        write_json(result, folder / run.file_name)
        print(run.title, f"{100 * result['IoU']:.1f}", flush=True)
    print(scribbles_table([stored for run in runs if (stored := load(folder / run.file_name))]))
    write_pages()


if __name__ == "__main__":
    main()
