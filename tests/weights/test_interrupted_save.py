"""A save that is killed leaves one whole state, the old or the new."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from saved import same_weights, small_model

import unetzoo
from unetzoo.weights import transaction

_SAVE_FOR_EVER = """if True:
    import sys, torch, unetzoo
    model = unetzoo.create("unet", encoder="resnet10t")
    for number in range(10**6):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.fill_(number % 2)
        info = unetzoo.ModelInfo(metrics={"number": number % 2})
        unetzoo.save(model, sys.argv[1], info=info, max_shard_size="3MB" if number % 3 else "5GB")
        print("saved", flush=True)
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
    old, new = small_model(), small_model()
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
    assert same_weights(unetzoo.load(tmp_path / "live"), new)
    unetzoo.save(old, tmp_path / "live")
    assert same_weights(unetzoo.load(tmp_path / "live"), old)
