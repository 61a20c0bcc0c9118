"""Train one combination and measure it."""

import base64
import io
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from unetzoo.bench.calls import peak_bytes, seconds
from unetzoo.bench.grid import Combination, create_parts
from unetzoo.bench.machine import machine
from unetzoo.bench.store import Result
from unetzoo.data.dataset import Dataset
from unetzoo.data.masks.options import MaskOptions
from unetzoo.data.open import survey_of
from unetzoo.data.survey.survey import Survey
from unetzoo.evaluation.evaluate import evaluate
from unetzoo.evaluation.masks import predicted
from unetzoo.evaluation.measure import Evaluation
from unetzoo.evaluation.sheet import case_picture
from unetzoo.inference.engines.optimize import optimize
from unetzoo.inference.engines.prune import prune
from unetzoo.inspection.dissect import dissect
from unetzoo.nn.segmenter import Segmenter
from unetzoo.registry.build import build
from unetzoo.training.fit import fit
from unetzoo.training.options import FitOptions
from unetzoo.training.progress import FitListener

_WARM_UP, _CALLS = 2, 9  # calls before the timed ones, timed calls
_CALIBRATION = 8  # steps, of which the later half is timed
_BATCH = 4  # images, for the throughput
_PICTURE_HEIGHT = 160


@dataclass(frozen=True)
class Trained:
    """A trained network, and the images that it is judged by.

    Attributes:
        model: in evaluation mode.
        held_out: images that it has not seen.
        origin: of its result: combination, machine, date, loss, steps and seconds of the training.
    """

    model: Segmenter
    held_out: Dataset
    origin: dict[str, Any]


def measure(combination: Combination) -> Result:
    """Train a network, then measure its accuracy, its speed and its size.

    Accuracy is that of the split "test", or "val" where there is none; speed is that of the optimized network.

    Raises:
        UnetzooError: for any problem with the combination.
    """
    trained = train(combination)
    model, dataset = trained.model, trained.held_out
    result = evaluate(model, dataset)
    return {
        **trained.origin,
        "accuracy": _accuracy(result),
        "speed": _speed(model, combination.size, combination.engine),
        "pruned": _pruned(model, dataset, combination.size, combination.engine),
        "picture": _picture(model, dataset, result),
    }


def train(combination: Combination) -> Trained:
    """Train a network with a budget of steps or seconds.

    Raises:
        UnetzooError: for any problem with the combination.
    """
    data = opened(combination.data, objects=bool(combination.objects))
    steps = combination.steps or _steps_in(combination, data)
    start = time.perf_counter()
    model = _fitted(combination, data, steps, FitListener())
    plan = _options(combination, steps).plan(data.statistics, model.config.classes, objects=bool(combination.objects))
    origin = {
        "combination": asdict(combination),
        "machine": machine(),
        "date": time.strftime("%Y-%m-%d"),
        "loss": plan.loss,
        "steps": steps,
        "training seconds": time.perf_counter() - start,
    }
    return Trained(model, held_out(data), origin)


@cache
def opened(data: str, *, objects: bool = False) -> Survey:
    """A data set, read once a process, perhaps for networks of objects, which masks in files number."""
    return survey_of(data, MaskOptions(), trained=None, objects=objects)


def held_out(data: Survey) -> Dataset:
    """The images that a network is judged by: those of the split "test", or "val" where there is none."""
    test = data.dataset("test")
    return test if len(test) else data.dataset("val")


def nested(model: Segmenter) -> dict[int, Segmenter]:
    """The networks that a U-Net++ with deep supervision can be pruned to, by level; none for others."""
    if model.config.decoder != "unetpp" or not model.config.decoder_options.get("deep_supervision"):
        return {}
    return {level: prune(model, level) for level in range(1, len(model.heads) + 1)}


def _fitted(combination: Combination, data: Survey, steps: int, listener: FitListener) -> Segmenter:
    statistics = data.statistics
    torch.manual_seed(combination.seed)
    model = create_parts(
        combination.decoder,
        combination.encoder,
        objects=combination.objects,
        classes=len(statistics.class_names),
        in_channels=statistics.channels,
        labels=statistics.labels,
    )
    options = _options(combination, steps)
    with tempfile.TemporaryDirectory(prefix="unetzoo-") as folder:
        return fit(model, data, Path(folder, "run"), options=options, listener=listener).model


def _options(combination: Combination, steps: int) -> FitOptions:
    options = FitOptions(
        loss=combination.loss,
        steps=steps,
        epochs=max(1, min(10, steps // 20)),
        batch=combination.batch,
        crop=combination.crop,
        seed=combination.seed,
        checkpoint_steps=steps,
    )
    return replace(options, **combination.training)


def _steps_in(combination: Combination, data: Survey) -> int:
    """The number of steps in the seconds of a budget, by the time of a few."""
    times: list[float] = []
    listener = FitListener(on_step=lambda *_: times.append(time.perf_counter()))
    _fitted(replace(combination, steps=_CALIBRATION, seconds=None), data, _CALIBRATION, listener)
    late = times[_CALIBRATION // 2 - 1 :]
    step = (late[-1] - late[0]) / (len(late) - 1)
    return max(1, round((combination.seconds or 0) / step))


def _accuracy(result: Evaluation) -> dict[str, Any]:
    classes = {
        name: {score: number.value for score, number in numbers.items()}
        for name, numbers in zip(result.class_names, result.classes, strict=True)
    }
    objects = {score: number.value for score, number in result.objects.scores.items()} if result.objects else {}
    return {
        "mean": {score: number.value for score, number in result.mean.items()},
        "classes": classes,
        **({"objects": objects} if objects else {}),
    }


def _scores(result: Evaluation) -> dict[str, float | None]:
    """What a chart of pruned networks shows."""
    objects = {"AP": result.objects.scores["AP"].value} if result.objects else {}
    return {"mean IoU": result.mean["IoU"].value, **objects}


def _speed(model: Segmenter, size: int, engine: str) -> dict[str, Any]:
    """Latency (s), throughput (images/s), peak memory (bytes), parameters and multiply-adds, for square images.

    The network is timed where it is, on a CPU or a GPU; by another engine than torch on the CPU.
    """
    with torch.device("meta"):
        total = dissect(build(model.config), (size, size)).total
    network = optimize(model.cpu(), engine=engine) if engine else optimize(model)
    channels, device = model.config.in_channels, next(model.parameters()).device
    one, several = (torch.randn(count, channels, size, size, device=device) for count in (1, _BATCH))
    return {
        "size": size,
        "device": device.type,
        "latency": _median_seconds(lambda: network(one), device.type),
        "throughput": _BATCH / _median_seconds(lambda: network(several), device.type),
        "peak bytes": peak_bytes(lambda: network(one), device.type),
        "parameters": total.parameters,
        "multiply-adds": total.multiply_adds,
    }


def _median_seconds(call: Callable[[], Tensor], device: str) -> float:
    return median([seconds(call, device) for _ in range(_WARM_UP + _CALLS)][_WARM_UP:])


def _pruned(model: Segmenter, dataset: Dataset, size: int, engine: str) -> list[dict[str, Any]]:
    """Accuracy and speed of each network that is nested in a U-Net++; none for others."""
    return [
        {"level": level, **_scores(evaluate(smaller, dataset)), **_speed(smaller, size, engine)}
        for level, smaller in nested(model).items()
    ]


def _picture(model: Segmenter, dataset: Dataset, result: Evaluation) -> str:
    """The worst image as a PNG in base64."""
    sample = dataset[result.ranked[0].index if result.ranked else 0]
    ids = predicted(model, sample.image).ids
    picture = case_picture(sample.image, sample.mask, ids, dataset.class_names, height=_PICTURE_HEIGHT)
    png = io.BytesIO()
    picture.quantize(64).save(png, format="PNG", optimize=True)
    return base64.b64encode(png.getvalue()).decode()
