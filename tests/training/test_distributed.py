"""Two processes train as one does, and stop together."""

import json
import subprocess
import sys
from pathlib import Path

import in_step
import pytest

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The folder of what two processes did with gloo, which were stopped in the end, and what they wrote."""
    folder = tmp_path_factory.mktemp("distributed")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*launch, Path(in_step.__file__)]
    return folder, subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)


@pytest.fixture(scope="module")
def histories(two, tmp_path_factory):
    """What each epoch of training gave in this process, and in two."""
    folder, done = two
    assert done.stdout.split() == ["2", "2"], done.stderr
    alone = tmp_path_factory.mktemp("alone")
    in_step.train(alone / "one")
    runs = (alone / "one", folder / "two")
    return [[json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()] for run in runs]


def test_two_processes_have_the_loss_curve_of_one(histories):
    one, two = histories
    assert [epoch["loss"] for epoch in two] == pytest.approx([epoch["loss"] for epoch in one], rel=1e-5)


def test_two_processes_share_the_validation(histories):
    one, two = histories
    assert all(iou is not None for epoch in one for iou in epoch["class_iou"])
    assert [epoch["class_iou"] for epoch in two] == [pytest.approx(epoch["class_iou"], abs=1e-3) for epoch in one]


def test_a_signal_to_one_process_stops_both_after_the_same_step(two):
    folder, done = two
    assert done.returncode != 0
    assert done.stderr.count("TrainingStoppedError: stopped by SIGTERM after step 4;") == 2
    assert [path.name for path in (folder / "stopped" / "checkpoints").iterdir()] == ["step-000000004"]
