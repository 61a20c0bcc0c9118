"""One training of a network of objects: how precise it is, and how long it predicts."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from unetzoo.assembly import create
from unetzoo.bench.grid import file_name
from unetzoo.bench.machine import machine
from unetzoo.bench.measure import opened
from unetzoo.data.dataset import Dataset
from unetzoo.data.objects import object_ids
from unetzoo.data.survey.survey import Survey
from unetzoo.evaluation.objects import average_precision, precision_at_half, tally
from unetzoo.inference.engines.optimize import optimize
from unetzoo.inference.objects import predict_objects
from unetzoo.nn.segmenter import Segmenter
from unetzoo.training.fit import fit
from unetzoo.training.options import FitOptions
from unetzoo.training.progress import FitListener

DATA = "nuclei"
OPTIONS = FitOptions(batch=4, crop=128, device="cpu")
_PREDICTIONS = 5  # that are timed, after one that is not

Ids = NDArray[np.integer]


@dataclass(frozen=True, kw_only=True)
class ObjectRun:
    """A network that is trained once on the nuclei.

    Attributes:
        method: a coding of objects, or `"StarDist"` or `"Cellpose"`, which have networks of their own.
        decoder: of the network; empty for those of others.
        encoder: likewise.
        seconds: of the processor, over all threads, for training; to start, to validate at the end and to save is not
            part of them. Each of this project's networks has as many steps as fit into them while the machine
            does nothing else, whatever it does during a training.
        seed: of weights and crops.
    """

    method: str
    decoder: str = ""
    encoder: str = ""
    seconds: float
    seed: int

    @property
    def name(self) -> str:
        """Without seed and budget."""
        return ", ".join(part for part in (self.method, self.decoder, self.encoder) if part)

    @property
    def network(self) -> str:
        """Without the coding, which adds nothing but channels to the last layer."""
        return f"{self.decoder}, {self.encoder}"

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.name}, seed {self.seed}, {self.seconds:g} s"

    @property
    def file_name(self) -> str:
        """Of its result."""
        return file_name(f"{self.name}-{self.seed}", asdict(self))


def measure_coding(run: ObjectRun, step_seconds: float) -> dict[str, Any]:
    """Train this project's network, and predict the image that was held out.

    Args:
        run: what to measure.
        step_seconds: of the processor, while the machine does nothing else.
    """
    data = opened(DATA)
    steps = max(1, round(run.seconds / step_seconds))
    start = time.process_time()
    model = fitted(run, data, steps)
    seconds = time.process_time() - start
    test, whole = data.dataset("test"), whole_image(data)
    fast = optimize(model)
    each = [predict_objects(model, test[index].image) for index in range(len(test))]
    return {
        **origin(run),
        "steps": steps,
        "training seconds": seconds,
        "options": dict(model.config.objects_options),
        "prediction seconds": cpu_seconds(lambda: predict_objects(model, whole)),
        "optimized prediction seconds": cpu_seconds(lambda: predict_objects(fast, whole)),
        **scores(each, test),
    }


def origin(run: ObjectRun) -> dict[str, Any]:
    """Which run, where and when."""
    return {"combination": asdict(run), "machine": machine(), "date": time.strftime("%Y-%m-%d")}


def scores(predicted: Sequence[Ids], dataset: Dataset) -> dict[str, float]:
    """Average precision of the objects of all images, over IoUs of 0.5 to 0.95 and at 0.5."""
    total = sum(tally(ids, object_ids(dataset, index, dataset[index].mask)) for index, ids in enumerate(predicted))
    return {"AP": float(average_precision(np.asarray(total))), "AP at 0.5": float(precision_at_half(np.asarray(total)))}


def whole_image(data: Survey) -> NDArray[Any]:
    """The images of all splits side by side (512, 448, 1), to be timed on."""
    return np.concatenate([data.dataset(split)[0].image for split in ("train", "val", "test")], axis=1)


def cpu_seconds(predict: Callable[[], object]) -> float:
    """Median seconds of the processor, over all threads, of a call."""
    times = []
    for _ in range(1 + _PREDICTIONS):
        start = time.process_time()
        predict()
        times.append(time.process_time() - start)
    return median(times[1:])


def fitted(run: ObjectRun, data: Survey, steps: int, listener: FitListener | None = None) -> Segmenter:
    """The network after so many steps."""
    torch.manual_seed(run.seed)
    channels = data.statistics.channels
    model = create(run.decoder, encoder=run.encoder, in_channels=channels, objects=run.method)
    options = replace(OPTIONS, steps=steps, epochs=1, checkpoint_steps=steps, seed=run.seed)
    with TemporaryDirectory(prefix="unetzoo-") as folder:
        return fit(model, data, Path(folder, "run"), options=options, listener=listener or FitListener()).model.eval()
