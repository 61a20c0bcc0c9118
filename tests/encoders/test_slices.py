"""Backbones of timm on the slices of volumes."""

import pytest
import torch
from safetensors.torch import save_file
from sweeps import sweep

import unetzoo
from unetzoo.testing import check_encoder

CASES = [
    ("resnet10t", {}),
    ("convnext_atto", {"depth": 3}),
    ("test_vit", {}),
    ("swin_tiny_patch4_window7_224", {"depth": 2, "img_size": [40, 56]}),
    ("test_efficientnet", {}),
]
VOLUME = {"spatial_dims": 3, "in_channels": 2}


@pytest.mark.parametrize(("name", "options"), sweep(CASES, [CASES[0], *CASES[2:4]]), ids=[name for name, _ in CASES])
@torch.no_grad()
def test_the_levels_of_a_slice_are_those_of_the_encoder_of_images_with_the_same_weights(name, options):
    of_images = unetzoo.create_encoder(name, in_channels=2, options=options).eval()
    of_volumes = unetzoo.create_encoder(name, **VOLUME, options={**options, "volume": "slices"}).eval()
    of_volumes.load_state_dict(of_images.state_dict())
    side = of_images.features.reductions[-1]
    volume = torch.randn(2, 2, 3, 2 * side, 3 * side)
    if "img_size" in options:
        volume = torch.nn.functional.interpolate(volume, (3, 40, 56))
    levels = of_volumes(volume)
    slices = [of_images(one) for one in volume.unbind(2)]
    for level, *expected in zip(levels, *slices, strict=True):
        torch.testing.assert_close(level, torch.stack(expected, 2), atol=1e-5, rtol=1e-5)
    axis_reductions = of_volumes.features.axis_reductions
    assert axis_reductions == tuple((1, factor, factor) for factor in of_images.features.reductions)


@pytest.mark.parametrize("name", ["test_resnet", "test_efficientnet"])
def test_it_keeps_the_contract_of_encoders_over_three_axes(name):
    check_encoder(name, options={"volume": "slices", "depth": 3}, spatial_dims=3)


@pytest.mark.parametrize(("decoder", "size"), [("unet", (1, 33, 47)), ("unetpp", (5, 16, 7))])
def test_a_network_takes_volumes_of_any_depth_and_size_and_every_weight_learns(decoder, size):
    model = unetzoo.create(decoder, encoder="test_resnet", classes=3, **VOLUME)
    logits = model(torch.randn(2, 2, *size))
    assert logits.shape == (2, 3, *size)
    logits.square().mean().backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None] == []


def test_the_decoder_joins_slices():
    model = unetzoo.create("unet", encoder="test_resnet", **VOLUME).eval()
    volume = torch.randn(1, 2, 9, 32, 32, requires_grad=True)
    model(volume)[:, :, 4].square().sum().backward()
    assert (volume.grad.abs().amax((0, 1, 3, 4)) > 0).sum() > 1
    for level in model.encoder(volume):
        (gradient,) = torch.autograd.grad(level[:, :, 4].square().sum(), volume, retain_graph=True)
        assert gradient.abs().amax((0, 1, 3, 4)).nonzero().flatten().tolist() == [4]


def test_slices_are_the_default_and_are_kept_by_save_and_load(tmp_path):
    model = unetzoo.create("fpn", encoder="test_vit", **VOLUME).eval()
    unetzoo.save(model, tmp_path / "net")
    volume = torch.randn(1, 2, 3, 32, 48)
    assert torch.equal(unetzoo.load(tmp_path / "net")(volume), model(volume))


def test_weights_of_images_are_used_as_they_are(tmp_path):
    weights = unetzoo.create_encoder("test_resnet").backbone.state_dict()
    save_file(weights, tmp_path / "weights.safetensors")
    encoder = unetzoo.create_encoder("test_resnet", spatial_dims=3, pretrained=str(tmp_path / "weights.safetensors"))
    assert encoder.backbone.state_dict().keys() == weights.keys()
    assert all(torch.equal(weight, weights[name]) for name, weight in encoder.backbone.state_dict().items())


def test_recomputed_activations_give_the_same_gradients_and_keep_less():
    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder="convnext_atto", **VOLUME)
    volume = torch.randn(1, 2, 4, 64, 64)
    gradients, kept = _gradients_and_kept_values(model, volume)
    model.checkpoint_activations()
    same, fewer = _gradients_and_kept_values(model, volume)
    assert fewer < kept / 2
    for gradient, expected in zip(same, gradients, strict=True):
        torch.testing.assert_close(gradient, expected, atol=1e-5, rtol=1e-4)


def _gradients_and_kept_values(model, volume):
    kept = {}

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = model.encoder(volume)[-1].square().mean()
    return torch.autograd.grad(loss, [*model.encoder.parameters()]), sum(kept.values())


@torch.no_grad()
def test_an_optimized_network_of_slices_has_the_same_logits():
    model = unetzoo.create("unet", encoder="test_resnet", **VOLUME).eval()
    volume = torch.randn(1, 2, 3, 24, 40)
    torch.testing.assert_close(unetzoo.optimize(model)(volume), model(volume), atol=1e-5, rtol=1e-4)


def test_kernels_and_maps_keep_their_channels_last():
    encoder = unetzoo.create("unet", encoder="test_resnet", **VOLUME).encoder.eval()
    kernels = [weight for weight in encoder.parameters() if weight.ndim == 4]
    assert all(kernel.is_contiguous(memory_format=torch.channels_last) for kernel in kernels)
    volume = torch.randn(2, 2, 3, 32, 32).to(memory_format=torch.channels_last_3d)
    assert all(level.is_contiguous(memory_format=torch.channels_last_3d) for level in encoder(volume))


@pytest.mark.parametrize(("spatial_dims", "volume", "says"), [
    (2, "slices", "the option volume needs spatial_dims=3"),
    (3, "tubes", "volume must be .*slices.*; got 'tubes'"),
])  # fmt: skip
def test_an_invalid_use_of_the_backbone_is_refused(spatial_dims, volume, says):
    with pytest.raises(unetzoo.OptionError, match=says):
        unetzoo.create_encoder("test_resnet", spatial_dims=spatial_dims, options={"volume": volume})
