import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from unetzoo.cli import app

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def invoke() -> Callable[..., Result]:
    """Runs a command in this process."""
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


@pytest.fixture
def run() -> Run:
    """Runs the installed command in a process of its own."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from unetzoo.cli import main; main()", *arguments]
        return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=60)

    return run


@pytest.fixture
def install(tmp_path: Path) -> Callable[[str, str], dict[str, str]]:
    """Installs a throw-away distribution with one plugin module; gives the environment in which it is found."""

    def install(name: str, source: str) -> dict[str, str]:
        folder = tmp_path / "site"
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[unetzoo]\n{name} = {name}\n", encoding="utf-8")
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
        return {"PYTHONPATH": str(folder)}

    return install
