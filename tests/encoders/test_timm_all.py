"""Every model of timm as an encoder of both decoders, on the `meta` device.

All of them take about half an hour: `pytest -m slow tests/encoders/test_timm_all.py`. A fixed sample always runs.
"""

import pytest
import timm
import torch

import unetzoo

NAMES = timm.list_models()
SAMPLE = NAMES[::50]
SIZE = (200, 264)
REFUSE_META = ("gemma4_",)  # timm reads a value of a tensor on their way, which the meta device has not


def _logits(decoder: str, name: str) -> torch.Tensor:
    device = "cpu" if name.startswith(REFUSE_META) else "meta"
    with torch.device(device), torch.no_grad():
        model = unetzoo.create(decoder, encoder=name, encoder_options={"img_size": SIZE}).eval()
        return model(torch.zeros(1, 3, *SIZE))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in SAMPLE else pytest.mark.slow) for name in NAMES]
)
def test_both_decoders_take_the_pyramid_and_give_logits_at_the_images_size(name):
    assert _logits("unet", name).shape == _logits("unetpp", name).shape == (1, 1, *SIZE)
