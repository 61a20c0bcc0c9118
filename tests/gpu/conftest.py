"""What a GPU computes; the tests run on a CPU, too, with fewer cases, so that they are known to work but for the card.

`pytest -m gpu tests/gpu` runs them on a GPU.
"""

import pytest
import torch

import unetzoo


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request):
    """Where a test computes."""
    return request.param


@pytest.fixture
def precise(monkeypatch):
    """Float32 as on a CPU, and convolutions that give the same each time."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)


@pytest.fixture
def make_model(device):
    """Makes the same small network each time, on the device of the test."""

    def make(decoder="unet", **options):
        torch.manual_seed(0)
        options = {
            "encoder": "plain",
            "encoder_options": {"widths": (8, 16)},
            "in_channels": 1,
            "classes": 2,
            **options,
        }
        return unetzoo.create(decoder, **options).to(device)

    return make
