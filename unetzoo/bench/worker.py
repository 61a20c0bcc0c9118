"""A process that holds a case's contenders and times one call of the one that it is told to, by lines of JSON."""

import json
import os
import sys
from typing import Any, TextIO

import torch
from torch import Tensor

from unetzoo.bench.case import Case
from unetzoo.bench.contenders import Contender, contenders
from unetzoo.bench.measures import Step, peak_bytes, saved_bytes, seconds

_WARM_UP = 3
_RATE = "rate"


class Worker:
    """The contenders of a case, ready to be called.

    Args:
        case: what they compute.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        generator = torch.Generator().manual_seed(case.seed)
        image = torch.randn(case.batch, 3, case.size, case.size, generator=generator).to(case.device)
        images = {False: image, True: image.to(memory_format=torch.channels_last)}
        self.contenders = list(contenders(case))
        self.steps = {one.name: self._step(one, images[one.channels_last]) for one in self.contenders}
        self.report = self._look()

    def answer(self, name: str) -> float:
        """Seconds of one call of a contender, or, for `"rate"`, the multiply-adds per second of a convolution."""
        return convolution_rate(self.case.device) if name == _RATE else seconds(self.steps[name], self.case.device)

    def _look(self) -> dict[str, Any]:
        """What does not depend on time; every contender has been called often enough to be warm then."""
        logits = {name: step() for name, step in self.steps.items()}
        reference = logits[self.contenders[0].name]
        same = [one.name for one in self.contenders if one.same_weights]
        for step in self.steps.values():
            for _ in range(_WARM_UP - 1):
                step()
        return {
            "names": list(self.steps),
            "relative_difference": {name: _difference(logits[name], reference) for name in same},
            "saved_bytes": {name: saved_bytes(step) for name, step in self.steps.items() if self._trains},
            "peak_bytes": {name: peak_bytes(step, self.case.device) for name, step in self.steps.items()},
        }

    @property
    def _trains(self) -> bool:
        return self.case.task == "training"

    def _step(self, contender: Contender, image: Tensor) -> Step:
        return _training_step(contender, image) if self._trains else _inference_step(contender, image)


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


def convolution_rate(device: str, size: int = 128, channels: int = 256) -> float:
    """Multiply-adds per second of one large 3x3 convolution in float32, to which the networks are compared."""
    image = torch.randn(1, channels, size, size, device=device).to(memory_format=torch.channels_last)
    weight = torch.randn(channels, channels, 3, 3, device=device).to(memory_format=torch.channels_last)

    def convolve() -> Tensor:
        with torch.no_grad():
            return torch.conv2d(image, weight, padding=1)

    convolve()
    return size**2 * channels**2 * 9 / seconds(convolve, device)


def _difference(found: Tensor, wanted: Tensor) -> float:
    return float((found - wanted).abs().max() / wanted.abs().max())


def serve(case: Case, questions: TextIO, answers: TextIO) -> None:
    """Report what the contenders are, then answer a name a line."""
    worker = Worker(case)
    print(json.dumps(worker.report), file=answers, flush=True)
    for line in questions:
        print(json.dumps(worker.answer(json.loads(line))), file=answers, flush=True)


def _own_standard_output() -> TextIO:
    """Standard output for the answers alone: what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


if __name__ == "__main__":
    serve(Case(**json.loads(sys.argv[1])), sys.stdin, _own_standard_output())
