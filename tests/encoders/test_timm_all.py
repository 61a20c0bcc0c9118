"""Every model of timm as an encoder of both decoders, on the `meta` device.

All of them take about half an hour: `pytest -m slow tests/encoders/test_timm_all.py`, and as long again on volumes,
which `-k volumes` selects. A fixed sample always runs.
"""

import re

import pytest
import timm
import torch
from sweeps import sweep
from torch import nn

import unetzoo
from unetzoo.decoders.unetpp import UNetPlusPlusDecoder

NAMES = timm.list_models()
DEEP = re.compile(
    "large|giant|huge|medium|_1b_|_m36_|_l(_|$)"
)  # seconds each, for code that smaller models of the sample have, too
SAMPLE = [name for name in NAMES[::120] if not DEEP.search(name)]
FEW = [name for name in NAMES[75::450] if not DEEP.search(name)]
SIZE = (200, 264)
REFUSE_META = ("gemma4_",)  # timm reads a value of a tensor on their way, which the meta device has not


def _unet_and_unetpp(name):
    """U-Net, and U-Net++ over the same encoder, so that each backbone is built once."""
    unet = unetzoo.create("unet", encoder=name, encoder_options={"img_size": SIZE}).eval()
    decoder = UNetPlusPlusDecoder(unet.encoder.features)
    heads = [nn.Conv2d(channels, 1, 1) for channels in decoder.out_channels]
    return unet, unetzoo.Segmenter(unet.encoder, decoder, heads, unet.config).eval()


@pytest.mark.parametrize("name", sweep(NAMES, SAMPLE))
def test_both_decoders_take_the_pyramid_and_give_logits_at_the_images_size(name):
    device = "cpu" if name.startswith(REFUSE_META) else "meta"
    with torch.device(device), torch.no_grad():
        networks = _unet_and_unetpp(name)
        assert [network(torch.zeros(1, 3, *SIZE)).shape for network in networks] == [(1, 1, *SIZE)] * 2


@pytest.mark.parametrize("name", sweep(NAMES, FEW))
def test_unet_takes_the_levels_of_the_slices_of_volumes_and_gives_logits_at_their_size(name):
    device = "cpu" if name.startswith(REFUSE_META) else "meta"
    with torch.device(device), torch.no_grad():
        options = {"img_size": SIZE, "volume": "slices"}
        model = unetzoo.create("unet", encoder=name, spatial_dims=3, encoder_options=options).eval()
        assert model(torch.zeros(1, 3, 2, *SIZE)).shape == (1, 1, 2, *SIZE)
