import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import unetzoo
from unetzoo._utils.texts import duration

_SMALL = ["--encoder", "plain", "--encoder-option", "widths=4,8", "--steps", "6", "--epochs", "2", "--batch", "2"]


@pytest.fixture
def cells(tmp_path):
    random = np.random.default_rng(0)
    for kind, high in (("images", 256), ("masks", 2)):
        (tmp_path / "cells" / kind).mkdir(parents=True)
        for name in ("a.png", "b.png", "c.png"):
            pixels = random.integers(0, high, (40, 40), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "cells" / kind / name)
    return tmp_path / "cells"


def test_a_folder_becomes_a_network(invoke, cells, tmp_path):
    result = invoke("train", str(cells), "--out", str(tmp_path / "run"), *_SMALL)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("2 train, 1 val image, 2 classes; unet over plain, 0.0")
    assert lines[0].endswith("M parameters; dice + ce; 6 steps of 2 crops of 64 px")
    assert [line.split("  loss")[0] for line in lines[1:3]] == ["epoch 1/2", "epoch 2/2"]
    assert "the best network, of epoch" in lines[3]
    model = unetzoo.load(tmp_path / "run" / "best")
    assert (model.config.classes, model.config.in_channels) == (2, 1)


def test_resume_takes_the_options_of_its_run(invoke, cells, tmp_path):
    run = str(tmp_path / "run")
    invoke("train", str(cells), "--out", run, *_SMALL)
    result = invoke("train", str(cells), "--out", run, "--resume")
    assert result.exit_code == 0, result.output
    assert "continued from step 6" in result.stdout
    other = invoke("train", str(cells), "--out", run, "--resume", "--batch", "1")
    assert other.exit_code == 2
    assert "had other options: batch was 2, is 1" in other.stderr


def test_resume_with_more_epochs_keeps_their_length(invoke, cells, tmp_path):
    run = str(tmp_path / "run")
    invoke("train", str(cells), "--out", run, *_SMALL)
    longer = invoke("train", str(cells), "--out", run, "--resume", "--epochs", "3")
    assert longer.exit_code == 0, longer.output
    assert "9 steps of 2 crops" in longer.stdout
    assert "epoch 3/3" in longer.stdout


def test_resume_with_fewer_epochs_than_are_done_is_refused_in_epochs(invoke, cells, tmp_path):
    run = str(tmp_path / "run")
    invoke("train", str(cells), "--out", run, *_SMALL)
    shorter = invoke("train", str(cells), "--out", run, "--resume", "--epochs", "1")
    assert shorter.exit_code == 2
    assert "has trained 2 epochs already, more than 1: resume with --epochs 2 or more" in shorter.stderr


def test_resume_without_a_run_says_that_it_starts_one(invoke, cells, tmp_path):
    result = invoke("train", str(cells), "--out", str(tmp_path / "run"), *_SMALL, "--resume")
    assert result.exit_code == 0, result.output
    assert result.stderr == f"warning: there is no run to resume in {tmp_path / 'run'}; starting a new one\n"
    again = invoke("train", str(cells), "--out", str(tmp_path / "run"), *_SMALL)
    assert "continue it with --resume, or choose another folder" in again.stderr


def test_resume_remembers_data_trackers_and_device(invoke, cells, tmp_path):
    run = tmp_path / "run"
    classes = ["--classes", "cell=1,background=0"]
    options = [*classes, "--track", "tensorboard", "--device", "cpu", "--activation-checkpointing"]
    first = invoke("train", str(cells), "--out", str(run), *_SMALL, *options)
    assert first.exit_code == 0, first.output
    again = invoke("train", str(cells), "--out", str(run), "--resume")
    assert again.exit_code == 0, again.output
    assert len(list(run.glob("unetzoo/events*"))) == 2  # a file each time
    other = invoke("train", str(cells), "--out", str(run), "--resume", "--classes", "cell=0,background=1")
    assert "had other data: " in other.stderr


def test_evaluate_gives_the_scores_of_the_validation(invoke, cells, tmp_path):
    invoke("train", str(cells), "--out", str(tmp_path / "run"), *_SMALL, "--classes", "cell=1,background=0")
    invoke("evaluate", str(tmp_path / "run" / "best"), str(cells), "--json", str(tmp_path / "e.json"))
    evaluation = json.loads((tmp_path / "e.json").read_text())
    assert evaluation["class_names"] == ["cell", "background"]
    epochs = [json.loads(line) for line in (tmp_path / "run" / "history.jsonl").read_text().splitlines()]
    best = max(epochs, key=lambda epoch: epoch["mean_iou"])
    assert [each["IoU"]["value"] for each in evaluation["classes"]] == pytest.approx(best["class_iou"])


def test_the_seed_is_that_of_the_weights_too(invoke, cells, tmp_path):
    for run in ("1", "2"):
        invoke("train", str(cells), "--out", str(tmp_path / run), *_SMALL, "--seed", "5")
    first, second = ((tmp_path / run / "history.jsonl").read_text() for run in ("1", "2"))
    assert first == second


def test_a_signal_is_its_exit_code(cells, tmp_path):
    command = [sys.executable, "-c", "from unetzoo.cli import main; main()", "train", str(cells), "--out"]
    command += [str(tmp_path / "run"), *_SMALL[:4], "--batch", "2", "--steps", "100000", "--epochs", "50000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    for line in process.stdout:
        if line.startswith("epoch"):
            process.send_signal(signal.SIGINT)
            break
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 130
    assert re.fullmatch(r"stopped: by SIGINT after step [\d,]+; --resume continues\n", errors)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--encoder", "resnet35"], "resnet34"),
        (["--loss", "dicee"], "dice"),
        (["--schedule", "slow"], "schedule"),
        (["--learning-rate", "-1"], "--learning-rate must be a number from"),
    ],
    ids=lambda value: "" if isinstance(value, str) else value[0],
)
def test_an_invalid_option_is_one_line_and_leaves_nothing(invoke, cells, tmp_path, arguments, message):
    result = invoke("train", str(cells), "--out", str(tmp_path / "run"), *_SMALL, *arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_the_first_of_many_problems_is_an_error_with_its_file(invoke, cells, tmp_path):
    (cells / "images" / "a.png").write_bytes(b"")
    Image.fromarray(np.zeros((8, 9), np.uint8)).save(cells / "masks" / "b.png")
    result = invoke("train", str(cells), "--out", str(tmp_path / "run"), *_SMALL)
    assert result.exit_code == 2
    assert "a.png is empty" in result.stderr
    assert "`unetzoo data check` lists them" in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_warning_about_the_data_is_printed(invoke, cells, tmp_path):
    result = invoke("train", str(cells), "--out", str(tmp_path / "run"), *_SMALL, "--classes", "one,two,three")
    assert result.exit_code == 0
    assert "warning: " in result.stderr
    assert "three" in result.stderr


def test_a_budget_of_minutes_says_how_many_steps_fit(invoke, cells, tmp_path):
    small = ["--encoder", "plain", "--encoder-option", "widths=4,8", "--batch", "2"]
    result = invoke("train", str(cells), "--out", str(tmp_path / "run"), *small, "--minutes", "0.02")
    assert result.exit_code == 0, result.output
    assert "; 1 second of steps of 2 crops of 64 px\n" in result.stdout
    assert re.search(r"^about [\d,]+ steps fit into 1 second on this CPU$", result.stdout, re.MULTILINE)
    again = invoke("train", str(cells), "--out", str(tmp_path / "again"), *small, "--minutes", "2", "--epochs", "30")
    assert (again.exit_code, again.stderr.count("\n")) == (2, 1)
    assert "--minutes 2 is a budget instead of steps and epochs: leave those out" in again.stderr


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "1 second"), (59, "59 seconds"), (61, "1 minute"), (850, "14 minutes"), (3600, "1 hour"), (9100, "2.5 hours")],
)
def test_durations_are_said_as_people_say_them(seconds, text):
    assert duration(seconds) == text


def test_options_and_network_of_a_run_are_in_run_json(invoke, cells, tmp_path):
    invoke("train", str(cells), "--out", str(tmp_path / "run"), *_SMALL)
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["options"]["steps"] == 6
    assert run["network"]["encoder_options"] == {"widths": [4, 8]}
    assert run["data"]["images"] == 2
