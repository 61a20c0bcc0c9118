"""Where a network runs."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from unetzoo.errors import OptionError
from unetzoo.nn.segmenter import Segmenter


def on_device(model: Segmenter, device: str | None) -> Segmenter:
    """A copy of a network on a device, in evaluation mode; None: on a GPU where there is one.

    Raises:
        OptionError: the device is not there.
    """
    chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
    with _explained(chosen):
        return copy.deepcopy(model).to(chosen).eval()


def check_device(device: str) -> None:
    """Raise OptionError unless the device is there."""
    with _explained(device):
        torch.empty(1, device=device)


@contextmanager
def _explained(device: str) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, AssertionError) as error:
        told = str(error).partition("\n")[0]
        raise OptionError(f"the device {device!r} cannot be used: {told}") from error
