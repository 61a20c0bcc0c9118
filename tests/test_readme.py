"""What the README says is run."""

import re
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest
from written import blocks, commands, make_cells, run_commands, run_python

pytestmark = pytest.mark.long

_ROOT = Path(__file__).parent.parent
_README = (_ROOT / "README.md").read_text(encoding="utf-8")
_PROJECT = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_python_blocks_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run_python(_README, "README.md")
    assert names["logits"].shape == (2, 2, 250, 333)
    assert (tmp_path / "small.onnx").stat().st_size > 0


@pytest.mark.usefixtures("hub_address")
def test_each_command_runs(tmp_path):
    lines = commands(_README)
    for line, (status, output, errors) in zip(lines, run_commands(lines, make_cells(tmp_path)), strict=True):
        assert (line, status, errors) == (line, 0, "")
        assert output.strip()


def test_the_badges_say_what_the_project_says():
    badges = re.findall(r"!\[([^]]*)\]\(https://img\.shields\.io/badge/([^)]*)-blue\)", _README)
    shown = [(words, unquote(badge).replace("--", "-").replace("_", " ").split("-", 1)) for words, badge in badges]
    versions = [line.removeprefix("Programming Language :: Python :: ") for line in _PROJECT["classifiers"]]
    versions = [version for version in versions if re.fullmatch(r"3\.\d+", version)]
    assert shown == [
        (f"License: {_PROJECT['license']}", ["license", _PROJECT["license"]]),
        (f"Python {', '.join(versions)}", ["python", " | ".join(versions)]),
    ]


def test_torch_for_cpus_comes_from_the_index_of_the_dockerfile():
    (index,) = re.findall(r"^ARG TORCH_INDEX=(.*)$", (_ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    (line,) = re.findall(r"^python -m pip install .*$", _README, re.MULTILINE)
    assert line == f"python -m pip install --index-url {index} torch torchvision"


def test_there_are_blocks_to_run():
    assert len(blocks(_README, "python")) >= 6
    assert len(commands(_README)) >= 8


@pytest.mark.parametrize("page", ["README.md", "plugins/README.md"])
def test_each_link_to_a_file_leads_to_one(page):
    places = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (_ROOT / page).read_text(encoding="utf-8"))
    assert places
    assert [place for place in places if not (_ROOT / page).parent.joinpath(place).exists()] == []
