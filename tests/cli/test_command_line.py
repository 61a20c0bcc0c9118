import json
import os
import re
import subprocess
import sys
from importlib.metadata import entry_points, version
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unetzoo.cli import main
from unetzoo.cli.commands import own_command
from unetzoo.registry.builtin_commands import COMMANDS
from unetzoo.registry.host import host

ROOT = Path(__file__).parents[2]
_TUTORIAL = {"count-parts"}  # a command that the tutorial writes

_HEAVY = ("torch", "timm", "matplotlib", "numpy", "huggingface_hub")
_OF_HELP = {  # the only modules that `unetzoo --help` imports of the package, which import no others but those of typer
    "unetzoo",
    "unetzoo._utils",
    "unetzoo._utils.late",
    "unetzoo._utils.texts",
    "unetzoo.cli",
    "unetzoo.cli.commands",
    "unetzoo.cli.errors",
    "unetzoo.cli.flags",
    "unetzoo.cli.output",
    "unetzoo.errors",
    "unetzoo.registry",
    "unetzoo.registry.builtin_commands",
}
_BARE = """
import typer
app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
for name in ("one", "two"):
    app.command(name)(lambda number=1: None)
app()
"""
_MODULES = """
import json, sys
sys.argv[0] = "unetzoo"
try:
    exec({program!r}, {{"__name__": "__main__"}})
finally:
    print(json.dumps([*sys.modules]), file=sys.stderr)
"""
_MAIN = "from unetzoo.cli import main; main()"


def _modules(program, *arguments, **environment):
    """The names of all modules that a program has imported at its end."""
    command = [sys.executable, "-c", _MODULES.format(program=program), *arguments]
    variables = {**os.environ, **environment}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=variables)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


def _loaded_by(*arguments):
    return sorted(_modules(_MAIN, *arguments) & set(_HEAVY))


@pytest.mark.parametrize(
    "arguments", [["--help"], ["info", "--help"], ["--version"], ["list", "encoders"], ["list", "losses"], ["plugins"]]
)
def test_quick_commands_load_no_heavy_package(arguments):
    assert _loaded_by(*arguments) == []


def test_help_imports_no_command_and_little_beyond_what_typer_does():
    modules = _modules(_MAIN, "--help")
    assert {name for name in modules if name.partition(".")[0] == "unetzoo"} == _OF_HELP
    others = modules - _OF_HELP - _modules(_BARE, "--help")
    assert others <= {"contextvars", "_contextvars"}


def test_the_version_and_the_completion_of_a_command_import_no_command():
    assert {name for name in _modules(_MAIN, "--version") if name.startswith("unetzoo.")} <= _OF_HELP
    asked = {"_UNETZOO_COMPLETE": "complete_bash", "COMP_WORDS": "unetzoo tr", "COMP_CWORD": "1"}
    assert {name for name in _modules(_MAIN, **asked) if name.startswith("unetzoo.")} <= _OF_HELP


def test_summaries_in_the_table_are_those_of_the_commands():
    for name, entry in COMMANDS.items():
        text = own_command(name).help or own_command(name).callback.__doc__
        assert " ".join(text.partition("\n\n")[0].split()) == entry.summary, name


def test_info_of_the_plain_encoder_loads_torch_but_not_timm():
    loaded = _loaded_by("info", "unet", "--encoder", "plain", "--image-size", "16")
    assert "torch" in loaded
    assert "timm" not in loaded


def test_the_installed_script_is_main():
    (script,) = entry_points(group="console_scripts", name="unetzoo")
    assert script.load() is main


def test_version_is_that_of_the_distribution(invoke):
    assert invoke("--version").output == f"unetzoo {version('unetzoo')}\n"


def test_help_lists_each_command_of_the_table_in_its_order_and_then_those_of_plugins(invoke):
    listed = re.findall(r"^  ([a-z-]+)  ", invoke("--help").output.partition("Commands:")[2], re.MULTILINE)
    plugins = host().registries["command"].names()
    assert listed == [*COMMANDS, *plugins]


def test_each_command_is_documented_and_each_documented_command_is_one():
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    documented = set(re.findall(r"(?:^|`|&& )unetzoo ([a-z][a-z-]+)(?=[ `\n])", text, re.MULTILINE))
    assert set(COMMANDS) - documented == set()
    assert documented - {*COMMANDS, *_commands_of_plugins()} - _TUTORIAL == set()


def _commands_of_plugins():
    """The names of the commands in plugins/, which are documented whether they are installed or not."""
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "plugins").glob("*/*/__init__.py"))
    names = re.findall(r'CommandSpec\(\s*name="([a-z-]+)"', sources)
    assert "border-map" in names
    return names


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        ("unetzoo tr", ["train"]),
        ("unetzoo train --warm", ["--warm-up"]),
        ("unetzoo train --recipe cr", ["cracks"]),
        ("unetzoo train --decoder deeplab", ["deeplabv3", "deeplabv3plus"]),
    ],
)
def test_a_shell_completes_commands_flags_and_names(run, words, completions):
    done = run(_UNETZOO_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(words.count(" ")))
    assert done.stdout.split() == completions


def test_no_command_shows_the_help_as_an_error(invoke):
    result = invoke()
    assert result.exit_code == 2
    assert "Commands:" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["nope"], ["'nope'", "unetzoo --help"]),
        (["--nope"], ["--nope", "unetzoo --help"]),
        (["info", "unet"], ["--encoder", "unetzoo info --help"]),
        (["info", "unet", "--encoder", "plain", "--classes", "many"], ["--classes", "unetzoo info --help"]),
        (["describe", "decoder", "unett"], ["'unett'", "'unet'"]),
        (["list", "backbones"], ["'backbones'", "encoders"]),
        (["info", "unet", "--encoder", "resnet43"], ["'resnet43'", "'resnet34'"]),
        (["info", "unet", "--encoder", "plain", "--classes", "0"], ["classes", "0"]),
        (["info", "unet", "--encoder", "plain", "--decoder-option", "norms=group"], ["'norms'", "norm='batch'"]),
    ],
)
def test_a_mistake_is_one_line_on_standard_error_and_exit_code_2(invoke, arguments, names):
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: ")
    assert all(name in result.stderr for name in names)


def test_a_mistake_shows_no_traceback_in_a_process_of_its_own(run):
    done = run("describe", "decoder", "unett")
    assert done.returncode == 2
    assert done.stderr.startswith("error: no decoder named 'unett'")
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback_of_a_mistake(run):
    done = run("--debug", "describe", "decoder", "unett")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "unetzoo.errors.UnknownNameError" in done.stderr


def test_a_bug_keeps_its_traceback(run, install):
    source = """
import unetzoo

def build(features):
    raise ZeroDivisionError("a bug")

@unetzoo.hookimpl
def unetzoo_decoders():
    yield unetzoo.DecoderSpec(name="buggy", build=build)
"""
    done = run("info", "buggy", "--encoder", "plain", **install("buggy_plugin", source))
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "ZeroDivisionError: a bug" in done.stderr


def test_a_broken_plugin_is_one_warning_line_and_the_rest_goes_on(run, install):
    environment = install("broken_plugin", "import no_such_module") | {"UNETZOO_PLUGINS": "broken-plugin"}
    done = run("list", "decoders", **environment)
    assert done.returncode == 0
    assert {"unet", "unetpp"} <= set(done.stdout.splitlines())
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("warning: plugin 'broken-plugin 1.0' is disabled")
    assert "no_such_module" in done.stderr


def test_debug_shows_warnings_as_python_does(run, install):
    done = run("--debug", "list", "decoders", **install("broken_plugin", "import no_such_module"))
    assert "PluginWarning: plugin 'broken-plugin 1.0'" in done.stderr


def test_other_warnings_are_shown_as_python_does(run, install):
    source = """
import warnings
import unetzoo

warnings.warn("beware", UserWarning)

@unetzoo.hookimpl
def unetzoo_decoders():
    return ()
"""
    done = run("list", "decoders", **install("wary_plugin", source))
    assert "UserWarning: beware" in done.stderr


def test_an_interrupt_ends_with_130_and_no_traceback(run, install):
    source = (  # a process in the background ignores the signal until it is told to raise KeyboardInterrupt
        "import os, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
    )
    done = run("list", "decoders", **install("interrupting_plugin", source))
    assert done.returncode == 130
    assert done.stderr == ""


@pytest.mark.parametrize("arguments", [["list", "encoders"], ["--help"], ["describe", "decoder", "unetpp"]])
def test_a_reader_that_has_gone_is_no_error(arguments):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-c", "from unetzoo.cli import main; main()", *arguments]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writer)
    assert done.stderr == ""


_AS_NOBODY = """
import os
from typer.testing import CliRunner
from unetzoo.cli import app
CliRunner().invoke(app, ["data", "check", "closed/cells"])  # imports what is needed
os.setuid(65534)
for folder in ("closed/cells", "secret"):
    result = CliRunner().invoke(app, ["data", "check", folder])
    print(result.exit_code, result.stderr or result.stdout)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without permission")
def test_what_may_not_be_entered_or_read_is_one_line_with_its_name(tmp_path):
    for folder in ("closed/cells", "secret"):
        for kind in ("images", "masks"):
            (tmp_path / folder / kind).mkdir(parents=True)
            Image.fromarray(np.eye(8, dtype=np.uint8)).save(tmp_path / folder / kind / "a.png")
    (tmp_path / "closed").chmod(0o700)
    (tmp_path / "secret" / "images" / "a.png").chmod(0o600)
    for folder in (tmp_path, *tmp_path.parents[:2]):  # those that pytest made
        folder.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", _AS_NOBODY], cwd=tmp_path, capture_output=True, text=True, check=True)
    first = done.stdout.splitlines()[0]
    assert first.startswith("2 error: closed/cells")
    assert first.endswith(": Permission denied")
    assert "secret/images/a.png cannot be read: Permission denied" in done.stdout
