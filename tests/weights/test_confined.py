"""Loading a folder makes no request and reads nothing outside of it."""

import json
import socket
from contextlib import suppress

import pytest
import torch
from guard import confined
from safetensors.torch import save_file

import unetzoo


def _plain():
    return unetzoo.create("unet", encoder="plain", encoder_options={"widths": [2, 3, 4]})


def _of_timm():
    return unetzoo.create("unet", encoder="test_vit", encoder_options={"img_size": [64, 64]})


@pytest.mark.parametrize("network", [_plain, _of_timm])
def test_a_saved_network_is_loaded_from_its_folder_alone(network, tmp_path):
    folder = unetzoo.save(network(), tmp_path / "net", max_shard_size="20KB")
    with confined(folder):
        unetzoo.load(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_a_network_of_segmentation_models_pytorch_is_loaded_from_its_folder_alone(name, tmp_path):
    import segmentation_models_pytorch as smp

    peer = smp.Unet("resnet18", encoder_weights=None)
    peer.save_pretrained(tmp_path)
    if name == "pytorch_model.bin":
        (tmp_path / "model.safetensors").unlink()
        torch.save(peer.state_dict(), tmp_path / name)
    with confined(tmp_path):
        unetzoo.load(tmp_path)


@pytest.mark.parametrize(
    "encoder", ["tu-hf-hub:evil/x", "tu-local-dir:/some/where", "hf-hub:evil/x", "timm:hf-hub:e/x"]
)
@pytest.mark.parametrize("is_foreign", [True, False])
def test_a_name_that_is_a_place_elsewhere_leads_nowhere(encoder, is_foreign, tmp_path):
    foreign = {"_model_class": "Unet", "encoder_name": encoder}
    config = foreign if is_foreign else {"format": 1, "decoder": "unet", "encoder": encoder}
    (tmp_path / "config.json").write_text(json.dumps(config))
    save_file({"x": torch.zeros(1)}, tmp_path / "model.safetensors")
    with confined(tmp_path), pytest.raises(unetzoo.UnetzooError):
        unetzoo.load(tmp_path)


def test_a_picture_of_postscript_runs_no_program(tmp_path):
    (tmp_path / "mask.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    with confined(tmp_path), pytest.raises(unetzoo.OptionError, match=r"mask\.png' cannot be read"):
        unetzoo.save(_plain(), tmp_path / "net", picture=tmp_path / "mask.png")


def test_the_guard_sees_a_file_elsewhere_a_link_and_a_request_though_it_is_tried_in_silence(tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "secret").write_text("mine")
    (tmp_path / "inside" / "link").symlink_to(tmp_path / "secret")
    for path in (tmp_path / "secret", tmp_path / "inside" / "link"):
        with pytest.raises(AssertionError, match=r"open .*secret"), confined(tmp_path / "inside"):
            path.read_text()
    with pytest.raises(AssertionError, match=r"socket\.connect"), confined(tmp_path):
        _connect()


def _connect():
    with socket.socket() as client, suppress(PermissionError):
        client.connect(("127.0.0.1", 9))
