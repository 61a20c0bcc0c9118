"""Two processes train as one does."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = """
import sys
import torch
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
unetzoo.fit(model, data, sys.argv[1], options=options, cpu=True)
"""


@pytest.fixture(scope="module")
def histories(tmp_path_factory):
    """What each step of training gave in one process, and in two with gloo."""
    folder = tmp_path_factory.mktemp("distributed")
    program = folder / "program.py"
    program.write_text(_PROGRAM.format(tests=str(Path(__file__).parents[1])))
    launch = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--cpu",
        "--num_processes",
        "2",
        "--num_machines",
        "1",
    ]
    launch += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    for command, name in (([sys.executable], "one"), (launch, "two")):
        done = subprocess.run([*command, str(program), name], cwd=folder, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
    return [
        [json.loads(line) for line in (folder / name / "history.jsonl").read_text().splitlines()]
        for name in ("one", "two")
    ]


def test_two_processes_have_the_loss_curve_of_one(histories):
    one, two = histories
    assert [epoch["loss"] for epoch in two] == pytest.approx([epoch["loss"] for epoch in one], rel=1e-5)


def test_two_processes_share_the_validation(histories):
    one, two = histories
    assert [epoch["class_iou"] for epoch in two] == [pytest.approx(epoch["class_iou"], abs=1e-3) for epoch in one]
