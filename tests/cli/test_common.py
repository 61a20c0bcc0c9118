import json
import re

import pytest

from unetzoo.cli.commands import own_command
from unetzoo.cli.common import json_to_print
from unetzoo.registry.builtin_commands import COMMANDS

_INFO = ("info", "unet", "--encoder", "plain", "--image-size", "32")


def _commands(group=None, path=()):
    """The paths of all commands, such as `("bench", "speed")`."""
    commands = group.commands.items() if group else ((name, own_command(name)) for name in COMMANDS)
    for name, command in commands:
        yield from _commands(command, (*path, name)) if hasattr(command, "commands") else [(*path, name)]


@pytest.mark.parametrize("path", [*_commands()], ids=" ".join)
def test_each_command_is_quiet_and_writes_a_log_when_asked_and_explains_itself_briefly(invoke, path):
    long = invoke(*path, "--help")
    assert long.exit_code == 0
    assert long.output == invoke(*path, "-h").output
    assert re.search(r"-q, --quiet\b", long.output)
    assert re.search(r"--log FILE\b", long.output)
    assert not re.search(r"[{}]", long.output.splitlines()[0])


def test_quiet_leaves_the_result_out_but_not_what_json_asks_for(invoke):
    assert invoke(*_INFO, "--quiet").output == ""
    assert json.loads(invoke(*_INFO, "--quiet", "--json").stdout)["total"]["parameters"] > 0


def test_quiet_keeps_errors(invoke):
    result = invoke("info", "unett", "--encoder", "plain", "--quiet")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: no decoder named 'unett'")


def test_a_log_has_each_line_that_is_printed_with_its_time_and_goes_on(invoke, tmp_path):
    log = tmp_path / "log.txt"
    printed = invoke(*_INFO, "--log", str(log)).stdout
    failed = invoke("info", "unett", "--encoder", "plain", "--log", str(log))
    lines = log.read_text(encoding="utf-8").splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ", line) for line in lines)
    texts = [line[24:] for line in lines]
    assert texts == [line for line in printed.splitlines() if line] + [failed.stderr.strip()]


def test_a_log_that_cannot_be_written_is_one_line(invoke):
    result = invoke(*_INFO, "--log", "/nowhere/log.txt")
    assert result.exit_code == 2
    assert result.stderr == "error: cannot write the log /nowhere/log.txt: No such file or directory\n"


@pytest.mark.parametrize(
    "command",
    [_INFO, ("list", "losses"), ("describe", "decoder", "unet"), ("plugins",)],
    ids=lambda command: command[0],
)
def test_json_is_printed_or_written_into_a_file(invoke, command, tmp_path):
    printed = invoke(*command, "--json").stdout
    assert invoke(*command, "--json", "-").stdout == printed
    written = invoke(*command, "--json", str(tmp_path / "result.json"))
    assert written.exit_code == 0
    assert json.loads((tmp_path / "result.json").read_text()) == json.loads(printed)


def test_json_that_cannot_be_written_is_told_before_the_work(invoke):
    result = invoke(*_INFO, "--json", "/nowhere/result.json")
    assert result.exit_code == 2
    assert "there is no folder /nowhere" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "read"),
    [
        ([], []),
        (["--json"], ["--json=-"]),
        (["--json", "a.json"], ["--json", "a.json"]),
        (["--json", "-"], ["--json", "-"]),
        (["--json", "cells"], ["--json=-", "cells"]),
        (["--json=a.txt"], ["--json=a.txt"]),
        (["cells", "--json", "--quiet"], ["cells", "--json=-", "--quiet"]),
    ],
)
def test_json_takes_the_file_that_follows_if_one_does(arguments, read):
    assert json_to_print(arguments) == read


def test_exit_codes_are_documented(invoke):
    text = " ".join(invoke("--help").output.split())
    assert "3, some images or runs failed; 4, all failed" in text
