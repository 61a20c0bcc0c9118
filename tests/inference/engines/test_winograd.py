"""Convolutions over three axes in optimized networks."""

import pytest
import torch
from sweeps import sweep
from torch import nn

import unetzoo
from unetzoo.inference.engines.direct import DirectConv3d
from unetzoo.inference.engines.winograd import WinogradConv3d, can_shorten
from unetzoo.layers.upsample import UpsampleConcatConv

ORDER = torch.channels_last_3d


def _close(found, expected):
    assert found.shape == expected.shape
    assert float((found - expected).abs().max()) < 3e-5 * float(expected.abs().max())


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 7, 8, 9, 12, 17])
@pytest.mark.parametrize(("bias", "rectify"), [(True, False), (False, True)])
@torch.no_grad()
def test_volumes_of_any_depth_are_convolved_as_torch_does_in_double_precision(depth, bias, rectify):
    torch.manual_seed(0)
    layer = nn.Conv3d(5, 7, 3, padding=1, bias=bias)
    volumes = torch.randn(2, 5, depth, 6, 9)
    expected = layer.double()(volumes.double())
    short = WinogradConv3d(layer.float(), rectify=rectify)
    for order in (ORDER, torch.contiguous_format):
        _close(short(volumes.to(memory_format=order)), expected.relu() if rectify else expected)


@torch.no_grad()
def test_a_decoders_convolution_sees_all_its_maps():
    torch.manual_seed(0)
    layer = UpsampleConcatConv(4, (3, 6), 8, factor=1, spatial_dims=3)
    maps = [torch.randn(1, channels, 10, 5, 6) for channels in (4, 3, 6)]
    expected = torch.conv3d(torch.cat(maps, 1).double(), layer.weight.double(), layer.bias.double(), padding=1)
    _close(WinogradConv3d(layer, rectify=False)(maps[0], maps[1:]), expected)


@pytest.mark.parametrize("options", [
    {"kernel_size": (1, 3, 3), "padding": (0, 1, 1)},
    {"kernel_size": 3, "padding": 0},
    {"kernel_size": 3, "padding": 1, "stride": 2},
    {"kernel_size": 3, "padding": 2, "dilation": 2},
    {"kernel_size": 3, "padding": 1, "groups": 2},
    {"kernel_size": 3, "padding": 1, "padding_mode": "circular"},
    {"kernel_size": 3, "padding": "same"},
])  # fmt: skip
def test_other_convolutions_stay_what_they_are(options):
    assert not can_shorten(nn.Conv3d(256, 256, device="meta", **options))


def test_few_channels_are_not_worth_it():
    assert not can_shorten(nn.Conv3d(8, 8, 3, padding=1))


OPTIONS = [{"norm": "instance", "activation": "leaky_relu"}, {}, {"upsample": "transpose"}]


@pytest.mark.parametrize("options", sweep(OPTIONS, OPTIONS[:1]))
@torch.no_grad()
def test_an_optimized_network_over_three_axes_takes_them_and_gives_the_same_logits(options):
    torch.manual_seed(0)
    model = unetzoo.create(
        "unet",
        encoder="resenc",
        spatial_dims=3,
        in_channels=1,
        classes=3,
        encoder_options={"widths": (8, 64, 96), "blocks": (1, 1, 1)},
        decoder_options={"widths": (64, 8), **options},
    ).eval()
    fast = unetzoo.optimize(model)
    kinds = {type(module) for module in fast.modules()}
    assert DirectConv3d in kinds
    assert nn.Conv3d not in kinds
    if torch.backends.cpu.get_cpu_capability() in {"AVX2", "AVX512"}:
        assert WinogradConv3d in kinds
    volume = torch.randn(1, 1, 13, 20, 25)
    expected = model(volume)
    assert float((fast(volume) - expected).abs().max()) < 1e-4 * float(expected.abs().max())
