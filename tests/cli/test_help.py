"""What `--help` shows: sections in their order, each flag in one of them, within the width of a terminal."""

import re

import pytest

from unetzoo.cli.commands import own_command
from unetzoo.registry.builtin_commands import COMMANDS

_WIDTH = 80


def _sections(text):
    """The flags of each section, by its name."""
    parts = re.split(r"^([A-Z]\w*):\n", text, flags=re.MULTILINE)
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    return {name: re.findall(r"^  (?:-\w, )?(--[\w-]+)", part, re.MULTILINE) for name, part in pairs}


def test_what_few_need_stands_at_the_end_of_the_help_of_a_training(invoke):
    sections = _sections(invoke("train", "--help").output)
    expected = "Arguments Options Network Length Crops Optimization Machine Masks Images More"
    assert " ".join(sections) == expected
    assert sections["Length"] == ["--epochs", "--steps", "--minutes", "--batch"]
    assert sections["Optimization"] == ["--loss", "--learning-rate", "--encoder-rate", "--frozen-epochs"]
    assert {"--weight-decay", "--clip", "--checkpoint-steps", "--track"} <= set(sections["More"])
    assert max(len(flags) for name, flags in sections.items() if name not in ("Options", "More")) <= 10


def test_each_flag_of_a_training_stands_in_one_section(invoke):
    shown = [flag for flags in _sections(invoke("train", "--help").output).values() for flag in flags]
    options = [option for option in own_command("train").params if option.param_type_name == "option"]
    names = {next(name for name in option.opts if name.startswith("--")) for option in options if not option.hidden}
    assert sorted(shown) == sorted({*names, "--help"})


@pytest.mark.parametrize("name", [name for name in COMMANDS if not hasattr(own_command(name), "commands")])
def test_no_line_is_wider_than_a_terminal(invoke, name):
    lines = invoke(name, "--help").output.splitlines()
    assert [line for line in lines if len(line) > _WIDTH] == []
