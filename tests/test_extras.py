"""Each extra alone: commands that need it, where nothing else is installed than what it asks for."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import unetzoo

_UNETZOO = ("-m", "unetzoo")
_ROOT = Path(unetzoo.__file__).parents[1]
_TINY = [
    "--decoders",
    "unet",
    "--encoders",
    "plain(widths=(4, 8))",
    "--steps",
    "2",
    "--batch",
    "2",
    "--crop",
    "32",
    "--size",
    "32",
]
_SAVED = """
import unetzoo
model = unetzoo.create("unet", encoder="plain", encoder_options=dict(widths=(4, 8)), classes=2, in_channels=1)
unetzoo.save(model, "net")
"""
_ARRAYS = """
import numpy, zarr
zarr.save_array("in.zarr", numpy.zeros((40, 50), numpy.uint8))
"""


def _asked_for(name: str, extras: frozenset[str], seen: dict[str, Distribution]) -> None:
    """Collect the distributions that one asks for with these extras, and those that these ask for."""
    found = distribution(name)
    for text in found.requires or ():
        wanted = Requirement(text)
        applies = wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in (*extras, ""))
        key = f"{wanted.name.lower()}[{','.join(sorted(wanted.extras))}]"
        if applies and key not in seen:
            try:
                seen[key] = distribution(wanted.name)
            except PackageNotFoundError:  # of another system
                continue
            _asked_for(wanted.name, frozenset(wanted.extras), seen)


def _entries(found: Distribution) -> Iterator[Path]:
    """The top-level files and folders that a distribution installs."""
    places = {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}
    return (Path(str(found.locate_file(place))) for place in places)


@pytest.fixture
def environment(request, tmp_path):
    """The variables of an environment with unetzoo and an extra alone: links to what they ask for."""
    site = tmp_path / "site"
    site.mkdir()
    seen = {"unetzoo": distribution("unetzoo")}
    _asked_for("unetzoo", frozenset({request.param}), seen)
    for found in seen.values():
        for entry in _entries(found):
            if not (site / entry.name).exists():
                (site / entry.name).symlink_to(entry)
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(_ROOT), str(site))), "UNETZOO_PLUGINS": ""}


def _python(*arguments, cwd, env):
    """Run the Python that the environment is based on: it has no packages of its own."""
    command = [str(Path(sys.base_prefix) / "bin" / "python3"), "-s", *arguments]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize(
    ("environment", "steps"),
    [
        ("", [["-c", _SAVED], [*_UNETZOO, "plugins"]]),
        ("draw", [[*_UNETZOO, "info", "unet", "--encoder", "plain", "--draw", "unet.svg"]]),
        ("onnx", [["-c", f"{_SAVED}\nunetzoo.export(model, 'net.onnx')"]]),
        ("zarr", [["-c", _SAVED + _ARRAYS], [*_UNETZOO, "predict", "net", "in.zarr", "out.zarr"]]),
        (
            "leaderboard",
            [[*_UNETZOO, "bench", "grid", *_TINY], [*_UNETZOO, "bench", "report", "leaderboard"]],
        ),
    ],
    indirect=["environment"],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_an_extra_is_for_works_with_its_packages_alone(environment, steps, tmp_path):
    missing = _python("-c", "import segmentation_models_pytorch", cwd=tmp_path, env=environment)
    assert "ModuleNotFoundError" in missing.stderr  # it is one of the extra `bench` alone
    for arguments in steps:
        done = _python(*arguments, cwd=tmp_path, env=environment)
        assert done.returncode == 0, done.stderr + done.stdout
