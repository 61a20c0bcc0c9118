"""The layers of an optimized network on a GPU, with the arithmetic of a CPU; `tests/gpu` has the kernels of a GPU."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

import unetzoo
from unetzoo.inference.engines import fused
from unetzoo.layers.upsample import UpsampleConcatConv


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """Layers are fused although they are on a CPU."""
    monkeypatch.setattr(fused, "_is_on_gpu", lambda _: True)


def _count(network, kind):
    return sum(isinstance(module, kind) for module in network.modules())


@pytest.mark.parametrize("bias", [True, False])
@torch.no_grad()
def test_a_fused_convolution_adds_a_map_and_rectifies(bias, as_on_a_gpu):
    layer = nn.Conv2d(3, 9, 5, stride=2, padding=4, dilation=2, bias=bias)
    image = torch.randn(2, 3, 17, 20)
    convolved = layer(image)
    other = torch.randn_like(convolved)
    result = fused.fused(layer)
    torch.testing.assert_close(result(image), F.relu(convolved))
    torch.testing.assert_close(result(image, other), F.relu(convolved + other))


@pytest.mark.parametrize("pixels", [0, 10**6], ids=["each skip", "skips concatenated"])
@pytest.mark.parametrize("skips", [(3,), (3, 1, 2)], ids=str)
@torch.no_grad()
def test_a_fused_upsampling_adds_the_skips_and_rectifies(skips, pixels, as_on_a_gpu, monkeypatch):
    monkeypatch.setattr(fused, "_FEW_PIXELS", pixels)
    layer = UpsampleConcatConv(4, skips, 5, few_pixels=10**9)
    deep, maps = torch.randn(2, 4, 5, 6), [torch.randn(2, channels, 10, 12) for channels in skips]
    joined = torch.cat([F.interpolate(deep, scale_factor=2), *maps], dim=1)
    expected = F.relu(F.conv2d(joined, layer.weight, layer.bias, padding=1))
    result = fused.fused(layer)
    before = [one.clone() for one in maps]
    for one in (result, copy.deepcopy(result), pickle.loads(pickle.dumps(result))):
        torch.testing.assert_close(one(deep, maps), expected, rtol=1e-4, atol=1e-5)
    assert all(torch.equal(*pair) for pair in zip(maps, before, strict=True))


@pytest.mark.parametrize("options", [{"mode": "bilinear"}, {"factor": 1}, {"factor": 4}, {"spatial_dims": 3}], ids=str)
def test_other_upsamplings_are_not_fused(options, as_on_a_gpu):
    assert fused.fused(UpsampleConcatConv(4, (2,), 5, **options)) is None


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 4, 3, groups=2),
        nn.Conv2d(4, 4, 3, padding="same"),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
        nn.Conv3d(4, 4, 3),
        UpsampleConcatConv(4, (), 5),
    ],
    ids=str,
)
def test_other_layers_are_not_fused(layer, as_on_a_gpu):
    assert fused.fused(layer) is None


def test_what_is_on_a_cpu_is_not_fused():
    assert fused.fused(nn.Conv2d(4, 4, 3)) is None
    assert fused.widened(nn.Conv2d(4, 4, 3).bfloat16()) is None


def test_a_layer_without_a_kernel_in_cudnn_stays(as_on_a_gpu, monkeypatch):
    def refuse(*_):
        raise RuntimeError("GET was unable to find an engine to execute this computation")

    monkeypatch.setattr(fused, "convolve_add_rectify", refuse)
    assert fused.fused(nn.Conv2d(4, 4, 3)) is None
    assert fused.fused(UpsampleConcatConv(4, (2,), 5)) is None


@pytest.mark.parametrize("bias", [True, False])
@torch.no_grad()
def test_a_convolution_with_few_outputs_is_widened_in_half_precision_alone(bias, as_on_a_gpu):
    layer = nn.Conv2d(16, 3, 3, padding=1, bias=bias).to(torch.bfloat16)
    image = torch.randn(2, 16, 9, 8, dtype=torch.bfloat16).to(memory_format=torch.channels_last)
    result = fused.widened(layer)(image)
    assert result.shape == (2, 3, 9, 8)
    assert result.untyped_storage().nbytes() == result.nbytes
    torch.testing.assert_close(result, layer(image), rtol=0.02, atol=0.02)
    assert fused.widened(layer.float()) is None
    assert fused.widened(nn.Conv2d(16, 8, 3).to(torch.bfloat16)) is None


BLOCKS = {
    "resnet18": 8,
    "resnet50": 16,
    "resnext50_32x4d": 16,
    "seresnet18": 0,
    "resnetblur18": 8,
    "mobilenetv3_small_050": 0,
}


@pytest.mark.parametrize("encoder", BLOCKS)
@torch.no_grad()
def test_the_last_convolution_of_a_residual_block_adds_the_shortcut(encoder, as_on_a_gpu):
    torch.manual_seed(0)
    model = unetzoo.create("fpn", encoder=encoder).eval()
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.running_mean.normal_(0, 0.1)
            norm.running_var.uniform_(0.5, 2)
            nn.init.uniform_(norm.weight, 0.5, 1.5)
    optimized = unetzoo.optimize(model, channels_last=False)
    assert _count(optimized, fused.FusedResidual) == BLOCKS[encoder]
    assert _count(optimized, fused.FusedConv2d) >= BLOCKS[encoder] + 2
    image = torch.randn(1, 3, 64, 96)
    expected = model(image)
    torch.testing.assert_close(optimized(image), expected, rtol=1e-3, atol=1e-4 * expected.abs().max().item())


@pytest.mark.parametrize(("decoder", "nodes"), [("unet", 4), ("unetpp", 10)])
@torch.no_grad()
def test_every_decoder_node_with_skips_is_fused(decoder, nodes, as_on_a_gpu):
    model = unetzoo.create(decoder, encoder="resnet18").eval()
    optimized = unetzoo.optimize(model, channels_last=False)
    assert _count(optimized, fused.FusedUpsampleConcatConv) == nodes
    image = torch.randn(1, 3, 64, 32)
    torch.testing.assert_close(optimized(image), model(image), rtol=1e-3, atol=1e-4)
