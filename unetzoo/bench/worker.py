"""A process that holds the contenders of a case and times one call of the contender that it is asked for."""

import io
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import torch
from torch import Tensor

from unetzoo.bench.calls import Step, peak_bytes, seconds
from unetzoo.bench.case import RATE, Case
from unetzoo.bench.contenders import Contender, Contenders
from unetzoo.errors import describe_error
from unetzoo.inspection.dissect import dissect
from unetzoo.nn.segmenter import Segmenter

_WARM_UP = 3  # calls
_LARGER = 8  # times the image's sides, to count operations


@dataclass(frozen=True)
class Failure:
    """The answer of a process that cannot go on."""

    reason: str


def serve(connection: Connection, case: Case, contenders: Contenders) -> None:
    """Send a report on the contenders, then for each name that arrives the seconds of one call, or the rate."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):  # some networks print
        try:
            steps, report = _prepare(case, contenders)
            connection.send(report)
            while True:
                name = connection.recv()
                connection.send(convolution_rate(case.device) if name == RATE else seconds(steps[name], case.device))
        except EOFError:  # nobody asks any more
            return
        except Exception as error:  # a network may raise anything
            connection.send(Failure(describe_error(error)))
            raise SystemExit(1) from error


def _prepare(case: Case, contenders: Contenders) -> tuple[dict[str, Step], dict[str, Any]]:
    """The calls by name, each warm, and all that does not depend on time."""
    compared = list(contenders.ways(case))
    generator = torch.Generator().manual_seed(case.seed)
    image = torch.randn(case.batch, 3, case.size, case.size, generator=generator).to(case.device)
    images = {False: image, True: image.to(memory_format=torch.channels_last)}
    make = training_step if case.task == "training" else inference_step
    steps = {one.name: make(one, images[one.channels_last]) for one in compared}
    logits = {name: step() for name, step in steps.items()}
    for step in steps.values():
        for _ in range(_WARM_UP - 1):
            step()
    reference = logits[compared[0].name]
    saved_bytes = contenders.saved_bytes if case.task == "training" else None
    return steps, {
        "names": list(steps),
        "multiply_adds": multiply_adds(case, contenders.network),
        "relative_difference": {
            one.name: difference(logits[one.name], reference) for one in compared if one.same_weights
        },
        "saved_bytes": {name: saved_bytes(step) for name, step in steps.items()} if saved_bytes else {},
        "peak_bytes": {name: peak_bytes(step, case.device) for name, step in steps.items()},
    }


def inference_step(contender: Contender, image: Tensor) -> Step:
    """A call that computes logits."""

    @torch.no_grad()
    def predict() -> Tensor:
        return contender.run(image)

    return predict


def training_step(contender: Contender, image: Tensor) -> Step:
    """A call that computes logits and all gradients."""

    def train() -> Tensor:
        logits = contender.run(image)
        torch.autograd.backward(logits.square().mean())
        for parameter in contender.parameters:
            parameter.grad = None
        return logits.detach()

    return train


def difference(logits: Tensor, reference: Tensor) -> float:
    """The largest difference, relative to the largest logit."""
    return float((logits - reference).abs().max() / reference.abs().max())


def multiply_adds(case: Case, network: Callable[[Case], Segmenter]) -> int:
    """Multiply-adds of a network for the images of a case, in convolutions and matrix products.

    Counted for an image that is so much larger that no map is too small for the transposed form, and scaled: that is
    how `optimize` computes maps of every size.
    """
    with torch.device("meta"):
        model = network(case)
    larger = _LARGER * case.size
    return case.batch * dissect(model, (larger, larger)).total.multiply_adds // _LARGER**2


def convolution_rate(
    device: str, *, size: int = 128, channels: int = 256, batch: int = 1, dtype: torch.dtype = torch.float32
) -> float:
    """Multiply-adds per second of one large 3x3 convolution, to which the networks are compared."""
    options: Any = {"device": device, "dtype": dtype}
    image = torch.randn(batch, channels, size, size, **options).to(memory_format=torch.channels_last)
    weight = torch.randn(channels, channels, 3, 3, **options).to(memory_format=torch.channels_last)

    @torch.no_grad()
    def convolve() -> Tensor:
        return torch.conv2d(image, weight, padding=1)

    convolve()
    return batch * size**2 * channels**2 * 9 / seconds(convolve, device)
