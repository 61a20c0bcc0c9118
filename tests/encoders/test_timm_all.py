"""Every model of timm as an encoder of both decoders, on the `meta` device.

All of them take about half an hour: `pytest -m slow tests/encoders/test_timm_all.py`. A fixed sample always runs.
"""

import pytest
import timm
import torch
from torch import nn

import unetzoo
from unetzoo.decoders.unetpp import UNetPlusPlusDecoder

NAMES = timm.list_models()
SAMPLE = NAMES[::60]
SIZE = (200, 264)
REFUSE_META = ("gemma4_",)  # timm reads a value of a tensor on their way, which the meta device has not


def _unet_and_unetpp(name):
    """U-Net, and U-Net++ over the same encoder, so that each backbone is built once."""
    unet = unetzoo.create("unet", encoder=name, encoder_options={"img_size": SIZE}).eval()
    decoder = UNetPlusPlusDecoder(unet.encoder.features)
    heads = [nn.Conv2d(channels, 1, 1) for channels in decoder.out_channels]
    return unet, unetzoo.Segmenter(unet.encoder, decoder, heads, unet.config).eval()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in SAMPLE else pytest.mark.slow) for name in NAMES]
)
def test_both_decoders_take_the_pyramid_and_give_logits_at_the_images_size(name):
    device = "cpu" if name.startswith(REFUSE_META) else "meta"
    with torch.device(device), torch.no_grad():
        networks = _unet_and_unetpp(name)
        assert [network(torch.zeros(1, 3, *SIZE)).shape for network in networks] == [(1, 1, *SIZE)] * 2
