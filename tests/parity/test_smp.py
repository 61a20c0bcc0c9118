"""Every architecture of segmentation_models_pytorch: its weights, loaded here, give its logits and its gradients.

By default each is tried with an encoder of another kind of pyramid than a ResNet's; U-Net++, and the options of the
others, with a ResNet. `pytest -m slow tests/parity` tries them all.
"""

import pytest
import segmentation_models_pytorch as smp
import torch
from sweeps import sweep
from torch import nn

from unetzoo import ConfigError
from unetzoo.interop.smp_config import config_of_smp, tensors_of_smp
from unetzoo.registry.build import build

pytestmark = pytest.mark.long

ENCODERS = {  # its name there, and the reductions of its levels
    "resnet18": (2, 4, 8, 16, 32),
    "resnet50": (2, 4, 8, 16, 32),
    "resnext50_32x4d": (2, 4, 8, 16, 32),
    "tu-vgg11_bn": (1, 2, 4, 8, 16, 32),
    "tu-convnext_atto": (4, 8, 16, 32),
    "tu-pvt_v2_b0": (4, 8, 16, 32),
    "tu-edgenext_xx_small": (4, 8, 16, 32),
    "tu-mobilenetv3_small_050": (2, 4, 8, 16, 32),
    "tu-efficientnet_b0": (2, 4, 8, 16, 32),
    "tu-regnetx_002": (2, 4, 8, 16, 32),
    "tu-res2net50_26w_4s": (2, 4, 8, 16, 32),
    "tu-hrnet_w18_small": (2, 4, 8, 16, 32),
    "tu-dla34": (1, 2, 4, 8, 16, 32),
}
VITS = ["tu-test_vit", "tu-vit_tiny_patch16_224", "tu-deit_tiny_patch16_224"]
DILATED = ["DeepLabV3", "DeepLabV3Plus", "PAN"]
ARCHITECTURES = ["Unet", "UnetPlusPlus", "MAnet", "Linknet", "FPN", "PSPNet", "UPerNet", "Segformer", *DILATED]
CANNOT_DILATE = {"tu-vgg11_bn", "tu-pvt_v2_b0", "tu-edgenext_xx_small", "tu-hrnet_w18_small", "tu-dla34"}  # in timm
SAMPLE = {
    ("Unet", "tu-dla34"),
    ("UnetPlusPlus", "resnet18"),
    ("MAnet", "tu-convnext_atto"),
    ("Linknet", "tu-convnext_atto"),
    ("FPN", "tu-mobilenetv3_small_050"),
    ("PSPNet", "tu-mobilenetv3_small_050"),
    ("UPerNet", "tu-convnext_atto"),
    ("Segformer", "tu-dla34"),
    ("DeepLabV3", "tu-mobilenetv3_small_050"),
    ("DeepLabV3Plus", "tu-convnext_atto"),
    ("PAN", "tu-mobilenetv3_small_050"),
    ("DPT", "tu-test_vit"),
}


def _has_it(architecture, encoder):
    """Whether segmentation_models_pytorch has that network, and this project the same graph."""
    if architecture in DILATED:
        return encoder not in CANNOT_DILATE
    # its U-Net++ has nodes at the level that such encoders do not have
    return architecture != "UnetPlusPlus" or ENCODERS[encoder][0] < 4


def _cases():
    pairs = [
        (architecture, encoder)
        for architecture in ARCHITECTURES
        for encoder in ENCODERS
        if _has_it(architecture, encoder)
    ]
    return [*pairs, *(("DPT", vit) for vit in VITS)]


def _twins(architecture, encoder, **options):
    """A network of theirs with random weights and statistics, and the same network here."""
    torch.manual_seed(0)
    peer = getattr(smp, architecture)(encoder, encoder_weights=None, classes=2, **options)
    for module in peer.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.8, 1.2)
    model = build(config_of_smp({**peer.config, "_model_class": architecture}))
    model.load_state_dict(tensors_of_smp(peer.state_dict(), model.config))
    return peer, model


def _difference(peer, model, size):
    image = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        actual, expected = model.eval()(image), peer.eval()(image)
    assert actual.shape == expected.shape
    return ((actual - expected).abs().max() / expected.abs().max()).item()


def _gradients(network, image):
    network.double().train()
    for module in network.modules():
        if isinstance(module, nn.Dropout | nn.Dropout2d):
            module.p = 0.0
    network(image.double()).square().mean().backward()
    return {name: parameter.grad for name, parameter in network.named_parameters() if parameter.grad is not None}


def _size(architecture, encoder):
    """Height and width in pixels; PAN halves a level of reduction 16 three times, some ViTs have positions for 224."""
    if architecture == "DPT" and encoder != "tu-test_vit":
        return (224, 224)
    return (128, 160) if architecture == "PAN" else (64, 96)


@pytest.mark.parametrize(("architecture", "encoder"), sweep(_cases(), SAMPLE))
def test_logits_and_gradients_are_the_same(architecture, encoder):
    peer, model = _twins(architecture, encoder, **({"dynamic_img_size": True} if encoder == "tu-test_vit" else {}))
    size = _size(architecture, encoder)
    assert _difference(peer, model, size) < 1e-4
    image = torch.randn(2, 3, *(size if architecture in ("DPT", "PAN") else (32, 64)))
    theirs = tensors_of_smp(_gradients(peer, image), model.config)
    ours = _gradients(model, image)
    assert ours.keys() == theirs.keys()
    largest = max(gradient.abs().max() for gradient in theirs.values())
    for name, gradient in theirs.items():
        allowed = 1e-6 * gradient.abs().max() + 1e-9 * largest
        assert (ours[name] - gradient).abs().max() <= allowed, name


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("FPN", {"decoder_merge_policy": "cat", "decoder_interpolation": "bilinear", "decoder_pyramid_channels": 64}),
        ("FPN", {"encoder_depth": 4, "upsampling": 2, "decoder_segmentation_channels": 32}),
        ("Linknet", {"encoder_depth": 4, "decoder_use_norm": False}),
        ("MAnet", {"decoder_interpolation": "bilinear", "decoder_pab_channels": 16}),
        ("PSPNet", {"encoder_depth": 4, "upsampling": 16, "psp_out_channels": 32, "decoder_use_norm": "identity"}),
        ("DeepLabV3", {"encoder_output_stride": 16, "decoder_atrous_rates": (2, 4, 6), "decoder_aspp_separable": True}),
        ("DeepLabV3Plus", {"encoder_output_stride": 8, "decoder_aspp_separable": False}),
        ("DeepLabV3Plus", {"encoder_depth": 4, "decoder_channels": 32}),
        ("PAN", {"encoder_output_stride": 32, "decoder_interpolation": "nearest", "decoder_channels": 16}),
        ("UPerNet", {"encoder_depth": 4, "decoder_channels": 32}),
        ("Segformer", {"encoder_depth": 3, "decoder_segmentation_channels": 32}),
    ],
)
def test_logits_are_the_same_with_other_options(architecture, options):
    peer, model = _twins(architecture, "resnet18", **options)
    assert _difference(peer, model, (256, 288) if architecture == "PAN" else (64, 96)) < 1e-4


@pytest.mark.parametrize("readout", ["add", "ignore"])
def test_logits_are_the_same_whatever_becomes_of_the_class_token(readout):
    peer, model = _twins("DPT", "tu-test_vit", decoder_readout=readout, dynamic_img_size=True)
    assert _difference(peer, model, (160, 160)) < 1e-4


@pytest.mark.parametrize("pooling", ["avg", "max"])
def test_logits_of_whole_images_are_the_same(pooling):
    peer, model = _twins("FPN", "resnet18", aux_params={"classes": 5, "pooling": pooling, "dropout": 0.3})
    image = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        actual, expected = model.eval().with_class_logits(image), peer.eval()(image)
    for ours, theirs in zip(actual, expected, strict=True):
        assert (ours - theirs).abs().max() < 1e-4 * theirs.abs().max()
    assert model.aux_head.dropout.p == 0.3


def test_nodes_at_a_level_that_the_encoder_does_not_have_have_no_equal():
    with pytest.raises(
        ConfigError, match="UnetPlusPlus has nodes at half the image's resolution, where 'convnext_atto'"
    ):
        config_of_smp({"_model_class": "UnetPlusPlus", "encoder_name": "tu-convnext_atto"})


@pytest.mark.parametrize(("architecture", "upsampling"), [("FPN", 2), ("DeepLabV3", 4), ("PSPNet", 4)])
def test_logits_of_another_size_than_the_images_have_no_equal(architecture, upsampling):
    config = {"_model_class": architecture, "encoder_name": "resnet18", "upsampling": upsampling}
    with pytest.raises(ConfigError, match=f"upsampling = {upsampling}, which makes logits of another size"):
        config_of_smp(config)
