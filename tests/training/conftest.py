import pytest
import torch
from squares import Squares

import unetzoo


@pytest.fixture
def squares():
    return {"train": Squares(6, 0), "val": Squares(3, 1)}


@pytest.fixture
def make_model():
    """Makes the same small network each time, with other decoder options if any."""

    def make(decoder="unet", *, classes=2, **decoder_options):
        torch.manual_seed(0)
        return unetzoo.create(
            decoder,
            encoder="plain",
            encoder_options={"widths": (8, 16), "norm": "group"},
            decoder_options={"norm": "group", **decoder_options},
            classes=classes,
            in_channels=1,
        )

    return make


@pytest.fixture
def short():
    """Options of a training of seconds."""
    return unetzoo.FitOptions(steps=12, epochs=3, batch=2, crop=32)
