"""What the README says is run."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

_BUDGET = {"train": ["--steps", "2", "--epochs", "1", "--batch", "2", "--crop", "64"]}  # instead of hours
_README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def _blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", _README, re.MULTILINE | re.DOTALL)


def _commands():
    return [line for block in _blocks("sh") for line in block.splitlines() if line.startswith("unetzoo ")]


def test_the_python_blocks_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in _blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
    assert names["logits"].shape == (2, 2, 250, 333)
    assert (tmp_path / "small.onnx").stat().st_size > 0


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """Where the commands run one after the other, with the images that they speak of."""
    folder = tmp_path_factory.mktemp("readme")
    random = np.random.default_rng(0)
    for name in ("a.png", "b.png", "c.png"):
        for kind, values in (
            ("images", random.integers(0, 256, (48, 64, 3))),
            ("masks", random.integers(0, 2, (48, 64))),
        ):
            (folder / "cells" / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values.astype(np.uint8)).save(folder / "cells" / kind / name)
    return folder


@pytest.mark.parametrize("command", _commands())
def test_each_command_runs(command, workplace, hub_address):
    arguments = shlex.split(command)[1:]
    program = [sys.executable, "-m", "unetzoo", *arguments, *_BUDGET.get(arguments[0], [])]
    done = subprocess.run(program, cwd=workplace, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()


def test_there_are_blocks_to_run():
    assert len(_blocks("python")) >= 6
    assert len(_commands()) >= 8


def test_the_two_set_up_lines_are_the_ones_that_ci_looks_for():
    assert re.findall("^pip install.*$", _README, re.MULTILINE) == [
        "pip install . && unetzoo demo",
        "pip install -e '.[test]' && pytest",
    ]
