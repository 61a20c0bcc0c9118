"""A save that is killed leaves one whole state, the old or the new."""

import itertools
import json
import os
import shutil
import signal
import sys

import pytest
import torch
from processes import start
from saved import same_weights, small_model
from sweeps import sweep

import unetzoo
from unetzoo.weights import transaction


def _kill_each_save(say, folder):
    """Kill a save before each change to files in turn, and say the states that are there afterwards, and the files."""
    torch.set_num_threads(1)
    live, before = folder / "live", folder / "before"
    for shards in (True, False):
        states = []
        _save(0, before, shards=not shards)
        for change in itertools.count():
            shutil.rmtree(live, ignore_errors=True)
            shutil.copytree(before, live)
            child = os.fork()
            if child == 0:
                _kill_before(change)
                _save(1, live, shards=shards)
                os._exit(0)
            _, status = os.waitpid(child, 0)
            model = unetzoo.load(live)
            values = {float(end) for parameter in model.parameters() for end in torch.aminmax(parameter.detach())}
            states.append([model.config.info.metrics["number"], *values])
            if status == 0:
                break
        shutil.rmtree(before)
        say((states, sorted(path.name for path in live.iterdir())))


def _save(state, place, *, shards):
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)})
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(state)
    info = unetzoo.ModelInfo(metrics={"number": state})
    unetzoo.save(model, place, info=info, max_shard_size="5KB" if shards else "5GB")


def _kill_before(change):
    left = itertools.count(change, -1)

    def hook(event, arguments):
        writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        changes = event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.link", "os.truncate")
        if (writes or changes) and next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks a process for each moment")
def test_a_kill_at_any_moment_leaves_one_whole_state(tmp_path):
    (shards, names), (one_file, name) = start(_kill_each_save, tmp_path)[1]
    for states in (shards, one_file):
        old = states.count([0, 0])
        assert 10 < old < len(states)
        assert states == [[0, 0]] * old + [[1, 1]] * (len(states) - old)
    assert "model.safetensors.index.json" in names
    assert name == ["README.md", "config.json", "model.safetensors"]


@pytest.mark.parametrize("moved", sweep(range(4), [0, 2]))
def test_a_save_that_was_interrupted_while_its_files_moved_is_the_new_state(moved, tmp_path):
    old, new = small_model(), small_model()
    with torch.no_grad():
        new.heads[0].bias.fill_(7)
    unetzoo.save(old, tmp_path / "live", max_shard_size="2MB")
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
    assert same_weights(unetzoo.load(tmp_path / "live"), new)
    unetzoo.save(old, tmp_path / "live")
    assert same_weights(unetzoo.load(tmp_path / "live"), old)
