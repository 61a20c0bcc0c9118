"""What the README says is run."""

import re
from pathlib import Path

import pytest
from written import blocks, commands, make_cells, run_commands, run_python

pytestmark = pytest.mark.long

_ROOT = Path(__file__).parent.parent
_README = (_ROOT / "README.md").read_text(encoding="utf-8")


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


def test_there_are_blocks_to_run():
    assert len(blocks(_README, "python")) >= 6
    assert len(commands(_README)) >= 8


@pytest.mark.parametrize("page", ["README.md", "plugins/README.md"])
def test_each_link_to_a_file_leads_to_one(page):
    places = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (_ROOT / page).read_text(encoding="utf-8"))
    assert places
    assert [place for place in places if not (_ROOT / page).parent.joinpath(place).exists()] == []
