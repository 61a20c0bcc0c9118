"""Whatever a stranger did to the files of a folder, loading ends in one error of unetzoo, or in the network as it was.

`pytest -m slow tests/weights/test_fuzz.py` tries many more mutations.
"""

import json
import os
import random

import pytest
import segmentation_models_pytorch as smp
import torch
from limits import within
from network_mutations import mutated_checkpoint, mutated_json, mutated_safetensors

import unetzoo

pytestmark = pytest.mark.skipif(os.name != "posix", reason="limits of time")
INFO = unetzoo.ModelInfo(class_names=["a"], mean=[0.5], std=[0.2], value_range=(0, 255), metrics={"mean IoU": 0.9})
FACTOR = 50  # of the slow sweep


def _mutated_text(whole, chance):
    return json.dumps(mutated_json(json.loads(whole), chance)).encode("utf-8", "surrogatepass")


def _ours(folder):
    torch.manual_seed(0)
    network = unetzoo.create("unet", encoder="plain", in_channels=1, encoder_options={"widths": [2, 3]})
    unetzoo.save(network, folder, info=INFO, max_shard_size="1KB" if folder.name == "shards" else "5GB")
    if folder.name == "checkpoint":
        (folder / "model.safetensors").unlink()
        torch.save(network.state_dict(), folder / "pytorch_model.bin")


def _of_timm(folder):
    unetzoo.save(unetzoo.create("unet", encoder="test_vit", encoder_options={"img_size": [32, 32], "depth": 2}), folder)


def _theirs(folder):
    torch.manual_seed(0)
    peer = smp.Unet("tu-test_resnet", encoder_weights=None, encoder_depth=3, decoder_channels=(4, 4, 4))
    peer.save_pretrained(folder)


CASES = {  # how the folder is made, the file that is mutated, how, and how often
    "config": (_ours, "config.json", _mutated_text, 60),
    "shards": (_ours, "model.safetensors.index.json", _mutated_text, 20),
    "weights": (_ours, "model.safetensors", mutated_safetensors, 130),
    "checkpoint": (_ours, "pytorch_model.bin", mutated_checkpoint, 60),
    "timm": (_of_timm, "config.json", _mutated_text, 4),
    "theirs": (_theirs, "config.json", _mutated_text, 13),
}


@pytest.mark.parametrize("case", CASES)
def test_mutated_files_end_in_one_error_or_in_the_network_as_it_was(case, tmp_path):
    _try(case, tmp_path, random.Random(0), 1)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_very_many_mutated_files_end_in_one_error_or_in_the_network_as_it_was(case, tmp_path):
    _try(case, tmp_path, random.Random(1), FACTOR)


@pytest.mark.filterwarnings("ignore:the weights are of several floating types:UserWarning")
def _try(case, tmp_path, chance, factor):
    make, name, mutate, times = CASES[case]
    folder = tmp_path / case
    make(folder)
    whole = (folder / name).read_bytes()
    honest = unetzoo.load(folder).state_dict()
    refused = 0
    for _ in range(times * factor):
        (folder / name).write_bytes(mutate(whole, chance))
        loaded = _loaded(folder)
        if loaded is None:
            refused += 1
        else:
            _check_values(loaded, honest, name)
    assert refused > times * factor / 4


def _loaded(folder):
    try:
        with within(5):
            return unetzoo.load(folder).state_dict()
    except unetzoo.UnetzooError:
        return None


def _check_values(loaded, honest, name):
    """The values as they were; of a file without a digest, their number and shapes."""
    assert loaded.keys() == honest.keys() or name == "config.json"
    for key in loaded.keys() & honest.keys():
        assert loaded[key].shape == honest[key].shape
        assert name == "pytorch_model.bin" or torch.equal(loaded[key], honest[key])
