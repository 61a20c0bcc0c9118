import os
import pty
import struct
import subprocess
import sys
from fcntl import ioctl
from fnmatch import fnmatch
from termios import TIOCSWINSZ

import pytest

import unetzoo


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("encoders", unetzoo.list_encoders),
        ("encoder", unetzoo.list_encoders),
        ("decoders", unetzoo.list_decoders),
        ("losses", unetzoo.list_losses),
        ("datasets", unetzoo.list_datasets),
        ("loss", unetzoo.list_losses),
        ("objects", unetzoo.list_objects),
    ],
)
def test_a_pipe_gets_one_name_a_line(invoke, kind, names):
    result = invoke("list", kind)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == names()


def test_a_pattern_selects(invoke):
    listed = invoke("list", "encoders", "convnext*").stdout.splitlines()
    assert "convnext_tiny" in listed
    assert all(fnmatch(name, "convnext*") for name in listed)


def test_a_misspelt_pattern_is_an_error_that_proposes_another(invoke):
    result = invoke("list", "encoders", "convnxt*")
    assert result.exit_code == 2
    assert "no encoder matches 'convnxt*'; did you mean 'convnext*'" in result.stderr


def test_a_pattern_near_nothing_is_an_error_that_counts_what_there_is(invoke):
    result = invoke("list", "decoders", "zzz")
    assert result.exit_code == 2
    count = len(unetzoo.list_decoders())
    assert result.stderr == f"error: no decoder matches 'zzz'; without a pattern there are {count}\n"


def test_codings_of_objects_are_called_so(invoke):
    result = invoke("list", "objects", "distnce")
    assert result.stderr == "error: no object coding matches 'distnce'; did you mean 'distance'?\n"
    result = invoke("describe", "object", "distnce")
    assert "no object coding named 'distnce'; did you mean 'distance'?" in result.stderr


def test_a_terminal_gets_columns_no_wider_than_itself():
    output = _in_terminal("list", "encoders", "convnext*", columns=70)
    names = unetzoo.list_encoders("convnext*")
    assert sorted(" ".join(output).split()) == sorted(names)
    assert len(output) < len(names)
    assert max(map(len, output)) <= 70
    assert [line.split()[0] for line in output] == names[: len(output)]


def _in_terminal(*arguments, columns):
    """The lines that a command prints in a terminal of that many columns."""
    reader, terminal = pty.openpty()
    ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    command = [sys.executable, "-c", "from unetzoo.cli import main; main()", *arguments]
    done = subprocess.run(command, stdin=terminal, stdout=terminal, env=environment, timeout=60)
    os.close(terminal)
    output = os.read(reader, 1 << 16).decode()
    os.close(reader)
    assert done.returncode == 0
    return output.splitlines()
