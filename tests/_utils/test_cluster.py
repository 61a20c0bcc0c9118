"""Tasks on a Ray cluster of this machine whose workers import neither torch nor unetzoo."""

from pathlib import Path

import pytest
from killed import kill_worker_once

from unetzoo._utils.cluster import run_tasks

pytestmark = pytest.mark.long

pytest.importorskip("ray")


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Ray leaves its pipes to the end of the process
def test_a_task_whose_worker_is_killed_runs_again_in_another_one(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))  # of the workers
    tasks = run_tasks(kill_worker_once, ["mortal", "healthy"], address="local", purpose="a test", shared=str(tmp_path))
    done = {each.item: each for each in tasks}
    assert [each.error for each in done.values()] == ["", ""]
    tries = {name: [*map(int, (tmp_path / name).read_text().split())] for name in ("mortal", "healthy")}
    assert {name: each.result for name, each in done.items()} == {name: pids[-1] for name, pids in tries.items()}
    assert (len(tries["mortal"]), len(tries["healthy"])) == (2, 1)
