import copy

import pytest
import torch
from sweeps import sweep
from torch import nn
from torch._inductor import config as inductor

import unetzoo
from unetzoo.inference.engines.packed import PackedConv2d, PackedUpsampleConcatConv


def _trained(decoder, encoder, **options):
    """A network whose norms have statistics other than 0 and 1."""
    torch.manual_seed(0)
    model = unetzoo.create(decoder, encoder=encoder, **options)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.uniform_(-0.2, 0.2)
    return model.eval()


def _difference(actual, expected):
    return ((actual - expected).abs().max() / expected.abs().max()).item()


CASES = [
    ("unet", "resnet18", {}, True),
    ("unetpp", "convnext_atto", {}, True),
    ("unet", "test_vit", {}, True),
    ("unet", "densenet121", {}, True),  # norms come before convolutions
    ("unet", "mobilenetv3_small_050", {"decoder_options": {"attention": "scse", "activation": "silu"}}, True),
    ("unet", "resnet10t", {"decoder_options": {"upsample": "bilinear", "norm": "group"}}, True),
    ("unetpp", "resnet10t", {"decoder_options": {"upsample": "transpose", "norm": "none"}, "in_channels": 2}, True),
    ("unet", "test_resnet", {"decoder_options": {"upsample": "transpose"}}, False),
]
OTHERS = [
    ("unetpp", "resnet18", {}, True),
    ("unet", "plain", {"encoder_options": {"widths": (8, 16, 32)}}, True),
    ("unet", "efficientnet_b0", {"classes": 3}, True),
    *((*case, False) for *case, _ in CASES[-4:-1]),
]


@pytest.mark.parametrize(("decoder", "encoder", "options", "channels_last"), sweep([*CASES, *OTHERS], CASES))
def test_the_logits_are_the_same(decoder, encoder, options, channels_last):
    model = _trained(decoder, encoder, **options)
    fast = unetzoo.optimize(model, channels_last=channels_last)
    for shape in [(1, 64, 96), (2, 50, 70)]:
        image = torch.randn(shape[0], model.config.in_channels, *shape[1:], generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            assert _difference(fast(image), model(image)) < 1e-4


def test_every_batch_norm_of_a_resnet_and_its_decoder_is_gone():
    fast = unetzoo.optimize(_trained("unetpp", "resnet18"))
    assert not [module for module in fast.modules() if isinstance(module, nn.BatchNorm2d)]


def test_the_original_network_stays_as_it_was():
    model = _trained("unet", "resnet18").train()
    before = copy.deepcopy(model.state_dict())
    unetzoo.optimize(model)
    after = model.state_dict()
    assert model.training
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_compiled_copy_has_the_same_logits():
    model = _trained("unet", "plain", encoder_options={"widths": (8, 16)})
    image = torch.randn(1, 3, 40, 64)
    with torch.no_grad(), inductor.patch(compile_threads=1):  # without processes that compile, which import torch
        assert _difference(unetzoo.optimize(model, compile=True)(image), model(image)) < 1e-4


def test_bfloat16_gives_float32_logits_near_the_original_ones():
    model = _trained("unet", "resnet18")
    image = torch.randn(1, 3, 64, 64)
    logits = unetzoo.optimize(model, dtype=torch.bfloat16)(image)
    assert logits.dtype == torch.float32
    with torch.no_grad():
        assert _difference(logits, model(image)) < 0.1


def test_it_keeps_the_configuration():
    model = _trained("unet", "resnet10t")
    assert unetzoo.optimize(model).config == model.config


@pytest.mark.parametrize("dtype", [torch.float16, torch.int8, "int4"])
def test_a_dtype_that_it_cannot_compute_in_is_refused(dtype):
    with pytest.raises(
        unetzoo.OptionError, match=r"dtype must be float32, bfloat16 or \(not on the CPU\) float16, got"
    ):
        unetzoo.optimize(_trained("unet", "plain", encoder_options={"widths": (4, 8)}), dtype=dtype)


def test_it_cannot_be_trained():
    fast = unetzoo.optimize(_trained("unet", "resnet10t"))
    fast.eval()
    with pytest.raises(unetzoo.UnetzooError, match="an optimized network cannot be trained; train the original one"):
        fast.train()


def test_only_convolutions_that_gain_by_it_are_prepared():
    fast = unetzoo.optimize(_trained("unet", "resnet50"))
    plain = [module for module in fast.modules() if type(module) is nn.Conv2d]
    assert {tuple(module.kernel_size) for module in plain} == {(1, 1)}
    assert any(isinstance(module, PackedConv2d) for module in fast.modules())


def test_an_encoder_that_takes_one_size_is_compared_at_that_size():
    model = _trained("unet", "maxvit_rmlp_pico_rw_256")
    with pytest.raises(unetzoo.ShapeError, match=r"cannot take images of 64 x 64.*give optimize\(\) that image_size"):
        unetzoo.optimize(model)
    image = torch.randn(1, 3, 256, 256)
    with torch.no_grad():
        assert _difference(unetzoo.optimize(model, image_size=(256, 256))(image), model(image)) < 1e-4


def test_a_decoder_that_upsamples_by_four_is_prepared_too():
    torch.manual_seed(0)
    levels = {"out_indices": [0, 2]}
    model = unetzoo.create("unet", encoder="convnext_atto", encoder_options=levels).eval()
    assert model.decoder.stages[0].fuse.factor == 4
    fast = unetzoo.optimize(model)
    assert 4 in [part.factor for part in fast.modules() if isinstance(part, PackedUpsampleConcatConv)]
    image = torch.randn(1, 3, 96, 160)
    with torch.no_grad():
        assert _difference(fast(image), model(image)) < 1e-4


@pytest.mark.parametrize("encoder", [pytest.param("xception41", marks=pytest.mark.slow), "legacy_xception"])
def test_a_backbone_that_gives_its_maps_by_hooks_keeps_them(encoder):
    model = _trained("unet", encoder)
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert _difference(unetzoo.optimize(model)(image), model(image)) < 1e-4


def test_it_takes_no_other_weights_no_other_dtype_and_no_other_device():
    model = _trained("unet", "plain", encoder_options={"widths": (4, 8)})
    optimized, image = unetzoo.optimize(model), torch.randn(1, 3, 32, 32)
    expected = optimized(image)
    other = unetzoo.optimize(_trained("unet", "plain", encoder_options={"widths": (4, 8)}))
    for change in (
        lambda: optimized.load_state_dict(other.state_dict()),
        lambda: nn.Sequential(optimized).load_state_dict(nn.Sequential(other).state_dict()),
        lambda: optimized.load_state_dict(model.state_dict(), strict=False),
        optimized.half,
        lambda: optimized.to(torch.bfloat16),
        lambda: optimized.to("meta"),
    ):
        with pytest.raises(unetzoo.UnetzooError, match="optimize"):
            change()
    torch.testing.assert_close(optimized(image), expected, rtol=0, atol=0)
    for same in (optimized.float(), optimized.to("cpu"), copy.deepcopy(optimized)):
        torch.testing.assert_close(same(image), expected, rtol=0, atol=0)
