"""The whole demo as one function: train both networks, judge them and the baseline on the held-out part."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import perf_counter
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from unetzoo.assembly import create
from unetzoo.checks import check_count
from unetzoo.data.datasets.picture import Normalisation, Part, fit_normalisation, load_nuclei, split
from unetzoo.demo.otsu import otsu_threshold
from unetzoo.demo.scores import Mask, Scores, score
from unetzoo.demo.training import CROP, Example, train
from unetzoo.errors import OptionError, ShapeError
from unetzoo.nn.segmenter import Segmenter

DECODERS = ("unet", "unetpp")
TIMED_RUNS = 7
_Found = TypeVar("_Found")
_LARGEST_SEED = 2**63 - 1  # that torch's generator takes


@dataclass(frozen=True)
class Settings:
    """What a run depends on; the same settings give the same masks on the same machine and number of threads.

    Args:
        encoder: name of the encoder of both networks.
        steps: updates of the weights of each network, >= 1.
        seed: of the weights and of the crops, 0 to 2**63 - 1.

    Raises:
        OptionError: for a number outside its range.
    """

    encoder: str
    steps: int
    seed: int

    def __post_init__(self) -> None:
        """Check the numbers; `create` checks the encoder's name."""
        check_count("steps", self.steps)
        if not 0 <= self.seed <= _LARGEST_SEED:
            raise OptionError(f"seed must be a whole number from 0 to 2**63 - 1, got {self.seed!r}")


@dataclass(frozen=True)
class Outcome:
    """How one method did on the held-out part.

    Args:
        method: its name.
        scores: of its prediction.
        seconds: to predict the held-out part; the median of `TIMED_RUNS` runs after one that does not count.
        parameters: that it fitted to the training part.
        prediction: (h, w), true where it sees a nucleus.
    """

    method: str
    scores: Scores
    seconds: float
    parameters: int
    prediction: Mask


@dataclass(frozen=True)
class Result:
    """What a run gave.

    Args:
        settings: that it ran with.
        held_out: the part that the outcomes are judged on.
        outcomes: of the baseline, then of the networks.
    """

    settings: Settings
    held_out: Part
    outcomes: tuple[Outcome, ...]


def run_demo(settings: Settings, on_step: Callable[[str, float], None]) -> Result:
    """Train `DECODERS` on one part of the image, on the CPU, and judge them and Otsu's threshold on the other.

    Everything that can be checked is checked before the training. Torch's random state is left as it was.

    Args:
        settings: see there.
        on_step: called after each step of training with the decoder's name and the loss.

    Raises:
        UnknownNameError, ConflictError: as `unetzoo.create` for the encoder's name.
        OptionError: for an encoder that cannot be built with one channel, or does not take images of any size.
    """
    learn, held_out = split(*load_nuclei())
    normalise = fit_normalisation(learn.image)
    networks = {name: _build(name, settings, held_out) for name in DECODERS}
    example = Example(_as_tensor(learn, normalise), torch.from_numpy(learn.nuclei).long())
    image = _as_tensor(held_out, normalise)[None, None]
    outcomes = [_judge_otsu(learn, held_out)]
    for name, network in networks.items():
        with _seeded(settings.seed):
            train(network, example, steps=settings.steps, on_step=partial(on_step, name))
        outcomes.append(_judge_network(name, network, image, held_out.nuclei))
    return Result(settings, held_out, tuple(outcomes))


def _build(decoder: str, settings: Settings, held_out: Part) -> Segmenter:
    """The untrained network, once it is known to take crops and the held-out part."""
    with _seeded(settings.seed):
        network = create(decoder, encoder=settings.encoder, in_channels=1)
    for height, width in ((CROP, CROP), held_out.image.shape):
        try:
            _logits(network, torch.zeros(1, 1, height, width))
        except ShapeError as error:
            raise OptionError(
                f"the demo needs an encoder for images of any size, which {settings.encoder!r} is not: it cannot take "
                f"{height} x {width} pixels; `unetzoo list encoders` shows others"
            ) from error
    return network


def _judge_otsu(learn: Part, held_out: Part) -> Outcome:
    threshold = otsu_threshold(learn.image)
    prediction, seconds = _timed(lambda: held_out.image > threshold)
    return Outcome("Otsu's threshold", score(prediction, held_out.nuclei), seconds, 1, prediction)


def _judge_network(name: str, network: Segmenter, image: Tensor, truth: Mask) -> Outcome:
    logits, seconds = _timed(lambda: _logits(network, image))
    prediction = np.asarray(logits[0, 0] > 0)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Outcome(name, score(prediction, truth), seconds, parameters, prediction)


def _logits(network: Segmenter, images: Tensor) -> Tensor:
    network.eval()
    with torch.inference_mode():
        logits: Tensor = network(images)
    return logits


def _timed(work: Callable[[], _Found]) -> tuple[_Found, float]:
    """What a function gives, and the median of the seconds that it takes."""
    found = work()
    seconds = []
    for _ in range(TIMED_RUNS):
        start = perf_counter()
        work()
        seconds.append(perf_counter() - start)
    return found, median(seconds)


def _as_tensor(part: Part, normalise: Normalisation) -> Tensor:
    return torch.from_numpy(normalise(part.image))


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed torch's generator of the CPU, and put its state back at the end."""
    with torch.random.fork_rng(devices=()):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would also seed the GPUs
        yield
