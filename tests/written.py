"""Code blocks of Markdown pages, and how commands in them are run."""

import re
import shlex
import subprocess
import sys

import numpy as np
from PIL import Image

BUDGET = {"train": ["--steps", "2", "--epochs", "1", "--batch", "2", "--crop", "64"]}  # instead of hours


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(text):
    return [line for block in blocks(text, "sh") for line in block.splitlines() if line.startswith("unetzoo ")]


def run_python(text, name):
    """Run all blocks of a page one after the other; gives what they defined."""
    names = {}
    for block in blocks(text, "python"):
        exec(compile(block, name, "exec"), names)
    return names


def run_command(command, folder):
    arguments = shlex.split(command)[1:]
    program = [sys.executable, "-m", "unetzoo", *arguments, *BUDGET.get(arguments[0], [])]
    return subprocess.run(program, cwd=folder, capture_output=True, text=True, timeout=240, check=False)


def make_cells(folder):
    """A folder `cells/` of three images and masks."""
    random = np.random.default_rng(0)
    for name in ("a.png", "b.png", "c.png"):
        for kind, values in (
            ("images", random.integers(0, 256, (48, 64, 3))),
            ("masks", random.integers(0, 2, (48, 64))),
        ):
            (folder / "cells" / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values.astype(np.uint8)).save(folder / "cells" / kind / name)
    return folder
