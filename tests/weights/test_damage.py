"""Files and configurations from a stranger: whatever is done to them, loading ends in one error or the network."""

import copy
import gc
import json
import pickle
import random
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from processes import start
from safetensors.torch import load_file

import unetzoo
from unetzoo.bench.calls import peak_bytes

WIDTHS = (2, 3, 4)
MUTATIONS = 160


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """A small network's folder."""
    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": WIDTHS})
    return unetzoo.save(model, tmp_path_factory.mktemp("honest"))


@pytest.fixture
def folder(honest, tmp_path):
    return shutil.copytree(honest, tmp_path / "copy")


def _config(folder, **values):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize("digests", [True, False], ids=["with digests", "without"])
def test_mutated_weights_never_crash_and_never_load_as_others(honest, folder, digests):
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    if not digests:
        _config(folder, weights={})
    expected = load_file(honest / "model.safetensors")
    shapes = {name: tensor.shape for name, tensor in expected.items()}
    chance = random.Random(0)
    refused = 0
    for _ in range(MUTATIONS // 2):
        path.write_bytes(_mutated(whole, chance))
        try:
            actual = unetzoo.load(folder)
        except unetzoo.UnetzooError:
            refused += 1
        else:
            assert {name: tensor.shape for name, tensor in actual.state_dict().items()} == shapes
            assert not digests or path.read_bytes() == whole
    assert refused > MUTATIONS // 4


def _mutated(whole, chance):
    """One of: bits flipped in the header or anywhere, cut off, prolonged, emptied, another length of the header."""
    data = bytearray(whole)
    header = int.from_bytes(data[:8], "little")
    kind = chance.randrange(6)
    if kind == 0:
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(8, 8 + header)] ^= 1 << chance.randrange(8)
    elif kind == 1:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif kind == 2:
        del data[chance.randrange(len(data)) :]
    elif kind == 3:
        data += bytes(chance.randrange(1, 50))
    elif kind == 4:
        data[:8] = chance.choice([0, 1, 2**31, 2**62, 2**64 - 1, header - 1, header + 1]).to_bytes(8, "little")
    else:
        start = chance.randrange(8, 8 + header)
        data[start : start + 8] = chance.randbytes(8)
    return bytes(data)


def _mutated_config(config, chance):
    """The configuration with one value, anywhere, replaced, removed, or an unknown one added."""
    strange = [
        None,
        True,
        -1,
        0,
        10**9,
        10**30,
        1e308,
        float("nan"),
        "",
        "../../etc/passwd",
        "x" * 10**5,
        [],
        {},
        [[]],
        "\x00",
    ]
    mutated = copy.deepcopy(config)
    node = mutated
    while True:
        key = chance.choice(list(node)) if isinstance(node, dict) else chance.randrange(len(node))
        if isinstance(node[key], dict | list) and node[key] and chance.random() < 0.7:
            node = node[key]
            continue
        break
    action = chance.randrange(3)
    if action == 0:
        node[key] = chance.choice(strange)
    elif action == 1:
        del node[key]
    elif isinstance(node, dict):
        node[chance.choice(["unknown", "", "widths", "pretrained", "__class__"])] = chance.choice(strange)
    return mutated


def test_mutated_configurations_never_crash(folder):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    chance = random.Random(1)
    refused = 0
    for _ in range(MUTATIONS // 2):
        path.write_text(json.dumps(_mutated_config(config, chance)))
        try:
            unetzoo.load(folder)
        except unetzoo.UnetzooError:
            refused += 1
    assert refused > MUTATIONS // 4


def _say_peaks_of_loading(say, folder):
    torch.set_num_threads(1)
    config, weights, chance = folder / "config.json", folder / "model.safetensors", random.Random(2)
    data, whole = json.loads(config.read_text()), weights.read_bytes()

    def say_peak():
        def load():
            with suppress(unetzoo.UnetzooError):
                sum(float(parameter.detach().sum()) for parameter in unetzoo.load(folder).parameters())

        say(peak_bytes(load, "cpu"))

    unetzoo.load(folder)
    gc.freeze()  # what is there by now need not be looked through each time
    say_peak()
    for _ in range(50):
        config.write_text(json.dumps(_mutated_config(data, chance)))
        say_peak()
    config.write_text(json.dumps(data | {"weights": {}}))
    for _ in range(50):
        weights.write_bytes(_mutated(whole, chance))
        say_peak()


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of a process's memory cannot be reset")
def test_mutated_files_never_take_more_memory_than_honest_ones(tmp_path):
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (64, 128, 256)})
    honest, *mutated = start(_say_peaks_of_loading, unetzoo.save(model, tmp_path))[1]
    assert len(mutated) == 100
    assert honest > (tmp_path / "model.safetensors").stat().st_size / 2
    assert max(mutated) < 1.5 * honest


_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.dictionaries(
        st.sampled_from(["format", "decoder", "encoder", "classes", "encoder_options", "info", "x"]), _PLAIN
    )
)
@example(data={"format": 1, "decoder": "unet", "encoder": "plain", "info": {"mean": [float("inf")]}})
def test_any_mapping_is_a_configuration_or_one_error(folder, data):
    (folder / "config.json").write_text(json.dumps(data))
    with pytest.raises(unetzoo.UnetzooError):
        unetzoo.load(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "config.json cannot be read"),
        ("[1]", "config.json must hold a mapping, got list"),
        ("{" * 10**5, "config.json cannot be read"),
        ('{"a":' * 10**5, "config.json cannot be read"),
        ('{"format": NaN}', "NaN is not valid JSON"),
        ('{"x": "' + "a" * 5_000_000 + '"}', r"has 5,000,\d+ bytes; at most 1,048,576 are read"),
    ],
    ids=["empty", "a list", "open braces", "deep", "NaN", "large"],
)
def test_a_configuration_that_is_none_is_one_error(folder, text, message):
    (folder / "config.json").write_text(text)
    with pytest.raises(unetzoo.ConfigError, match=message):
        unetzoo.load(folder)


@pytest.mark.parametrize(
    "widths",
    [[10**9] * 3, [10**18] * 5, [2] * 100_000, [10**9, 10**9, 10**9, 10**9, 10**9]],
    ids=["wide", "wider", "deep", "both"],
)
def test_absurd_sizes_are_refused_before_anything_is_allocated(folder, widths):
    _config(folder, encoder_options={"widths": widths})
    with pytest.raises(unetzoo.UnetzooError):
        unetzoo.load(folder)


@pytest.mark.parametrize(
    "name", ["../outside.safetensors", "/etc/passwd", "a/b.safetensors", "model.bin", "..\\x.safetensors"]
)
def test_an_index_that_names_other_files_is_refused(folder, name):
    (folder.parent / "outside.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"x": name}}))
    with pytest.raises(
        unetzoo.WeightsError,
        match=r"is not the name of a .safetensors file in this folder|there is no .*x.safetensors in",
    ):
        unetzoo.load(folder)


def test_a_link_that_leads_out_of_the_folder_is_not_followed(folder):
    outside = folder.parent / "outside.safetensors"
    (folder / "model.safetensors").replace(outside)
    (folder / "model.safetensors").symlink_to(outside)
    with pytest.raises(unetzoo.WeightsError, match="is a link to a file outside of"):
        unetzoo.load(folder)


def test_a_decoder_name_with_a_path_in_it_is_only_unknown(folder):
    _config(folder, decoder="../../decoders/unet")
    with pytest.raises(unetzoo.UnknownNameError):
        unetzoo.load(folder)


def test_no_pickle_is_unpickled(folder, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    (folder / "model.safetensors").write_bytes(pickle.dumps(Bomb()))
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb()))
    _config(folder, weights={})
    with pytest.raises(unetzoo.WeightsError, match="is damaged or not a safetensors file"):
        unetzoo.load(folder)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"new": [], "gone": ["../outside.safetensors"]}', "names files outside of its folder"),
        ('{"new": ["/etc/passwd"], "gone": []}', "names files outside of its folder"),
        ('{"new": ["config.json"], "gone": ["a\\u0000"]}', "names files outside of its folder"),
        ('{"new": ["config.json"], "gone": [".."]}', "names files outside of its folder"),
        ("{", "is damaged; remove its folder"),
        ('{"new": 3}', "is damaged; remove its folder"),
    ],
)
def test_a_pending_save_of_a_stranger_changes_nothing_outside(folder, text, message):
    outside = folder.parent / "outside.safetensors"
    outside.write_bytes(b"mine")
    (folder / ".unetzoo-pending").mkdir()
    (folder / ".unetzoo-pending" / "files.json").write_text(text)
    for use in (unetzoo.load, lambda place: unetzoo.save(unetzoo.create("unet", encoder="plain"), place)):
        with pytest.raises(unetzoo.ConfigError, match=message):
            use(folder)
    assert outside.read_bytes() == b"mine"
