"""Folders that segmentation_models_pytorch loads, with the logits of the network here."""

import pytest
import segmentation_models_pytorch as smp
import torch

import unetzoo
from unetzoo.interop.smp_arguments import smp_arguments
from unetzoo.interop.smp_config import config_of_smp

CASES = [
    ("unetpp", "resnet18", {"decoder_options": {"attention": "scse"}, "classes": 3}),
    ("unet", "mobilenetv3_small_050", {"in_channels": 4, "aux_classes": 2}),
    ("fpn", "resnet18", {"head_kernel_size": 1, "decoder_options": {"merge": "cat"}}),
    pytest.param("unet", "resnet18", {}, marks=pytest.mark.slow),
    pytest.param("linknet", "resnet18", {"encoder_options": {"depth": 4}}, marks=pytest.mark.slow),
    pytest.param("manet", "resnet18", {}, marks=pytest.mark.slow),
    pytest.param("deeplabv3plus", "resnet18", {"encoder_options": {"output_stride": 16}}, marks=pytest.mark.slow),
    pytest.param("upernet", "resnet18", {}, marks=pytest.mark.slow),
    pytest.param("segformer", "resnet18", {}, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("decoder", "encoder", "options"), CASES)
def test_smp_loads_the_folder_and_gives_the_same_logits(decoder, encoder, options, tmp_path):
    torch.manual_seed(0)
    model = unetzoo.create(decoder, encoder=encoder, **options)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.8, 1.2)
    unetzoo.export(model, tmp_path / "smp", target="smp")
    peer = smp.from_pretrained(tmp_path / "smp").eval()
    image = torch.randn(2, model.config.in_channels, 96, 128)
    with torch.no_grad():
        actual, expected = peer(image), model.eval()(image)
    actual = actual[0] if isinstance(actual, tuple) else actual
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize(
    ("name", "encoder"),
    [
        *((name, "resnet34") for name in ("Unet", "MAnet", "Linknet", "FPN", "PAN", "PSPNet")),
        ("Unet", "efficientnet-b1"),
        ("UnetPlusPlus", "mobilenet_v2"),
    ],
)
def test_the_arguments_of_a_network_that_came_from_smp_lead_back_to_it(name, encoder):
    config = config_of_smp({"_model_class": name, "encoder_name": encoder, "classes": 2})
    assert config_of_smp(smp_arguments(config)) == config


def test_the_card_states_the_license_of_the_network_not_that_of_smp(tmp_path):
    model = unetzoo.create("unet", encoder="resnet18")
    info = unetzoo.ModelInfo(mean=(0.5,) * 3, std=(0.2,) * 3, value_range=(0, 255), license="cc-by-4.0")
    model = unetzoo.load(unetzoo.save(model, tmp_path / "net", info=info))
    card = (unetzoo.export(model, tmp_path / "smp", target="smp") / "README.md").read_text()
    assert "license: cc-by-4.0" in card
    assert "mit" not in card
    assert "0.5, 0.5, 0.5" in card


@pytest.mark.parametrize(
    ("decoder", "encoder", "options", "message"),
    [
        ("resunet", "resnet18", {}, "no decoder equal to 'resunet'; it has unet, unetpp"),
        ("unet", "plain", {}, "no encoder of it is 'plain' for Unet"),
        ("unet", "resnet18", {"decoder_options": {"dropout": 0.1}}, r"decoder_options dropout=0.1"),
        ("unet", "resnet18", {"head_kernel_size": 5}, "head_kernel_size=5"),
    ],
)
def test_a_network_that_smp_does_not_have_is_refused_by_name(decoder, encoder, options, message, tmp_path):
    model = unetzoo.create(decoder, encoder=encoder, **options)
    with pytest.raises(unetzoo.ConfigError, match=message):
        unetzoo.export(model, tmp_path / "smp", target="smp")
    assert list(tmp_path.iterdir()) == []
