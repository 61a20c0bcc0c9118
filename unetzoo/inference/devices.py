"""Where a network runs."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

from unetzoo.errors import OptionError
from unetzoo.nn.ensemble import Ensemble
from unetzoo.nn.segmenter import Segmenter

Model = TypeVar("Model", Segmenter, Ensemble, Segmenter | Ensemble)
_CHOICES = "choose cpu, cuda, cuda:1 (the second GPU) or mps"


def on_device(model: Model, device: str | None) -> Model:
    """A copy of a network, or of several, on a device, in evaluation mode; None: on a GPU where there is one.

    Raises:
        OptionError: the device does not exist.
    """
    chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
    with _explained(chosen):
        return copy.deepcopy(model).to(chosen).eval()


def check_device(device: str) -> None:
    """Raise OptionError unless the device exists."""
    with _explained(device):
        torch.empty(1, device=device)


@contextmanager
def _explained(device: str) -> Iterator[None]:
    try:
        torch.device(device)
    except RuntimeError as error:  # which lists the 20 kinds of hardware that torch has ever known
        raise OptionError(f"there is no kind of device {device!r}; {_CHOICES}") from error
    try:
        yield
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise OptionError(f"the device {device!r} cannot be used: {reason}; {_CHOICES}") from error
