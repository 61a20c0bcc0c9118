import json
from importlib.metadata import version
from importlib.util import find_spec

import pytest
from typer.testing import CliRunner

from unetzoo.cli import app
from unetzoo.cli.self_test import CHECKS, failures

_BROKEN = "import unetzoo\n\n@unetzoo.hookimpl\ndef unetzoo_losses():\n    raise ValueError('out of order')\n"


@pytest.fixture(scope="module")
def report():
    done = CliRunner().invoke(app, ["doctor", "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_versions_are_those_of_the_installed_packages(report):
    assert report["unetzoo"].startswith(f"{version('unetzoo')}, Python 3.")
    assert f"torch {version('torch')}" in report["packages"].split(", ")


@pytest.mark.parametrize(("extra", "modules"), [("objects", ["skimage", "roifile"]), ("trackers", ["trackio"])])
def test_an_extra_is_complete_when_its_packages_are_installed(report, extra, modules):
    assert (extra in report["extras"].split(", ")) == all(map(find_spec, modules))
    assert (f"{extra}: " in report["lacking"]) != all(map(find_spec, modules))


def test_networks_train_are_saved_and_predict(report):
    assert report["self-test"] == "training, saving, prediction work on cpu"


def test_a_test_that_fails_says_why():
    lines = list(failures("abacus"))
    assert len(lines) == len(CHECKS) == 3
    assert all("fails on abacus: " in line and "abacus" in line.partition(": ")[2] for line in lines)


def test_a_broken_plugin_is_named_and_secrets_are_not(run, install):
    done = run("doctor", HF_TOKEN="hf_mine", **install("rival", _BROKEN))
    assert done.returncode == 1
    assert "rival 1.0 (broken)" in " ".join(done.stdout.split())
    assert "HF_TOKEN=..." in done.stdout
    assert "hf_mine" not in done.stdout


def test_a_needed_package_that_is_too_old_is_said(invoke, tmp_path, monkeypatch):
    info = tmp_path / "tomlkit-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tomlkit\nVersion: 0.1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    done = invoke("doctor")
    assert done.exit_code == 1
    assert "unetzoo itself: tomlkit>=0.12 (0.1 is installed)" in " ".join(done.stdout.split())
