import json

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from nnunet_checkpoint import checkpoint_of, init_args, peer_network
from PIL import Image
from safetensors.torch import save_file

import unetzoo


@pytest.fixture(scope="module")
def peer():
    torch.manual_seed(0)
    peer = smp.Unet("resnet18", encoder_weights=None, classes=2, encoder_depth=3, decoder_channels=(32, 16, 8))
    for module in peer.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.8, 1.2)
    return peer.eval()


def _lightning(peer, path):
    tensors = {f"model.{name}": tensor for name, tensor in peer.state_dict().items()}
    tensors |= {"mean": torch.zeros(3), "loss.weight": torch.ones(2)}  # of the module around the network
    torch.save({"epoch": 3, "state_dict": tensors, "optimizer_states": [{"state": {0: torch.ones(1)}}]}, path)


def _parallel(peer, path):
    torch.save(torch.nn.DataParallel(peer).state_dict(), path)


def _compiled(peer, path):
    torch.save({f"model.module._orig_mod.{name}": tensor for name, tensor in peer.state_dict().items()}, path)


def _safe(peer, path):
    save_file({f"model.{name}": tensor for name, tensor in peer.state_dict().items()}, path)


@pytest.mark.parametrize(
    ("write", "name"), [(_lightning, "a.ckpt"), (_parallel, "a.pth"), (_compiled, "a.pt"), (_safe, "a.safetensors")]
)
def test_a_state_dict_of_a_wrapped_network_becomes_a_folder_with_its_logits(write, name, peer, invoke, tmp_path):
    write(peer, tmp_path / name)
    flags = ("--encoder", "resnet18", "--architecture", "Unet", "--classes", "sky,sea", "--mean", "0.5", "--std", "0.2")
    done = invoke("import", str(tmp_path / name), str(tmp_path / "net"), *flags)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "unet with resnet18, 3 channels to 2 classes"
    model, images = unetzoo.load(tmp_path / "net"), torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(model(images), peer(images), rtol=1e-4, atol=1e-5)
    info = model.config.info
    assert (info.class_names, info.mean, info.std, info.value_range) == (("sky", "sea"), (0.5,), (0.2,), (0, 255))


def test_without_mean_and_std_the_doubt_is_said(peer, invoke, tmp_path):
    _parallel(peer, tmp_path / "a.pth")
    done = invoke("import", str(tmp_path / "a.pth"), str(tmp_path / "net"), "--encoder", "resnet18", "--json")
    assert done.exit_code == 0
    assert done.stderr.startswith("warning: weights do not say how images were normalized")
    network = {"decoder": "unet", "encoder": "resnet18", "in_channels": 3, "classes": 2}
    parts = (peer, peer.encoder.layer3, peer.encoder.layer4)  # it keeps the stages that its encoder_depth leaves out
    total, *unused = (sum(parameter.numel() for parameter in part.parameters()) for part in parts)
    assert json.loads(done.stdout) == {**network, "parameters": total - sum(unused), "folder": str(tmp_path / "net")}


def _two(peer, path):
    tensors = {f"{part}.{name}": item for part in ("model", "ema") for name, item in peer.state_dict().items()}
    torch.save(tensors, path)


def _picture(peer, path):
    Image.new("RGB", (8, 8)).save(path, format="png")


def _torn(peer, path):
    _parallel(peer, path)
    path.write_bytes(path.read_bytes()[:1000])


def _code(peer, path):
    torch.save(peer, path)


def _array(peer, path):
    torch.save({"state_dict": peer.state_dict(), "scores": np.ones(3)}, path)


def _text(peer, path):
    torch.save({"state_dict": peer.state_dict(), "name": np.str_("a")}, path)


@pytest.mark.parametrize(
    ("write", "flags", "message"),
    [
        (_parallel, ("--encoder", "resnet34"), "these are not the tensors of Unet with the encoder 'resnet34'"),
        (_parallel, ("--encoder", "resnet18", "--architecture", "FPN"), "these are the tensors of Unet, not of FPN"),
        (_parallel, ("--encoder", "resnet18", "--architecture", "UNet"), "--architecture: segmentation_models_pytorch"),
        (_parallel, ("--encoder", "resnet18", "--mean", "a"), "--mean takes numbers with commas between them"),
        (
            _parallel,
            ("--encoder", "resnet18", "--classes", "a,b,c"),
            "--classes has 3 names, and the network 2 classes",
        ),
        (_two, ("--encoder", "resnet18"), "this state dict holds several networks, under 'ema.', 'model.'"),
        (_code, ("--encoder", "resnet18"), "holds more than tensors and plain values"),
        (_array, ("--encoder", "resnet18"), "holds more than tensors and plain values"),
        (_text, ("--encoder", "resnet18"), "holds more than tensors and plain values"),
        (lambda *_: None, ("--encoder", "resnet18"), "there is no file"),
        (_picture, ("--encoder", "resnet18"), "a.pth is not a checkpoint: neither torch.save nor safetensors writes"),
        (_torn, ("--encoder", "resnet18"), "is damaged, or holds more than tensors"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_no_folder(write, flags, message, peer, invoke, tmp_path):
    write(peer, tmp_path / "a.pth")
    done = invoke("import", str(tmp_path / "a.pth"), str(tmp_path / "net"), *flags)
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert message in done.stderr
    assert not (tmp_path / "net").exists()


@torch.no_grad()
def test_a_dynunet_of_monai_needs_no_encoder(invoke, tmp_path):
    dynunet = pytest.importorskip("monai.networks.nets.dynunet").DynUNet
    peer = dynunet(3, 2, 3, [3, 3, 3], [1, 2, 2], [2, 2], filters=[4, 6, 8]).eval()
    torch.save(peer.state_dict(), tmp_path / "net.pt")
    arguments = ("import", str(tmp_path / "net.pt"), str(tmp_path / "net"), "--mean", "0", "--std", "1")
    refused = invoke(*arguments, "--encoder", "resnet18")
    assert (refused.exit_code, "takes no --encoder" in refused.stderr) == (2, True)
    done = invoke(*arguments)
    assert done.stdout.splitlines()[0] == "unet with plain, 2 channels to 3 classes"
    volume = torch.randn(1, 2, 8, 8, 16)
    torch.testing.assert_close(unetzoo.load(tmp_path / "net")(volume), peer(volume), atol=1e-4, rtol=1e-4)


def test_without_an_encoder_a_network_of_smp_is_refused(peer, invoke, tmp_path):
    _parallel(peer, tmp_path / "a.pth")
    done = invoke("import", str(tmp_path / "a.pth"), str(tmp_path / "net"))
    assert (done.exit_code, "name the --encoder" in done.stderr) == (2, True)


@torch.no_grad()
def test_the_command_reads_a_checkpoint_with_scalars_of_numpy(invoke, tmp_path):
    peer = peer_network(2)
    torch.save(checkpoint_of(peer, init_args(2)), tmp_path / "checkpoint_final.pth")
    arguments = ("import", str(tmp_path / "checkpoint_final.pth"), str(tmp_path / "net"))
    for more, message in (
        (("--mean", "0"), "says how images are normalized"),
        (("--encoder", "a"), "takes no --encoder"),
    ):
        refused = invoke(*arguments, *more)
        assert (refused.exit_code, message in refused.stderr) == (2, True)
    done = invoke(*arguments)
    assert done.stdout.splitlines()[0] == "unet with plain, 2 channels to 3 classes"
    assert done.stderr == "left out: 2 heads for deep supervision, which training alone uses\n"
    image = torch.randn(1, 2, 32, 24)
    torch.testing.assert_close(unetzoo.load(tmp_path / "net")(image), peer(image), atol=1e-4, rtol=1e-4)
