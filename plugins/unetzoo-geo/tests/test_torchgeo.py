"""Weights of torchgeo's ResNets, from files as `hf.co/torchgeo` has them."""

import pytest
import timm
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner
from unetzoo_geo.torchgeo import SENTINEL_2, read_torchgeo

import unetzoo
from unetzoo.cli import app


@pytest.fixture
def resnet():
    """A ResNet-18 of 13 bands with running statistics of its own."""
    torch.manual_seed(0)
    model = timm.create_model("resnet18", in_chans=13)
    with torch.no_grad():
        model(torch.rand(4, 13, 64, 64))
    return model.eval()


def _without_classifier(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items() if not name.startswith("fc.")}


@pytest.mark.parametrize(
    "write",
    [
        lambda model, path: torch.save(_without_classifier(model), path.with_suffix(".pth")),
        lambda model, path: torch.save(
            {"state_dict": {f"backbone.{k}": v for k, v in model.state_dict().items()}}, path.with_suffix(".pth")
        ),
        lambda model, path: save_file(_without_classifier(model), path.with_suffix(".safetensors")),
    ],
    ids=["pth", "checkpoint", "safetensors"],
)
def test_the_encoder_gives_the_features_of_the_resnet(resnet, write, tmp_path):
    write(resnet, tmp_path / "weights")
    (path,) = tmp_path.iterdir()
    network = read_torchgeo(path)
    assert network.config.encoder == "resnet18"
    assert tuple(network.config.info.channel_names) == SENTINEL_2
    image = torch.rand(1, 13, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(network.encoder(image)[-1], resnet.forward_features(image))


def test_a_training_gathers_the_first_convolution_by_the_names_of_bands(resnet, tmp_path):
    torch.save(_without_classifier(resnet), tmp_path / "resnet.pth")
    result = CliRunner().invoke(app, ["torchgeo", str(tmp_path / "resnet.pth"), str(tmp_path / "network")])
    assert (result.exit_code, result.stderr) == (0, "")
    model = unetzoo.create("unet", encoder="resnet18", in_channels=4, classes=2)
    names = ("B8", "b2", "B4", "dem")
    inheritance = unetzoo.inherit(model, unetzoo.load(tmp_path / "network"), channel_names=names)
    trained, ours = resnet.conv1.weight, model.encoder.state_dict()["backbone.conv1.weight"]
    for place, band in enumerate((7, 1, 3)):  # B8, B2 and B4 of Sentinel-2
        torch.testing.assert_close(ours[:, place], trained[:, band] * 13 / 4)
    torch.testing.assert_close(ours[:, 3], trained.mean(1) * 13 / 4)
    assert "with the mean filter: dem" in inheritance.notes[0]
    assert inheritance.notes[1].startswith("decoder unet: fresh")
    deep = model.encoder.state_dict()["backbone.layer4.1.conv2.weight"]
    assert torch.equal(deep, resnet.layer4[1].conv2.weight)


def _refused(tmp_path, content, bands=()):
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(unetzoo.UnetzooError) as refusal:
        read_torchgeo(tmp_path / "weights.pth", bands)
    assert "\n" not in str(refusal.value)
    return str(refusal.value).replace(str(tmp_path), "")


def test_what_is_not_a_resnet_of_known_bands_is_one_line(resnet, tmp_path):
    state = _without_classifier(resnet)
    assert "takes 13 bands: name each once" in _refused(tmp_path, state, ("B2", "B3"))
    assert "/weights.pth has no conv1.weight" in _refused(tmp_path, {"a.weight": torch.zeros(2)})
    assert "such as layer4.0.conv1.weight" in _refused(
        tmp_path, {name: tensor for name, tensor in state.items() if not name.startswith("layer4.")}
    )
    four = timm.create_model("resnet18", in_chans=4).state_dict()
    assert "takes 4 bands: name each once in the order of its training; such as --bands" in _refused(tmp_path, four)


def test_files_with_code_are_refused(tmp_path):
    torch.save({"conv1.weight": print}, tmp_path / "weights.pth")
    with pytest.raises(unetzoo.WeightsError, match="cannot be read as weights alone"):
        read_torchgeo(tmp_path / "weights.pth")
