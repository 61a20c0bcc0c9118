"""The Dockerfile, as far as it can be tried without Docker."""

import json
import os
import re
import shutil
import subprocess
import sysconfig
import tomllib
import venv
from fnmatch import fnmatch
from pathlib import Path

import pytest
from typer.testing import CliRunner

from unetzoo.cli import app

ROOT = Path(__file__).parents[1]
_TEXT = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
STEPS = [line.split(" ", 1) for line in _TEXT.splitlines() if line and not line.startswith("#")]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _of(instruction):
    return [rest for name, rest in STEPS if name == instruction]


def _arguments():
    return dict(line.split("=", 1) for line in _of("ARG"))


def _copied(line):
    """Source and destination of each file or folder of a COPY."""
    *sources, target = line.split()
    return [(source, target) for source in sources]


def test_the_extras_are_those_of_the_project():
    extras = _arguments()["EXTRAS"].split(",")
    assert "serve" in extras
    assert set(extras) <= set(PROJECT["optional-dependencies"])


def test_what_is_copied_exists_is_sent_to_docker_and_is_what_a_build_needs():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "*"
    sent = [line[1:] for line in lines if line.startswith("!")]
    copied = {source for line in _of("COPY") for source, _ in _copied(line)}
    assert copied == set(sent)
    assert all((ROOT / source).exists() for source in copied)
    needed = {"pyproject.toml", PROJECT["readme"], *PROJECT["license-files"], "unetzoo"}
    assert needed == copied
    assert any(fnmatch("unetzoo/__pycache__", line.replace("**/", "*/")) for line in lines[1:])


def test_dependencies_are_installed_before_the_code_is_copied():
    changing = STEPS.index(["COPY", "unetzoo unetzoo"])
    before, after = (
        [rest for name, rest in part if "pip install" in rest] for part in (STEPS[:changing], STEPS[changing:])
    )
    assert len(before) == 1
    assert all("--no-deps" in rest for rest in after)


def test_the_server_runs_without_root_with_flags_that_exist():
    names = [name for name, _ in STEPS]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert _of("USER")[-1] not in ("root", "0")
    assert json.loads(_of("ENTRYPOINT")[0]) == ["unetzoo"]
    command, model, *flags = json.loads(_of("CMD")[0])
    shown = CliRunner().invoke(app, [command, "--help"]).output
    assert model == "/model"
    assert all(flag in shown for flag in flags[::2])


def test_the_health_check_asks_a_path_of_the_server():
    (check,) = _of("HEALTHCHECK")
    assert "/health" in check
    assert _of("EXPOSE") == ["8000"]


@pytest.mark.slow
def test_its_commands_install_a_server_in_an_environment_of_its_own(tmp_path):
    """They run but for the user; packages that are installed already are seen, so that torch is not fetched again."""
    below, context, environment = tmp_path / "below", tmp_path / "src", tmp_path / "environment"
    below.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "unetzoo" not in entry.name:
            (below / entry.name).symlink_to(entry)
    venv.create(environment, with_pip=True)
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "below.pth").write_text(f"{below}\n")
    hidden = ("PYTHONPATH", "VIRTUAL_ENV")
    variables = {name: value for name, value in os.environ.items() if name not in hidden} | _arguments()
    variables["PATH"] = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"

    def run(command):
        done = subprocess.run(["sh", "-euc", command], cwd=context, env=variables, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    context.mkdir()
    for name, rest in STEPS:
        if name == "COPY":
            for source, target in _copied(rest):
                _copy(ROOT / source, context / target)
        elif name == "RUN" and "useradd" not in rest:
            run(rest)
    assert "--max-pixels" in run("cd / && unetzoo serve --help")
    place = run("cd / && python -c 'import unetzoo.serving.application as a; a._page(); print(a.__file__)'")
    assert place.startswith(str(site))


def _copy(source, target):
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy(source, target)
