"""Weights of a file or of a saved network fit nearly wholly, or are refused; there is no network of random weights."""

import os
import re
import socketserver
import subprocess
import sys
import threading

import pytest
import timm
import torch
from safetensors.torch import save_file

import unetzoo

NAME = "resnet10t"


@pytest.fixture(scope="module")
def weights():
    torch.manual_seed(1)
    return timm.create_model(NAME).state_dict()


def _create(pretrained, encoder=NAME, **options):
    torch.manual_seed(2)
    return unetzoo.create("unet", encoder=encoder, pretrained=pretrained, encoder_options=options).encoder


def _file(state, tmp_path):
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, tmp_path / "mine.safetensors")
    return str(tmp_path / "mine.safetensors")


def _has(encoder, weights):
    own = encoder.backbone.state_dict()
    return bool(own) and all(torch.equal(tensor, weights[name]) for name, tensor in own.items())


@pytest.mark.parametrize("prefix", ["", "model.", "module.", "encoder.", "net.encoder.model.", "encoder.backbone."])
def test_a_prefix_of_all_names_is_taken_off(prefix, weights, tmp_path):
    assert _has(_create(_file({prefix + name: tensor for name, tensor in weights.items()}, tmp_path)), weights)


def test_what_lies_beside_the_prefix_does_not_matter(weights, tmp_path):
    state = {"encoder." + name: tensor for name, tensor in weights.items()} | {"decoder.weight": torch.ones(3)}
    assert _has(_create(_file(state, tmp_path)), weights)


def test_a_missing_classifier_or_another_one_does_not_matter(weights, tmp_path):
    headless = {name: tensor for name, tensor in weights.items() if not name.startswith("fc.")}
    assert _has(_create(_file(headless, tmp_path)), weights)
    assert _has(_create(_file(headless | {"fc.0.weight": torch.ones(2, 512)}, tmp_path)), weights)


@pytest.mark.parametrize("encoder", ["convnext_atto", "efficientnet_b0", "test_vit"])
def test_names_of_other_kinds_of_models_are_known_with_a_prefix(encoder, tmp_path):
    torch.manual_seed(1)
    state = timm.create_model(encoder).state_dict()
    actual = _create(_file({"model." + name: tensor for name, tensor in state.items()}, tmp_path), encoder)
    flat = {name.replace(".", "_"): tensor for name, tensor in state.items()}
    own = {
        name.removeprefix("model.").replace(".", "_"): tensor for name, tensor in actual.backbone.state_dict().items()
    }
    assert all(torch.equal(tensor, flat[name]) for name, tensor in own.items())


def test_nearly_all_is_taken_with_a_warning_that_names_the_rest(weights, tmp_path):
    state = {name: tensor for name, tensor in weights.items() if name != "layer1.0.bn1.bias"}
    with pytest.warns(UserWarning, match=re.escape("1 missing (layer1.0.bn1.bias)")):
        _create(_file(state, tmp_path))


def _twice(tensor):
    return torch.cat([tensor, tensor]) if tensor.ndim else tensor


BAD = {
    "another architecture": (
        lambda _: timm.create_model("mobilenetv3_small_050").state_dict(),
        r"4 tensors fit, 66 missing \(conv1",
    ),
    "something else": (
        lambda _: {"foo": torch.zeros(3)},
        r"0 tensors fit, \d+ missing \(bn1\.bias, .*unexpected \(foo",
    ),
    "half of it": (lambda w: dict(list(w.items())[: len(w) // 2]), r"missing \(layer\d"),
    "a deeper one": (lambda _: timm.create_model("resnet18d").state_dict(), r"unexpected \(.*layer1\.1\."),
    "a wider one": (lambda w: {name: _twice(tensor) for name, tensor in w.items()}, r"of another shape \(bn1\.weight"),
}


@pytest.mark.parametrize("kind", BAD)
def test_weights_that_do_not_fit_are_refused_with_what_fits_and_what_does_not(kind, weights, tmp_path):
    make, message = BAD[kind]
    with pytest.raises(unetzoo.PretrainedError, match=f"are not those of timm's {NAME}: .*{message}.*classifier"):
        _create(_file(make(weights), tmp_path))


def test_a_damaged_file_is_one_error(tmp_path):
    (tmp_path / "mine.safetensors").write_bytes(b"nothing")
    with pytest.raises(unetzoo.PretrainedError, match=r"mine\.safetensors' cannot be loaded for 'resnet10t'"):
        _create(str(tmp_path / "mine.safetensors"))


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
def test_a_repository_of_another_architecture_is_refused(tmp_path, hub_address):
    from huggingface_hub import HfApi

    path = _file(timm.create_model("mobilenetv3_small_050").state_dict(), tmp_path)
    api = HfApi(endpoint=hub_address, token="hf_alice")
    api.create_repo("alice/another")
    api.upload_file(path_or_fileobj=path, path_in_repo="model.safetensors", repo_id="alice/another")
    with pytest.raises(unetzoo.PretrainedError, match="'hf-hub:alice/another' are not those of timm's resnet10t: 4"):
        _create("hf-hub:alice/another")


def test_a_hub_that_cannot_be_reached_is_asked_once_for_each_network(tmp_path):
    """Its own client would ask again and again, for a minute."""
    requests = []

    class Refusing(socketserver.BaseRequestHandler):
        def handle(self):
            requests.append(self.client_address)  # and hang up

    program = f"""if True:
        import unetzoo
        for pretrained in (True, "hf-hub:alice/backbone"):
            try:
                unetzoo.create("unet", encoder={NAME!r}, pretrained=pretrained)
            except unetzoo.PretrainedError as error:
                print(error)
    """
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        seen = {**os.environ, "HF_HOME": str(tmp_path), "HF_ENDPOINT": address, "HF_HUB_OFFLINE": "0"}
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=seen, check=False)
        server.shutdown()
    named, of_repository = done.stdout.splitlines()
    assert "could not be downloaded (HubError)" in named, done.stderr
    assert "Server disconnected" in of_repository
    assert len(requests) == 2


@pytest.fixture(params=["plain", NAME, "test_vit"])
def network(request):
    torch.manual_seed(3)
    options = {"widths": [4, 8, 16]} if request.param == "plain" else {}
    return unetzoo.create("unet", encoder=request.param, encoder_options=options)


@pytest.mark.parametrize("place", ["net", "net/model.safetensors", "run"])
def test_the_encoder_of_a_saved_network_is_taken(place, network, tmp_path):
    unetzoo.save(network, tmp_path / ("run/best" if place == "run" else "net"))
    path = tmp_path / place
    for pretrained in (path, str(path)):
        actual = _create(pretrained, network.config.encoder, **network.config.encoder_options).state_dict()
        assert all(torch.equal(actual[name], tensor) for name, tensor in network.encoder.state_dict().items())


def test_fewer_levels_take_what_they_have_of_a_saved_network(tmp_path):
    torch.manual_seed(3)
    whole = unetzoo.create("unet", encoder="plain")
    actual = _create(unetzoo.save(whole, tmp_path / "net"), "plain", depth=3)
    assert torch.equal(actual.stages[2][0].weight, whole.encoder.stages[2][0].weight)


@pytest.mark.parametrize(
    ("encoder", "options", "message"),
    [
        (
            "plain",
            {"widths": (4, 8, 16, 32)},
            r"another encoder \('plain', .*\[4, 8, 16\].*missing \(stages\.3",
        ),
        ("plain", {"widths": (8, 8, 16)}, r"of another shape \(stages\.0\.0\.weight"),
        (NAME, {}, r"\d+ missing \(backbone"),
    ],
)
def test_a_saved_network_with_another_encoder_is_refused(encoder, options, message, tmp_path):
    unetzoo.save(unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8, 16)}), tmp_path / "net")
    with pytest.raises(unetzoo.PretrainedError, match=message):
        _create(str(tmp_path / "net"), encoder, **options)


def test_a_damaged_network_is_one_error(tmp_path):
    unetzoo.save(unetzoo.create("unet", encoder="plain"), tmp_path / "net")
    (tmp_path / "net" / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(unetzoo.PretrainedError, match=r"net' cannot be loaded for 'plain': "):
        _create(str(tmp_path / "net"), "plain")
