"""How long each network takes for an image, by torch and by OpenVINO, called in turn."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from benchmarks.encoders.candidates import BFLOAT16, EMULATED, INT8, OPENVINO, TORCH, published
from unetzoo.assembly import create
from unetzoo.bench.contenders import has_bfloat16
from unetzoo.bench.grid import file_name
from unetzoo.bench.machine import machine
from unetzoo.errors import describe_error
from unetzoo.inference.engines.optimize import optimize
from unetzoo.nn.segmenter import Segmenter

_CLASSES = 2
_CALIBRATION = 4  # images

Call = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class LatencyRun:
    """The networks that are called in turn.

    Attributes:
        encoders: as `ENCODERS` has them; weights of one network are called once.
        decoder: of all of them.
        size: side of the image in pixels; one image with three channels.
        rounds: calls of each that are timed, after one that is not.
    """

    encoders: tuple[str, ...]
    decoder: str = "unet"
    size: int = 256
    rounds: int = 11

    @property
    def title(self) -> str:
        """For people."""
        return f"latency of {len(self.encoders)} encoders, {self.size} px"

    @property
    def file_name(self) -> str:
        """Of its result."""
        return file_name(f"latency-{self.decoder}-{self.size}", asdict(self))


def measure_latency(run: LatencyRun) -> dict[str, Any]:
    """Seconds of the processor of each call, by one thread, and what the networks and their published weights are.

    Calibration and image are noise, and the weights random: that is about speed, not about accuracy in int8.
    """
    torch.set_num_threads(1)
    weights = {encoder: published(encoder) for encoder in run.encoders}
    generator = torch.Generator().manual_seed(0)
    images = [torch.randn(1, 3, run.size, run.size, generator=generator) for _ in range(_CALIBRATION)]
    calls: dict[tuple[str, str], Call] = {}
    refused: dict[str, dict[str, str]] = {}
    parameters: dict[str, int] = {}
    for name in dict.fromkeys(one.network for one in weights.values()):
        torch.manual_seed(0)
        model = create(run.decoder, encoder=name, classes=_CLASSES).eval()
        parameters[name] = sum(weight.numel() for weight in model.parameters())
        refused[name] = {}
        for way, make in _ways(model, images):
            try:
                calls[name, way] = make()
                calls[name, way](images[0])
            except Exception as error:  # a converter may raise anything; the others are measured
                calls.pop((name, way), None)
                refused[name][way] = describe_error(error)
    return {
        "combination": asdict(run),
        "machine": machine(),
        "date": time.strftime("%Y-%m-%d"),
        "weights": {encoder: asdict(one) for encoder, one in weights.items()},
        "parameters": parameters,
        "seconds": _seconds(calls, images[0], run.rounds),
        "refused": refused,
    }


def _ways(model: Segmenter, images: list[Tensor]) -> Iterator[tuple[str, Callable[[], Call]]]:
    """By name, what makes the network fast in that way."""
    size = (images[0].shape[2], images[0].shape[3])
    yield TORCH, lambda: optimize(model)
    yield OPENVINO, lambda: optimize(model, engine="openvino", image_size=size)
    yield BFLOAT16, lambda: _in_bfloat16(model)
    yield INT8, lambda: optimize(model, engine="openvino", dtype="int8", image_size=size, calibration=images)


def _in_bfloat16(model: Segmenter) -> Call:
    if not has_bfloat16("cpu"):
        raise RuntimeError(EMULATED)
    return optimize(model, dtype=torch.bfloat16)


def _seconds(calls: dict[tuple[str, str], Call], image: Tensor, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Of each network and way, those of each call after the first."""
    seconds: dict[str, dict[str, list[float]]] = {name: {} for name, _ in calls}
    for turn in range(1 + rounds):
        for (name, way), call in calls.items():
            start = time.process_time()
            call(image)
            if turn:
                seconds[name].setdefault(way, []).append(time.process_time() - start)
    return seconds
