import pytest
import torch
from torch.nn import functional as F
from unetzoo_attention.attention_unet import AttentionGate, AttentionUNetDecoder
from unetzoo_attention.r2unet import R2UNetDecoder, RecurrentConv

import unetzoo
from unetzoo.layers import BlockStyle
from unetzoo.testing import check_decoder


@pytest.mark.parametrize("decoder", ["attention_unet", "r2unet"])
def test_the_decoder_keeps_the_contract(decoder):
    check_decoder(decoder)


def test_attention_unet_keeps_the_contract_over_volumes():
    check_decoder("attention_unet", spatial_dims=3)


@pytest.mark.parametrize("options", [{"norm": "none"}, {"norm": "group", "activation": "gelu"}, {"widths": [32, 16]}])
@pytest.mark.parametrize("decoder", [AttentionUNetDecoder, R2UNetDecoder])
def test_its_options_keep_the_contract_of_gradients(decoder, options):
    info = unetzoo.FeatureInfo((8, 12, 16), (1, 2, 4))
    outputs = decoder(info, **options)([torch.randn(2, 8, 8, 8), torch.randn(2, 12, 4, 4), torch.randn(2, 16, 2, 2)])
    assert [output.shape[1:] for output in outputs] == [(outputs[0].shape[1], 8, 8)]
    assert outputs[0].requires_grad


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of what MONAI imports
def test_a_gate_at_one_resolution_is_that_of_monai():
    from monai.networks.nets.attentionunet import AttentionBlock

    torch.manual_seed(0)
    ours, theirs = AttentionGate(6, 10, factor=1), AttentionBlock(2, f_int=3, f_g=10, f_l=6).eval()
    with torch.no_grad():
        theirs.W_x[0].conv.weight.copy_(ours.skip.weight)
        theirs.W_x[0].conv.bias.zero_()
        theirs.W_g[0].conv.weight.copy_(ours.gating.weight)
        theirs.W_g[0].conv.bias.copy_(ours.gating.bias)
        theirs.psi[0].conv.weight.copy_(ours.psi.weight)
        theirs.psi[0].conv.bias.copy_(ours.psi.bias)
        skip, gating = torch.randn(2, 6, 5, 7), torch.randn(2, 10, 5, 7)
        torch.testing.assert_close(ours(skip, gating), theirs(g=gating, x=skip), rtol=1e-3, atol=1e-4)


def test_a_gate_weighs_a_finer_skip_by_interpolated_weights():
    gate = AttentionGate(4, 6, factor=2)
    skip, gating = torch.randn(1, 4, 6, 8), torch.randn(1, 6, 3, 4)
    coarse = F.conv2d(skip, gate.skip.weight, stride=2) + F.conv2d(gating, gate.gating.weight, gate.gating.bias)
    alpha = torch.sigmoid(F.conv2d(coarse.relu(), gate.psi.weight, gate.psi.bias))
    expected = skip * F.interpolate(alpha, scale_factor=2.0, mode="bilinear")
    torch.testing.assert_close(gate(skip, gating), expected)


def test_a_recurrent_convolution_unfolds_as_the_equation_says():
    torch.manual_seed(0)
    layer = RecurrentConv(3, 2, BlockStyle(norm="none"))
    x = torch.randn(1, 3, 5, 5)
    fed = F.conv2d(x, layer.feed.weight, layer.feed.bias, padding=1)
    state = fed.relu()
    for _ in range(2):
        state = (fed + F.conv2d(state, layer.recur.weight, padding=1)).relu()
    torch.testing.assert_close(layer(x), state)


def test_steps_add_one_kernel_and_norms_alone():
    def count(steps):
        return sum(parameter.numel() for parameter in RecurrentConv(8, steps, BlockStyle()).parameters())

    assert count(0) == 8 * 8 * 9 + 16
    assert count(2) == 2 * 8 * 8 * 9 + 3 * 16


@pytest.mark.parametrize("steps", [-1, 17, 1.5, "2"])
def test_steps_that_are_none_are_refused(steps):
    with pytest.raises(unetzoo.OptionError, match="steps must be a whole number from 0 to 16"):
        unetzoo.create("r2unet", encoder="plain", decoder_options={"steps": steps})
