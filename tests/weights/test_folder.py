"""A network that is saved in a folder comes back as it was."""

import json

import pytest
import timm
import torch
from processes import start
from safetensors import safe_open
from saved import INFO, same_weights, small_model
from sweeps import sweep

import unetzoo
from unetzoo.bench.calls import peak_bytes
from unetzoo.weights.build import fill

# The rest, the first model of each of timm's modules, takes some minutes: `pytest -m slow tests/weights`.
SAMPLE = [
    "plain",
    "test_vit",
    "coat_lite_tiny",  # its blocks share modules
    "vitamin_small_224",  # computes with its weights while it is built
]
ENCODERS = [
    *SAMPLE,
    "resnet18",
    "convnext_atto",
    "efficientnet_b0",
    "swinv2_cr_tiny_224",
    "maxvit_rmlp_pico_rw_256",
]


@pytest.mark.slow
@pytest.mark.parametrize("encoder", [timm.list_models(module=module)[0] for module in timm.list_modules()])
def test_every_kind_of_backbone_comes_back(encoder, tmp_path):
    model = unetzoo.create("unet", encoder=encoder, decoder_options={"upsample": "bilinear"})
    assert same_weights(unetzoo.load(unetzoo.save(model, tmp_path)), model)


@pytest.mark.parametrize("encoder", sweep(ENCODERS, SAMPLE))
def test_a_loaded_network_is_the_one_that_was_saved(encoder, tmp_path):
    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder=encoder, decoder_options={"upsample": "bilinear"}).eval()
    loaded = unetzoo.load(unetzoo.save(model, tmp_path))
    assert loaded.config == model.config
    assert not loaded.training
    assert same_weights(loaded, model)
    size = {"maxvit_rmlp_pico_rw_256": 256}.get(encoder, 224 if "tiny" in encoder or "224" in encoder else 64)
    image = torch.randn(1, 3, size, size)
    with torch.no_grad():
        torch.testing.assert_close(loaded(image), model(image), rtol=1e-4, atol=1e-5)
    loaded.train()(image.repeat(2, 1, 1, 1)).sum().backward()


class _Tied(torch.nn.Module):
    """Two layers with one weight."""

    def __init__(self):
        super().__init__()
        self.first, self.second = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
        self.second.weight = self.first.weight


def test_a_weight_that_two_layers_share_stays_shared():
    ties, biases = torch.ones(2, 2), {"first.bias": torch.zeros(2), "second.bias": torch.zeros(2)}
    for names in (["first.weight"], ["second.weight"], ["first.weight", "second.weight"]):
        model = _Tied()
        fill(model, {name: ties.clone() for name in names} | biases)
        assert model.second.weight is model.first.weight
        assert torch.equal(model.first.weight, ties)
    with pytest.raises(unetzoo.WeightsError, match=r"first.weight and second.weight are one tensor in this network"):
        fill(_Tied(), {"first.weight": ties, "second.weight": 2 * ties} | biases)


def test_what_is_known_of_it_comes_back(saved):
    loaded = unetzoo.load(saved)
    assert loaded.config.info == INFO
    assert loaded.config.providers["decoder"].startswith("unetzoo ")


def test_the_files_are_those_that_others_read(saved):
    assert sorted(path.name for path in saved.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    with safe_open(saved / "model.safetensors", "pt") as opened:
        assert opened.metadata() == {"format": "pt", "unetzoo": unetzoo.__version__}
    config = json.loads((saved / "config.json").read_text())
    assert (config["format"], config["decoder"], config["info"]["class_names"]) == (
        1,
        "unetpp",
        ["background", "nucleus"],
    )


def test_large_weights_are_split_and_small_ones_replace_all_parts(tmp_path):
    model = small_model()
    unetzoo.save(model, tmp_path, max_shard_size="2MB")
    parts = sorted(path.name for path in tmp_path.glob("*.safetensors"))
    assert len(parts) > 2
    assert parts[0].startswith("model-00001-of-")
    assert same_weights(unetzoo.load(tmp_path), model)
    unetzoo.save(model, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("model*")) == ["model.safetensors"]
    assert same_weights(unetzoo.load(tmp_path), model)


def test_half_precision_stays(tmp_path):
    loaded = unetzoo.load(unetzoo.save(small_model().bfloat16(), tmp_path))
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.bfloat16}


def test_loading_takes_the_memory_of_the_file_once(tmp_path):
    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder="resnet50", decoder_options={"widths": (1024, 512, 256, 64, 32)})
    unetzoo.save(model, tmp_path)
    unetzoo.save(unetzoo.create("unet", encoder="resnet10t"), tmp_path / "small")
    (grown,) = start(_say_growth, tmp_path, tmp_path / "small")[1]
    assert 0.5 < grown / (tmp_path / "model.safetensors").stat().st_size < 1.2


def _say_growth(say, folder, small):
    def load():
        model = unetzoo.load(folder)
        return sum(float(parameter.detach().sum()) for parameter in model.parameters())

    unetzoo.load(small)  # all code is loaded, all small things are made
    say(peak_bytes(load, "cpu"))


def test_the_callers_tensors_and_configuration_stay_as_they_were(tmp_path):
    model = small_model()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    unetzoo.save(model, tmp_path, info=INFO)
    assert model.config.info == unetzoo.ModelInfo()
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_loading_makes_no_random_weights_first(saved):
    drawn = torch.get_rng_state()
    unetzoo.load(saved)
    assert torch.equal(torch.get_rng_state(), drawn)


def test_what_is_known_comes_back_without_providers_too(saved):
    path = saved / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"providers": {}}))
    assert unetzoo.load(saved).config.info == INFO
