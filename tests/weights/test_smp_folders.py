"""Folders that segmentation_models_pytorch's own `save_pretrained` wrote."""

import json
from itertools import product

import pytest
import segmentation_models_pytorch as smp
import torch
from sweeps import sweep

import unetzoo

ENCODERS = [
    "resnet18",
    "resnet50",
    "resnext50_32x4d",
    "tu-resnet10t",
    "tu-efficientnet_b0",
    "tu-mobilenetv3_small_050",
    "tu-regnetx_002",
    "tu-densenet121",
    "tu-tf_efficientnetv2_b0",
    "tu-mobilenetv2_050",
    "tu-ghostnet_050",
    "tu-mnasnet_small",
]
SAMPLE = [  # tests/parity compares the same networks without folders
    ("Unet", "resnext50_32x4d"),
    ("Unet", "tu-mobilenetv3_small_050"),
    ("UnetPlusPlus", "resnet18"),
    ("UnetPlusPlus", "tu-regnetx_002"),
]
PEERS = ["Unet", "UnetPlusPlus"]
OTHERS = ["MAnet", "Linknet", "FPN", "PSPNet", "DeepLabV3", "DeepLabV3Plus", "PAN", "UPerNet", "Segformer"]


def _peer(architecture, encoder, **options):
    torch.manual_seed(0)
    peer = getattr(smp, architecture)(encoder, encoder_weights=None, classes=2, **options)
    for module in peer.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.8, 1.2)
    return peer.eval()


def _difference(peer, folder, size=(64, 96), channels=None):
    peer.save_pretrained(folder)
    shape = (1, channels or peer.encoder._in_channels, *size)
    image = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        actual, expected = unetzoo.load(folder)(image), peer(image)
    return ((actual - expected).abs().max() / expected.abs().max()).item()


@pytest.mark.parametrize(("architecture", "encoder"), sweep(product(PEERS, ENCODERS), SAMPLE))
def test_the_logits_are_the_same(architecture, encoder, tmp_path):
    assert _difference(_peer(architecture, encoder), tmp_path) < 1e-4


@pytest.mark.parametrize("architecture", sweep(OTHERS, ["MAnet", "PAN", "Segformer"]))
def test_every_architecture_is_read(architecture, tmp_path):
    assert _difference(_peer(architecture, "resnet18"), tmp_path, (128, 128)) < 1e-4


def test_a_vit_with_its_class_token_is_read(tmp_path):
    peer = _peer("DPT", "tu-test_vit", dynamic_img_size=True)
    assert _difference(peer, tmp_path, (160, 160), channels=3) < 1e-4


OPTIONS = [
    {"decoder_attention_type": "scse"},
    {"encoder_depth": 4, "decoder_channels": (64, 32, 16, 8)},
    {"in_channels": 5},
    {"decoder_interpolation": "bilinear"},
    {"decoder_use_norm": "identity"},
]


@pytest.mark.parametrize(
    ("architecture", "options"), sweep(product(PEERS, OPTIONS), product(["Unet"], OPTIONS)), ids=str
)
def test_the_logits_are_the_same_with_other_options(architecture, options, tmp_path):
    assert _difference(_peer(architecture, "resnet18", **options), tmp_path) < 1e-4


def test_it_can_be_saved_and_loaded_as_a_network_of_this_project(tmp_path):
    _peer("Unet", "resnet18").save_pretrained(tmp_path / "theirs")
    model = unetzoo.load(tmp_path / "theirs")
    loaded = unetzoo.load(unetzoo.save(model, tmp_path / "ours"))
    assert loaded.config == model.config
    assert loaded.config.providers["decoder"].startswith("unetzoo ")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"_model_class": "YNet"}, r"_model_class 'YNet' \(supported: Unet, UnetPlusPlus, MAnet, Linknet, .*\)"),
        (
            {"encoder_name": "mit_b0"},
            r"encoder 'mit_b0' \(supported: those that are the same in timm, and all with 'tu-'\)",
        ),
        ({"activation": "sigmoid"}, "activation = 'sigmoid'"),
        ({"decoder_use_norm": "inplace"}, "decoder_use_norm = 'inplace'"),
        ({"decoder_attention_type": ["scse"]}, r"decoder_attention_type = \['scse'\]"),
    ],
)
def test_what_has_no_equal_is_named(values, message, tmp_path):
    _peer("Unet", "resnet18").save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    with pytest.raises(unetzoo.ConfigError, match=f"has no equivalent in unetzoo: {message}"):
        unetzoo.load(tmp_path)


def test_a_checkpoint_of_torch_is_read_when_it_holds_nothing_but_tensors(tmp_path):
    peer = _peer("Unet", "resnet18")
    peer.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(peer.state_dict(), tmp_path / "pytorch_model.bin")
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(unetzoo.load(tmp_path)(image), peer(image), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("content", [b"", b"no pickle", "bomb", [1, 2]], ids=["empty", "text", "code", "a list"])
def test_any_other_checkpoint_is_one_error_and_runs_nothing(content, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    _peer("Unet", "resnet18").save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    path = tmp_path / "pytorch_model.bin"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(Bomb() if content == "bomb" else content, path)
    with pytest.raises(unetzoo.WeightsError, match=r"pytorch_model\.bin"):
        unetzoo.load(tmp_path)
    assert not (tmp_path / "exploded").exists()


def test_a_loose_state_dict_is_refused_with_the_way(tmp_path):
    torch.save({}, tmp_path / "weights.pth")
    with pytest.raises(unetzoo.OptionError, match=r"is a file; load\(\) reads the folder.*weights_only=True"):
        unetzoo.load(tmp_path / "weights.pth")
