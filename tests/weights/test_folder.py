import json
import os
import signal
import subprocess
import sys
import time

import pytest
import timm
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import unetzoo
from unetzoo.weights.build import fill

INFO = unetzoo.ModelInfo(
    class_names=["background", "nucleus"],
    mean=[0.5],
    std=[0.25],
    value_range=(0, 255),
    metrics={"mean IoU": 0.94},
    license="mit",
)


def _model(**options):
    torch.manual_seed(0)
    return unetzoo.create("unetpp", encoder="resnet10t", classes=2, in_channels=1, **options).eval()


@pytest.fixture
def saved(tmp_path):
    return unetzoo.save(_model(), tmp_path / "cells", info=INFO)


def _same(found, wanted):
    pairs = zip(found.state_dict().items(), wanted.state_dict().items(), strict=True)
    return all(name == other and torch.equal(one, two) for (name, one), (other, two) in pairs)


# The rest, the first model of each of timm's modules, takes some minutes: `pytest -m slow tests/weights`.
ENCODERS = [
    "plain",
    "resnet18",
    "convnext_atto",
    "efficientnet_b0",
    "test_vit",
    "coat_lite_tiny",  # its blocks share modules
    "vitamin_small_224",  # computes with its weights while it is built
    "swinv2_cr_tiny_224",
    "maxvit_rmlp_pico_rw_256",
]


@pytest.mark.slow
@pytest.mark.parametrize("encoder", [timm.list_models(module=module)[0] for module in timm.list_modules()])
def test_every_kind_of_backbone_comes_back(encoder, tmp_path):
    model = unetzoo.create("unet", encoder=encoder, decoder_options={"upsample": "bilinear"})
    assert _same(unetzoo.load(unetzoo.save(model, tmp_path)), model)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_loaded_network_is_the_one_that_was_saved(encoder, tmp_path):
    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder=encoder, decoder_options={"upsample": "bilinear"}).eval()
    found = unetzoo.load(unetzoo.save(model, tmp_path))
    assert found.config == model.config
    assert not found.training
    assert _same(found, model)
    size = {"maxvit_rmlp_pico_rw_256": 256}.get(encoder, 224 if "tiny" in encoder or "224" in encoder else 64)
    image = torch.randn(1, 3, size, size)
    with torch.no_grad():
        torch.testing.assert_close(found(image), model(image), rtol=1e-4, atol=1e-5)
    found.train()(image.repeat(2, 1, 1, 1)).sum().backward()


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
    found = unetzoo.load(saved)
    assert found.config.info == INFO
    assert found.config.providers["decoder"].startswith("unetzoo ")


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
    model = _model()
    unetzoo.save(model, tmp_path, max_shard_size="5MB")
    parts = sorted(path.name for path in tmp_path.glob("*.safetensors"))
    assert len(parts) > 2
    assert parts[0].startswith("model-00001-of-")
    assert _same(unetzoo.load(tmp_path), model)
    unetzoo.save(model, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("model*")) == ["model.safetensors"]
    assert _same(unetzoo.load(tmp_path), model)


def test_half_precision_stays(tmp_path):
    found = unetzoo.load(unetzoo.save(_model().bfloat16(), tmp_path))
    assert {parameter.dtype for parameter in found.parameters()} == {torch.bfloat16}


def test_loading_takes_the_memory_of_the_file_once(tmp_path):
    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder="resnet50", decoder_options={"widths": (1024, 512, 256, 64, 32)})
    unetzoo.save(model, tmp_path)
    program = """if True:
        import sys, unetzoo
        from unetzoo.benchmark.worker import peak_bytes
        unetzoo.load(sys.argv[2])  # all code is loaded, all small things are made
        def load():
            model = unetzoo.load(sys.argv[1])
            return sum(float(parameter.detach().sum()) for parameter in model.parameters())
        print(peak_bytes(load, "cpu"))
    """
    unetzoo.save(unetzoo.create("unet", encoder="resnet10t"), tmp_path / "small")
    command = [sys.executable, "-c", program, tmp_path, tmp_path / "small"]
    grown = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert 0.5 < grown / (tmp_path / "model.safetensors").stat().st_size < 1.2


def test_the_callers_tensors_and_configuration_stay_as_they_were(tmp_path):
    model = _model()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    unetzoo.save(model, tmp_path, info=INFO)
    assert model.config.info == unetzoo.ModelInfo()
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_the_card_says_what_the_network_is_and_claims_no_licence_that_nobody_gave(tmp_path):
    card = (unetzoo.save(_model(), tmp_path) / "README.md").read_text()
    assert "library_name: unetzoo" in card
    assert "pipeline_tag: image-segmentation" in card
    assert "license" not in card
    assert "| encoder | `resnet10t` |" in card
    assert "license: mit" in (unetzoo.save(_model(), tmp_path, info=INFO) / "README.md").read_text()


def test_the_card_shows_the_picture_of_a_prediction_until_another_network_comes(tmp_path):
    Image.new("L", (30, 20), 200).save(tmp_path / "mask.bmp")
    folder = unetzoo.save(_model(), tmp_path / "cells", picture=tmp_path / "mask.bmp")
    assert "![a prediction](prediction.png)" in (folder / "README.md").read_text()
    with Image.open(folder / "prediction.png") as picture:
        assert (picture.size, picture.getpixel((0, 0))) == ((30, 20), (200, 200, 200))
    unetzoo.save(_model(), folder)
    assert "prediction" not in (folder / "README.md").read_text()
    assert not (folder / "prediction.png").exists()


@pytest.mark.parametrize("content", [None, b"", b"no picture"], ids=["missing", "empty", "text"])
def test_a_picture_that_is_none_is_one_error_and_nothing_is_saved(content, tmp_path):
    if content is not None:
        (tmp_path / "mask.png").write_bytes(content)
    with pytest.raises(unetzoo.OptionError, match=r"the picture '.*mask.png' cannot be read"):
        unetzoo.save(_model(), tmp_path / "cells", picture=tmp_path / "mask.png")
    assert not (tmp_path / "cells").exists()


def test_a_card_that_was_edited_is_kept_and_one_that_was_not_is_renewed(saved):
    unetzoo.save(_model(), saved)
    assert "nucleus" not in (saved / "README.md").read_text()
    (saved / "README.md").write_text("mine")
    (saved / "notes.txt").write_text("mine, too")
    unetzoo.save(_model(), saved, info=INFO)
    assert (saved / "README.md").read_text() == "mine"
    assert (saved / "notes.txt").read_text() == "mine, too"


def _change(folder, **values):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def _resave(folder, change):
    """Other tensors, without the digest that would tell."""
    state = load_file(folder / "model.safetensors")
    change(state)
    save_file(state, folder / "model.safetensors")
    _change(folder, weights={})


def test_a_missing_an_unexpected_and_a_differing_tensor_are_named_with_both_sides(saved):
    def change(state):
        state["heads.0.extra"] = torch.zeros(2)
        state["heads.0.weight"] = torch.zeros(3, 16, 1, 1)
        del state["heads.0.bias"]

    _resave(saved, change)
    with pytest.raises(unetzoo.WeightsError) as error:
        unetzoo.load(saved)
    assert str(error.value) == (
        "the weights are not those of this network: 1 missing in the file: heads.0.bias; "
        "1 not in the network of this configuration: heads.0.extra; "
        "1 different: heads.0.weight (network [2, 16, 1, 1] float32, file [3, 16, 1, 1] F32)"
    )


def test_whole_numbers_where_weights_are_due_are_refused(saved):
    def change(state):
        state["heads.0.bias"] = torch.zeros(2, dtype=torch.int64)

    _resave(saved, change)
    with pytest.raises(
        unetzoo.WeightsError, match=r"1 different: heads.0.bias \(network \[2\] float32, file \[2\] I64\)"
    ):
        unetzoo.load(saved)


def test_another_file_than_the_saved_one_is_refused(saved):
    state = load_file(saved / "model.safetensors")
    state["heads.0.bias"] += 1
    save_file(state, saved / "model.safetensors")
    with pytest.raises(
        unetzoo.WeightsError, match=r"model.safetensors is not the file that was saved with this config"
    ):
        unetzoo.load(saved)


def test_a_missing_plugin_is_named_with_the_distribution_that_had_it(saved):
    _change(saved, decoder="cloudnet", providers={"encoder": "unetzoo 0.1", "decoder": "unetzoo-cloud 2.1"})
    with pytest.raises(
        unetzoo.UnknownNameError, match=r"no decoder named 'cloudnet'.*decoder of unetzoo-cloud 2.1: install it"
    ):
        unetzoo.load(saved)


def test_loading_makes_no_random_weights_first(saved):
    drawn = torch.get_rng_state()
    unetzoo.load(saved)
    assert torch.equal(torch.get_rng_state(), drawn)


def test_a_folder_that_is_not_there_or_no_network_is_one_error(tmp_path):
    with pytest.raises(unetzoo.OptionError, match="there is no folder"):
        unetzoo.load(tmp_path / "nothing")
    with pytest.raises(unetzoo.ConfigError, match=r"there is no config.json in .*: not a folder of a saved network"):
        unetzoo.load(tmp_path)


def test_a_file_in_the_place_of_the_folder_is_one_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(unetzoo.OptionError, match="cannot save into the folder"):
        unetzoo.save(_model(), tmp_path / "file")


_SAVE_FOR_EVER = """if True:
    import sys, torch, unetzoo
    model = unetzoo.create("unet", encoder="resnet10t")
    print("ready", flush=True)
    for number in range(10**6):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.fill_(number % 2)
        info = unetzoo.ModelInfo(metrics={"number": number % 2})
        unetzoo.save(model, sys.argv[1], info=info, max_shard_size="3MB" if number % 3 else "5GB")
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_kill_at_any_moment_leaves_one_whole_state(tmp_path):
    unetzoo.save(unetzoo.create("unet", encoder="resnet10t"), tmp_path)
    for delay in (0.05, 0.13, 0.21, 0.34, 0.55):
        process = subprocess.Popen([sys.executable, "-c", _SAVE_FOR_EVER, tmp_path], stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        time.sleep(1 + delay)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        model = unetzoo.load(tmp_path)
        values = {float(end) for parameter in model.parameters() for end in torch.aminmax(parameter.detach())}
        assert values == {model.config.info.metrics["number"]}
    final = unetzoo.create("unet", encoder="resnet10t")
    unetzoo.save(final, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "config.json", "model.safetensors"]


@pytest.mark.parametrize("moved", range(4))
def test_a_save_that_was_interrupted_while_its_files_moved_is_the_new_state(moved, tmp_path):
    from unetzoo.weights import transaction

    old, new = _model(), _model()
    with torch.no_grad():
        new.heads[0].bias.fill_(7)
    unetzoo.save(old, tmp_path / "live", max_shard_size="5MB")
    unetzoo.save(new, tmp_path / "new")
    pending = tmp_path / "live" / transaction._PENDING
    (tmp_path / "new").rename(pending)
    names = sorted(path.name for path in pending.iterdir())
    parts = [path.name for path in (tmp_path / "live").glob("model*")]
    (pending / transaction._MANIFEST).write_text(json.dumps({"new": names, "gone": parts}))
    for name in parts[: len(parts) * bool(moved)]:
        (tmp_path / "live" / name).unlink()
    for name in names[:moved]:
        (pending / name).replace(tmp_path / "live" / name)
    assert _same(unetzoo.load(tmp_path / "live"), new)
    unetzoo.save(old, tmp_path / "live")
    assert _same(unetzoo.load(tmp_path / "live"), old)


def test_what_is_known_comes_back_without_providers_too(saved):
    _change(saved, providers={})
    assert unetzoo.load(saved).config.info == INFO
