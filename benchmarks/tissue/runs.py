"""One training of a contestant: how well it finds tissues in the part of the head that it has not seen."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.tissue.contestants import OWN, Contestant
from benchmarks.tissue.data import Part, Volume, dice, parts, write_folder
from unetzoo.assembly import create
from unetzoo.bench.grid import file_name
from unetzoo.bench.machine import machine
from unetzoo.data.datasets.brain_tissue import CLASSES
from unetzoo.data.open import survey
from unetzoo.data.survey.survey import Survey
from unetzoo.inference.volumes import predict_volume
from unetzoo.nn.segmenter import Segmenter
from unetzoo.training import budget
from unetzoo.training.fit import fit
from unetzoo.training.options import FitOptions
from unetzoo.training.progress import FitListener

Predicted = Mapping[tuple[Part, bool], NDArray[np.integer]]
"""Classes of a part of the head, of the volume alone or of the mean over its mirror images."""


@dataclass(frozen=True, kw_only=True)
class TissueRun:
    """A network that is trained once on the tissues.

    Attributes:
        contestant: one of `OWN` or of `NNUNET`.
        seconds: of the processor, over all threads, for the steps of the training. To start is not part of them, and
            nothing is validated: the last weights are judged.
        seed: of weights and crops.
        options: of `unetzoo.fit`, other than by default.
    """

    contestant: str
    seconds: float
    seed: int
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.contestant}, seed {self.seed}, {self.seconds:g} s"

    @property
    def file_name(self) -> str:
        """Of its result."""
        return file_name(f"{self.contestant}-{self.seed}", asdict(self))


def measure_own(run: TissueRun) -> dict[str, Any]:
    """Train a network of this project, and predict the parts of the head that were held out."""
    volumes, contestant = parts(), OWN[run.contestant]
    with TemporaryDirectory(prefix="unetzoo-") as name:
        folder = Path(name)
        table = write_folder(volumes["train"], folder)
        data = survey(table, classes=CLASSES, slices=contestant.slices or None, spatial_dims=contestant.axes)
        times: list[float] = []
        model = _fitted(run, data, folder / "run", FitListener(on_step=lambda *_: times.append(time.process_time())))
    start = time.process_time()
    predicted = {(part, mirrored): _predicted(model, contestant, volumes[part], mirrored) for part, mirrored in PLACES}
    end = time.process_time()
    test = volumes["test"]
    by_crops = {} if contestant.slices else {TILED: dice(_predicted(model, contestant, test, True, 32), test.classes)}
    return {
        "steps": len(times),
        "training seconds": (times[-1] - times[0]) * len(times) / (len(times) - 1),
        "prediction seconds": end - start,
        **by_crops,
        **outcome(run, volumes, predicted),
    }


TILED = "Dice, mirrored, by tiles of 32^3 voxels"
PLACES: tuple[tuple[Part, bool], ...] = (("val", False), ("test", False), ("test", True))
"""What each contestant predicts."""


def outcome(run: TissueRun, volumes: Mapping[Part, Volume], predicted: Predicted) -> dict[str, Any]:
    """Which run, where, when and how well: Dice of the tissues in the parts held out."""
    scores = {
        f"{part}{', mirrored' if mirrored else ''}": dice(predicted[part, mirrored], volumes[part].classes)
        for part, mirrored in PLACES
    }
    return {"combination": asdict(run), "machine": machine(), "date": time.strftime("%Y-%m-%d"), "Dice": scores}


def _fitted(run: TissueRun, data: Survey, out: Path, listener: FitListener) -> Segmenter:
    """The network after a budget of time, of which the clock is that of the processor."""
    contestant = OWN[run.contestant]
    torch.manual_seed(run.seed)
    model = create("unet", **contestant.arguments)
    options = {
        "minutes": run.seconds / 60,
        "batch": contestant.batch,
        "crop": contestant.crop,
        "device": "cpu",
        "workers": 0,
        "seed": run.seed,
    }
    with mock.patch.object(budget, "monotonic", time.process_time):
        training = FitOptions(**{**options, **run.options})
        return fit(model, data, out, options=training, normalization="none", listener=listener).model.eval()


def _predicted(
    model: Segmenter, contestant: Contestant, volume: Volume, mirrored: bool, tile: int | None = None
) -> NDArray[np.integer]:
    mirrors = 2**contestant.axes if mirrored else 1
    classes: NDArray[np.integer] = predict_volume(model, volume.image, mirrors=mirrors, tile=tile).argmax(0)
    return classes
