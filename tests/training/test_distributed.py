"""Two processes train as one does, and stop together."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

_PROGRAM = """
import os, signal, sys
import torch
from accelerate import PartialState
sys.path.insert(0, {tests!r})
from squares import Squares
import unetzoo

torch.set_num_threads(1)
torch.manual_seed(0)
model = unetzoo.create(
    "unet",
    encoder="plain",
    encoder_options=dict(widths=(8, 16), norm="group"),
    decoder_options=dict(norm="group"),
    classes=2,
    in_channels=1,
)
options = unetzoo.FitOptions(loss="ce", steps=8, epochs=2, batch=4, crop=32, augment="flips", warm_up=0)
data = dict(train=Squares(5, 0), val=Squares(3, 1))
unetzoo.fit(model, data, sys.argv[1], options=options, listener={listener})
unetzoo.fit(model, data, sys.argv[1], options=options, resume=True)  # once more in the same processes
print(PartialState().num_processes)
"""
_SIGNALLED = """unetzoo.FitListener(
    on_step=lambda step, *_: os.kill(os.getpid(), signal.SIGTERM) if step == 3 else None
)"""


_LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def _write(program, listener):
    program.write_text(_PROGRAM.format(tests=str(Path(__file__).parents[1]), listener=listener))


@pytest.fixture(scope="module")
def histories(tmp_path_factory):
    """What each step of training gave in one process, and in two with gloo."""
    folder = tmp_path_factory.mktemp("distributed")
    program = folder / "program.py"
    _write(program, listener="None")
    for command, name in (([sys.executable], "one"), (_LAUNCH, "two")):
        done = subprocess.run([*command, str(program), name], cwd=folder, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == {"one": ["1"], "two": ["2", "2"]}[name]
    return [
        [json.loads(line) for line in (folder / name / "history.jsonl").read_text().splitlines()]
        for name in ("one", "two")
    ]


def test_two_processes_have_the_loss_curve_of_one(histories):
    one, two = histories
    assert [epoch["loss"] for epoch in two] == pytest.approx([epoch["loss"] for epoch in one], rel=1e-5)


def test_two_processes_share_the_validation(histories):
    one, two = histories
    assert all(iou is not None for epoch in one for iou in epoch["class_iou"])
    assert [epoch["class_iou"] for epoch in two] == [pytest.approx(epoch["class_iou"], abs=1e-3) for epoch in one]


def test_a_signal_to_one_process_stops_both_after_the_same_step(tmp_path):
    program = tmp_path / "program.py"
    _write(program, listener=_SIGNALLED)  # of the first process alone, after the two have met in step 3
    done = subprocess.run([*_LAUNCH, str(program), "run"], cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert done.returncode != 0
    assert done.stderr.count("TrainingStoppedError: stopped by SIGTERM after step 4;") == 2
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["step-000000004"]
