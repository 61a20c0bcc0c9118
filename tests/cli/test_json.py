"""Each command that prints a table takes `--json`: the same numbers, alone on standard output."""

import ast
import csv
import inspect
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import unetzoo
from unetzoo.cli import app
from unetzoo.cli.commands import own_command
from unetzoo.registry.builtin_commands import COMMANDS

_CLI = Path(unetzoo.__file__).parent / "cli"
_TESTS = Path(__file__).parents[1]
_TABLES = ("new_table", "Table")
_NET = ("--encoder", "plain", "--encoder-option", "widths=4,8")
_RUNS = {  # in a folder with `run`, of a training, and `cells`, its data
    ("list",): ("engines",),
    ("describe",): ("decoder", "unet"),
    ("info",): ("unet", "--encoder", "plain", "--image-size", "32"),
    ("plugins",): (),
    ("recipes",): (),
    ("data", "check"): ("cells",),
    ("plan",): ("cells",),
    ("train",): ("cells", "--out", "again", *_NET, "--steps", "2", "--epochs", "1", "--batch", "2", "--crop", "32"),
    ("tune",): ("run", "cells"),
    ("evaluate",): ("run", "cells", "--html", "page.html"),
    ("predict",): ("run", "cells/images", "masks"),
    ("suggest",): ("run", "cells/images"),
}
_ELSEWHERE = {  # files of tests that read the JSON of a command
    ("plugins", "check"): "cli/test_plugins_command.py",
    ("demo",): "cli/test_demo.py",
    ("deploy",): "cli/test_deploy.py",
    ("import",): "cli/test_import.py",
    ("bench", "speed"): "bench/test_speed.py",
    ("bench", "grid"): "cli/test_bench.py",
    ("pull",): "weights/test_hub.py",
    ("search",): "weights/test_hub.py",
    ("doctor",): "cli/test_doctor.py",
}


def _commands(group=None, path=()):
    """All commands by their paths, such as `("bench", "speed")`, groups that are commands among them."""
    commands = group.commands.items() if group else ((name, own_command(name)) for name in COMMANDS)
    for name, command in commands:
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name))
        if not hasattr(command, "commands") or command.invoke_without_command:
            yield (*path, name), command


_COMMANDS = dict(_commands())


@cache
def _module(name):
    """The functions of a module of the command line, and what its names are in others."""
    tree = ast.parse((_CLI / f"{name}.py").read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    imports = {
        alias.asname or alias.name: (node.module.removeprefix("unetzoo.cli."), alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module.startswith("unetzoo.cli.")
        for alias in node.names
    }
    return functions, imports


def _makes_table(module, function, seen):
    """Whether a function makes a table, or calls one of the command line that does."""
    functions, imports = _module(module)
    if (module, function) in seen or function not in functions:
        return False
    seen.add((module, function))
    names = {node.id for node in ast.walk(functions[function]) if isinstance(node, ast.Name)}
    return any(name in _TABLES or _makes_table(*imports.get(name, (module, name)), seen) for name in names)


def _prints_table(command):
    function = inspect.unwrap(command.callback)
    return _makes_table(function.__module__.removeprefix("unetzoo.cli."), function.__name__, set())


def test_each_command_that_prints_a_table_takes_json():
    with_table = {path for path, command in _COMMANDS.items() if _prints_table(command)}
    with_json = {path for path, command in _COMMANDS.items() if any(each.name == "json" for each in command.params)}
    assert {("info",), ("train",), ("demo",), ("bench", "speed")} <= with_table
    assert with_table - with_json == set()
    assert with_json == {*_RUNS, *_ELSEWHERE}


@pytest.mark.parametrize(("path", "file"), _ELSEWHERE.items(), ids=map("-".join, _ELSEWHERE))
def test_the_json_of_long_commands_is_read_in_their_own_tests(path, file):
    text = (_TESTS / file).read_text(encoding="utf-8")
    assert all(f'"{name}"' in text for name in (*path, "--json"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from typer.testing import CliRunner

    folder = tmp_path_factory.mktemp("json")
    random = np.random.default_rng(0)
    for kind, high in (("images", 256), ("masks", 2)):
        (folder / "cells" / kind).mkdir(parents=True)
        for name in ("a", "b", "c"):
            Image.fromarray(random.integers(0, high, (40, 40), np.uint8)).save(folder / "cells" / kind / f"{name}.png")
    flags = (*_NET, "--steps", "4", "--epochs", "2", "--batch", "2", "--crop", "32")
    done = CliRunner().invoke(app, ["train", str(folder / "cells"), "--out", str(folder / "run"), *flags])
    assert done.exit_code == 0, done.output
    return folder


@pytest.mark.parametrize("path", _RUNS, ids="-".join)
def test_printed_json_is_alone_on_standard_output_and_is_that_of_the_file(path, invoke, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    printed = invoke(*path, *_RUNS[path], "--json")
    assert printed.exit_code == 0, printed.output
    result = json.loads(printed.stdout)
    assert result or path == ("plugins",)
    if path == ("train",):
        _check_history(result, folder / "again")
        assert [line.split("  loss")[0] for line in printed.stderr.splitlines()[1:2]] == ["epoch 1/1"]
        return
    file = tmp_path / "result.json"
    written = invoke(*path, *_RUNS[path], "--json", str(file))
    assert written.exit_code == 0, written.output
    assert written.stdout
    if path not in (("predict",), ("tune",)):  # which find the first result
        again = json.loads(file.read_text(encoding="utf-8"))
        assert {**again, "date": ""} == {**result, "date": ""} if path == ("evaluate",) else again == result


def _check_history(result, folder):
    """The numbers of a training are those of its history."""
    lines = [json.loads(line) for line in (folder / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [each["loss"] for each in result["epochs"]] == [each["loss"] for each in lines]
    assert result["best"]["mean_iou"] == max(each["mean_iou"] for each in lines)
    assert Path(result["folder"]).resolve() == folder


def test_the_numbers_are_those_of_the_table(invoke, folder, monkeypatch, tmp_path):
    monkeypatch.chdir(folder)
    file = tmp_path / "list.csv"
    table = invoke("suggest", "run", "cells/images", "--csv", str(file)).stdout
    listed = json.loads(invoke("suggest", "run", "cells/images", "--json").stdout)["suggestions"]
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    assert [each["uncertainty"] for each in listed] == [float(row["uncertainty"]) for row in rows]
    assert all(f"{each['uncertainty']:.4f}" in table for each in listed)
