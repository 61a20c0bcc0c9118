"""Others save into a folder while it is read or saved into; files change under a network that is loaded."""

import os
import resource
import signal
import stat
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
import torch
from safetensors.torch import load_file, save_file
from saved import same_weights

import unetzoo


def _network(value=1.0):
    torch.manual_seed(0)
    network = unetzoo.create("unet", encoder="plain", encoder_options={"widths": [8, 12]}).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(value)
    return network


def _save(value, folder):
    info, size = unetzoo.ModelInfo(class_names=[str(value)]), "4KB" if value else "5GB"
    unetzoo.save(_network(value), folder, info=info, max_shard_size=size)


def _is_whole(network):
    values = {float(end) for parameter in network.parameters() for end in torch.aminmax(parameter.detach())}
    return values == {float(network.config.info.class_names[0])}


def test_a_reader_sees_one_whole_network_while_two_others_save(tmp_path):
    _save(1.0, tmp_path)
    done = Event()

    def read():
        states = []
        while not done.is_set():
            states.append(_is_whole(unetzoo.load(tmp_path)))
        return states

    with ThreadPoolExecutor(3) as pool:
        reader = pool.submit(read)
        savers = [pool.submit(lambda value=value: [_save(value, tmp_path) for _ in range(12)]) for value in (0.0, 1.0)]
        for saver in savers:
            saver.result()
        done.set()
        states = reader.result()
    assert all(states)
    assert len(states) > 3
    assert _is_whole(unetzoo.load(tmp_path))
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("change", ["rewritten", "cut"])
def test_a_loaded_network_stays_as_it_is_when_its_file_is_changed_in_place(tmp_path, change):
    path = unetzoo.save(_network(), tmp_path) / "model.safetensors"
    network = unetzoo.load(tmp_path)
    if change == "cut":
        os.truncate(path, 100)
    else:
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 2)
            file.write(b"\x40" * 400)
    assert same_weights(network, _network())
    with pytest.raises(unetzoo.WeightsError):
        unetzoo.load(tmp_path)


def test_the_digest_is_that_of_the_very_bytes_that_are_loaded(tmp_path, monkeypatch):
    from unetzoo.weights import folder

    path = unetzoo.save(_network(), tmp_path) / "model.safetensors"
    build = folder.build_empty

    def build_while_somebody_writes(*arguments):
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)  # in place
        return build(*arguments)

    monkeypatch.setattr(folder, "build_empty", build_while_somebody_writes)
    with pytest.raises(unetzoo.WeightsError, match="is not the file that was saved"):
        unetzoo.load(tmp_path)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_weights_of_several_floating_types_are_brought_to_one_and_it_is_said(dtype, tmp_path):
    network = _network(0.5)
    path = unetzoo.save(network, tmp_path) / "model.safetensors"
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace('"model.safetensors"', '"another"'))
    state = load_file(path)
    key = next(name for name in state if name.endswith("weight"))
    save_file({**state, key: state[key].to(dtype)}, path)
    with pytest.warns(UserWarning, match=f"several floating types, .*{str(dtype)[6:]}"):
        loaded = unetzoo.load(tmp_path)
    assert same_weights(loaded, network)
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_a_network_of_one_other_floating_type_comes_back_in_it(dtype, tmp_path):
    network = _network().to(dtype)
    assert same_weights(unetzoo.load(unetzoo.save(network, tmp_path)), network)


def test_a_loaded_network_is_in_the_order_in_which_networks_are_created(tmp_path):
    network = _network()
    strides = {name: parameter.stride() for name, parameter in network.named_parameters()}
    loaded = unetzoo.load(unetzoo.save(network, tmp_path))
    assert {name: parameter.stride() for name, parameter in loaded.named_parameters()} == strides


def test_what_load_would_refuse_is_not_saved(tmp_path):
    network = unetzoo.create("unet", encoder="plain", encoder_options={"widths": [2] * 24})
    with pytest.raises(unetzoo.OptionError, match="files of weights are more than load"):
        unetzoo.save(network, tmp_path / "net", max_shard_size=1)
    info = unetzoo.ModelInfo(class_names=["x" * 2_000_000])
    with pytest.raises(unetzoo.OptionError, match="the configuration takes 2,00"):
        unetzoo.save(_network(), tmp_path / "net", info=info)
    assert not (tmp_path / "net").exists()


@pytest.mark.skipif(os.name != "posix", reason="limits of the size of files")
def test_a_full_disk_is_one_error_and_what_was_saved_before_is_kept(tmp_path):
    folder = unetzoo.save(_network(1.0), tmp_path / "net")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, before[1]))
    try:
        for place in (folder, tmp_path / "new"):
            with pytest.raises(unetzoo.OptionError, match="cannot save into the folder"):
                unetzoo.save(_network(2.0), place)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert same_weights(unetzoo.load(folder), _network(1.0))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["README.md", "config.json", "model.safetensors", "net"]


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077])
def test_all_files_may_be_read_by_whom_the_umask_says(mask, tmp_path):
    from unetzoo._utils.atomic import write_text

    before = os.umask(mask)
    try:
        folder = unetzoo.save(_network(), tmp_path / "net")
        write_text(folder / "notes.txt", "mine")
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o666 & ~mask}
