"""The tutorial of plugins/README.md, done as it stands: the commands, then the code, in processes of their own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_TUTORIAL = Path(__file__).parents[1] / "plugins" / "README.md"
_BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", _TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
_CODE = [text for language, text in _BLOCKS if language == "python"]
_COMMANDS = [line for language, text in _BLOCKS if language == "sh" for line in text.splitlines()]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder where the tutorial's plugin is written and installed; its environment."""
    folder = tmp_path_factory.mktemp("tutorial")
    _run(folder, "unetzoo", *_COMMANDS[0].split()[1:])
    (folder / "unetzoo-cells" / "unetzoo_cells" / "decoder.py").write_text(_CODE[0])
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    _run(folder, "pip", "install", *options, "--target", "site", "./unetzoo-cells")
    return folder


def _run(folder, module, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(folder / "site"), "UNETZOO_PLUGINS": "unetzoo-cells"}
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_commands_are_those_that_are_tried_here():
    assert _COMMANDS == [
        "unetzoo new-plugin unetzoo-cells --decoder",
        "pip install -e unetzoo-cells",
        "unetzoo plugins check unetzoo-cells",
        "unetzoo plugins check unetzoo-cells",
        "pytest --unetzoo-plugin unetzoo-cells",
    ]


def test_the_changed_decoder_keeps_the_contract(workplace):
    assert "rules, none broken" in _run(workplace, "unetzoo", "plugins", "check", "unetzoo-cells")
    shutil.rmtree(workplace / "unetzoo-cells" / "tests")
    output = _run(workplace, "pytest", "--unetzoo-plugin", "unetzoo-cells", "-q", "-p", "no:cacheprovider")
    assert re.search(r"^14 passed", output, re.MULTILINE)


def test_it_is_used_as_the_tutorial_says(workplace):
    code = workplace / "use.py"
    code.write_text("import torch\nimport unetzoo\n" + _CODE[1])
    environment = {**os.environ, "PYTHONPATH": str(workplace / "site")}
    subprocess.run([sys.executable, str(code)], env=environment, check=True)
