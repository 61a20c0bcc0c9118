"""Code blocks of Markdown pages, and how commands in them are run."""

import os
import re
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from tempfile import NamedTemporaryFile

import numpy as np
from cells import Cells
from PIL import Image, ImageDraw
from processes import start
from touching import write_nuclei

from unetzoo.cli import main, progress_lines

_SHORT = ["--steps", "2", "--epochs", "1", "--batch", "2", "--crop", "64"]
BUDGET = {  # instead of hours; without timm, which the processes of a benchmark would import
    "train cells/ --folds": [*_SHORT, "--encoder", "resnet10t"],  # several networks; the line names no encoder
    "train stacks/": ["--steps", "2", "--epochs", "1", "--batch", "2", "--crop", "16"],
    "train": _SHORT,
    "bench grid --objects": ["--objects", "components", "--encoders", "plain"],
    "bench grid": ["--decoders", "unet", "--encoders", "plain"],
    "bench speed": ["--encoder", "plain", "--size", "32", "--rounds", "1"],
}


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


def run_commands(lines, folder):
    """Run commands one after the other in one process of its own.

    Returns:
        For each line its exit code, its output and what it wrote to standard error.
    """
    with NamedTemporaryFile("r") as beside:
        process, said = start(_run, dict(os.environ), folder, beside.name, [_arguments(line) for line in lines])
        results = list(said)
        process.join()
        assert (process.exitcode, beside.read()) == (0, "")
    return results


def _run(say, environment, folder, beside, commands):
    os.dup2(os.open(beside, os.O_WRONLY), sys.stderr.fileno())  # what is no command's, such as of the process's end
    os.environ.update(environment)  # the process is forked from one that began before the test
    os.chdir(folder)
    progress_lines._INTERVAL = float("inf")  # or a busy machine, which takes a minute, writes to standard error
    for arguments in commands:
        sys.argv = ["unetzoo", *arguments]
        with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as errors:
            try:
                status = main() or 0
            except SystemExit as end:
                status = end.code or 0
        say((status, out.getvalue(), errors.getvalue()))


def _arguments(line):
    arguments = shlex.split(line)[1:]
    budgets = (options for command, options in BUDGET.items() if " ".join(arguments).startswith(f"{command} "))
    return [*arguments, *next(budgets, [])]


def make_cells(folder):
    """Folders of images and masks: three in `cells/`, three of numbered cells in `wells/`, four cracks in `walls/`.

    And three volumes with numbered nuclei in `stacks/`.
    """
    write_nuclei(folder / "stacks", 3)
    random = np.random.default_rng(0)
    for name in ("a.png", "b.png", "c.png"):
        for kind, values in (
            ("images", random.integers(0, 256, (48, 64, 3))),
            ("masks", random.integers(0, 2, (48, 64))),
        ):
            (folder / "cells" / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values.astype(np.uint8)).save(folder / "cells" / kind / name)
    wells = Cells(3, 0)
    for index in range(3):
        for kind, values in (("images", wells[index].image[..., 0]), ("masks", wells.instances(index))):
            (folder / "wells" / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values.astype(np.uint8)).save(folder / "wells" / kind / f"{index}.png")
    for index in range(4):
        crack = Image.new("L", (64, 64))
        ImageDraw.Draw(crack).line(random.uniform(4, 60, 6).tolist(), fill=255, width=3)
        light = random.normal(170, 15, (64, 64)) - 0.4 * np.asarray(crack)
        for kind, values in (("images", light.clip(0, 255)), ("masks", np.asarray(crack))):
            (folder / "walls" / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values.astype(np.uint8)).save(folder / "walls" / kind / f"{index}.png")
    return folder
