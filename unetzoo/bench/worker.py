"""A process that holds the contenders of a case and times one call of the contender that each line asks for, as JSON.

    python -m unetzoo.bench.worker '{"decoder": "unet", "encoder": "resnet18"}'

A module with other contenders calls `main` with them.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO

import torch
from torch import Tensor

from unetzoo.bench.calls import Step, peak_bytes, seconds
from unetzoo.bench.case import RATE, Case
from unetzoo.bench.contenders import Contender, contenders, network
from unetzoo.inspection.dissect import dissect
from unetzoo.nn.segmenter import Segmenter

_WARM_UP = 3  # calls
_LARGER = 8  # times the image's sides, to count operations


def main(
    contenders: Callable[[Case], Iterator[Contender]],
    network: Callable[[Case], Segmenter],
    *,
    saved_bytes: Callable[[Step], int] | None = None,
) -> None:
    """Report on the contenders of the case in the first argument, then answer each line of standard input.

    Args:
        contenders: those of a case; the first is the reference.
        network: the network whose multiply-adds are the floor.
        saved_bytes: measures what a step of training keeps for its backward pass; None: it is not measured.
    """
    case = Case(**json.loads(sys.argv[1]))
    with _standard_output() as answers:
        steps, report = _prepare(case, list(contenders(case)), saved_bytes)
        _answer(answers, report | {"multiply_adds": multiply_adds(case, network)})
        for line in sys.stdin:
            name = json.loads(line)
            _answer(answers, _rate(case.device) if name == RATE else seconds(steps[name], case.device))


def _standard_output() -> TextIO:
    """Standard output for the answers alone: what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def _answer(answers: TextIO, answer: object) -> None:
    print(json.dumps(answer), file=answers, flush=True)


def _prepare(
    case: Case, chosen: list[Contender], saved_bytes: Callable[[Step], int] | None
) -> tuple[dict[str, Step], dict[str, Any]]:
    """The calls by name, each warm, and all that does not depend on time."""
    generator = torch.Generator().manual_seed(case.seed)
    image = torch.randn(case.batch, 3, case.size, case.size, generator=generator).to(case.device)
    images = {False: image, True: image.to(memory_format=torch.channels_last)}
    make = _training_step if case.task == "training" else _inference_step
    steps = {one.name: make(one, images[one.channels_last]) for one in chosen}
    logits = {name: step() for name, step in steps.items()}
    for step in steps.values():
        for _ in range(_WARM_UP - 1):
            step()
    reference = logits[chosen[0].name]
    measured = saved_bytes if case.task == "training" else None
    return steps, {
        "names": list(steps),
        "relative_difference": {
            one.name: _difference(logits[one.name], reference) for one in chosen if one.same_weights
        },
        "saved_bytes": {name: measured(step) for name, step in steps.items()} if measured else {},
        "peak_bytes": {name: peak_bytes(step, case.device) for name, step in steps.items()},
    }


def _inference_step(contender: Contender, image: Tensor) -> Step:
    def predict() -> Tensor:
        with torch.no_grad():
            return contender.run(image)

    return predict


def _training_step(contender: Contender, image: Tensor) -> Step:
    def train() -> Tensor:
        logits = contender.run(image)
        torch.autograd.backward(logits.square().mean())
        for parameter in contender.parameters:
            parameter.grad = None
        return logits.detach()

    return train


def _difference(logits: Tensor, reference: Tensor) -> float:
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


def _rate(device: str, size: int = 128, channels: int = 256) -> float:
    """Multiply-adds per second of one large 3x3 convolution in float32, to which the networks are compared."""
    image = torch.randn(1, channels, size, size, device=device).to(memory_format=torch.channels_last)
    weight = torch.randn(channels, channels, 3, 3, device=device).to(memory_format=torch.channels_last)

    def convolve() -> Tensor:
        with torch.no_grad():
            return torch.conv2d(image, weight, padding=1)

    convolve()
    return size**2 * channels**2 * 9 / seconds(convolve, device)


if __name__ == "__main__":
    main(contenders, network)
