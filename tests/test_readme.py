"""What the README says is run."""

from pathlib import Path

import pytest
from written import blocks, commands, make_cells, run_command, run_python

_README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_python_blocks_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run_python(_README, "README.md")
    assert names["logits"].shape == (2, 2, 250, 333)
    assert (tmp_path / "small.onnx").stat().st_size > 0


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """Where the commands run one after the other, with the images that they speak of."""
    return make_cells(tmp_path_factory.mktemp("readme"))


def test_each_command_runs(workplace, hub_address):
    for command in commands(_README):
        done = run_command(command, workplace)
        assert (command, done.returncode, done.stderr) == (command, 0, "")
        assert done.stdout.strip()


def test_there_are_blocks_to_run():
    assert len(blocks(_README, "python")) >= 6
    assert len(commands(_README)) >= 8
