"""Pretrained weights through the real huggingface_hub, from a cache that is made here; no network."""

import hashlib
import os
import subprocess
import sys

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

import unetzoo

NAME, TAG = "mobilenetv3_small_050", "lamb_in1k"
MISSING = "convnext_atto"  # not in the cache
STEM = "backbone.conv_stem.weight"

_OFFLINE = f"""
import torch, unetzoo
from safetensors.torch import save_file

def stem(in_channels, pretrained, **options):
    model = unetzoo.create(
        "unet", encoder={NAME!r}, in_channels=in_channels, pretrained=pretrained, encoder_options=options
    )
    return model.encoder.state_dict()[{STEM!r}].contiguous()

save_file(
    {{
        "default": stem(3, True),
        "tag": stem(3, {TAG!r}),
        "grey": stem(1, True),
        "cut": stem(3, True, depth=2),
        "repeat": stem(5, True),
        "zeros": stem(5, True, stem="zeros"),
        "random": stem(5, True, stem="random"),
    }},
    "stems.safetensors",
)
try:
    unetzoo.create("unet", encoder={MISSING!r}, pretrained=True)
except unetzoo.PretrainedError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def weights():
    torch.manual_seed(1)
    return timm.create_model(NAME).state_dict()


@pytest.fixture(scope="module")
def offline(tmp_path_factory, weights):
    """The first convolutions that encoders get from a cache that holds `weights`, and the error for other weights."""
    folder = tmp_path_factory.mktemp("cached")
    repository = folder / "hf" / "hub" / f"models--timm--{NAME}.{TAG}"
    commit = hashlib.sha1(b"commit").hexdigest()
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    (repository / "snapshots" / commit).mkdir(parents=True)
    save_file(weights, repository / "snapshots" / commit / "model.safetensors")
    seen = {**os.environ, "HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-W", "error", "-c", _OFFLINE]
    done = subprocess.run(command, capture_output=True, text=True, env=seen, cwd=folder, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return load_file(folder / "stems.safetensors"), done.stdout.strip()


@pytest.fixture
def stems(offline):
    return offline[0]


@pytest.mark.parametrize("way", ["default", "tag", "cut"])
def test_pretrained_weights_come_from_the_cache_without_a_network(stems, weights, way):
    assert torch.equal(stems[way], weights["conv_stem.weight"])


def test_grey_images_see_the_sum_of_the_pretrained_filters(stems, weights):
    torch.testing.assert_close(stems["grey"], weights["conv_stem.weight"].sum(1, keepdim=True))


def test_more_channels_see_the_filters_in_turn_scaled_to_keep_their_sum(stems, weights):
    expected = weights["conv_stem.weight"][:, [0, 1, 2, 0, 1]] * 3 / 5
    torch.testing.assert_close(stems["repeat"], expected)


def test_more_channels_may_start_from_zeros(stems, weights):
    torch.testing.assert_close(stems["zeros"][:, :3], weights["conv_stem.weight"])
    assert not stems["zeros"][:, 3:].any()


def test_more_channels_may_start_from_random_values(stems, weights):
    torch.testing.assert_close(stems["random"][:, :3], weights["conv_stem.weight"])
    fresh = stems["random"][:, 3:]
    bound = 1 / (5 * 3 * 3) ** 0.5  # of torch's own initialisation, for 5 channels and 3 x 3 taps
    assert 0.5 * bound < fresh.abs().max() <= bound


def test_weights_that_are_not_cached_are_one_clear_error_offline(offline):
    _, message = offline
    assert message.startswith(
        f"the pretrained weights of {MISSING!r} are not in the cache and could not be downloaded ("
    )
    assert message.endswith("); go online once, or create it with pretrained=False")
    assert "\n" not in message


def _stem(pretrained, encoder=NAME):
    model = unetzoo.create("unet", encoder=encoder, pretrained=pretrained)
    return model.encoder.state_dict()[STEM]


@pytest.mark.parametrize(
    ("encoder", "pretrained", "message"),
    [
        (NAME, "imagenet", f"{NAME!r} has no pretrained weights 'imagenet'; it has {TAG}"),
        (
            "convnext_atto_rms",
            True,
            "timm has no pretrained weights for 'convnext_atto_rms'; create it with pretrained=False",
        ),
    ],
)
def test_a_tag_that_does_not_exist_and_a_model_without_weights_are_errors_that_say_so(encoder, pretrained, message):
    with pytest.raises(unetzoo.PretrainedError) as caught:
        _stem(pretrained, encoder)
    assert str(caught.value) == message


def test_weights_of_a_file_are_taken(weights, tmp_path):
    save_file(weights, tmp_path / "mine.safetensors")
    assert torch.equal(_stem(str(tmp_path / "mine.safetensors")), weights["conv_stem.weight"])


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
def test_weights_of_a_repository_are_taken(weights, tmp_path, hub_address):
    from huggingface_hub import HfApi

    save_file(weights, tmp_path / "model.safetensors")
    api = HfApi(endpoint=hub_address, token="hf_alice")
    api.create_repo("alice/backbone")
    api.upload_file(
        path_or_fileobj=tmp_path / "model.safetensors", path_in_repo="model.safetensors", repo_id="alice/backbone"
    )
    assert torch.equal(_stem("hf-hub:alice/backbone"), weights["conv_stem.weight"])


@pytest.mark.parametrize(
    ("pretrained", "message"),
    [
        ("weights.pth", r"'weights.pth' is not a tag, 'hf-hub:user/name' or a .safetensors file"),
        ("nothing.safetensors", r"the weights 'nothing.safetensors' cannot be loaded for 'mobilenetv3_small_050'"),
    ],
)
def test_what_cannot_be_read_safely_or_is_not_there_is_one_error(pretrained, message):
    with pytest.raises(unetzoo.PretrainedError, match=message):
        _stem(pretrained)
