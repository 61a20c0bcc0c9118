"""The plan that remakes every benchmark."""

import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.__main__ import Progress, listed, run_one
from benchmarks.plan import PLAN, Benchmark

HERE = Path(__file__).parents[2] / "benchmarks"
_NO_BENCHMARK = {"benchmarks.page", "benchmarks.gpu"}  # what writes the page, what all.sh does not run


def test_every_benchmark_is_in_the_plan_once():
    programs = [path for path in HERE.glob("*.py") if "__main__" in path.read_text()]
    modules = {f"benchmarks.{path.stem}" for path in programs if path.stem != "__main__"}
    modules |= {f"benchmarks.{path.parent.name}" for path in HERE.glob("*/__main__.py")}
    planned = [one.module for one in PLAN]
    assert sorted(planned) == sorted(modules - _NO_BENCHMARK)


def test_one_that_keeps_results_comes_after_all_that_do_not():
    keeps = [bool(one.kept) for one in PLAN if one.nightly]
    assert keeps == sorted(keeps)


def test_the_list_has_a_line_a_benchmark_and_runs_nothing():
    done = subprocess.run(
        [HERE / "all.sh", "--list"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHON": sys.executable},
    )
    *lines, total = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [one.module for one in PLAN]
    assert total.endswith("minutes")


def test_what_is_done_is_not_left_and_what_has_begun_is_not_begun_again(tmp_path):
    first, second = PLAN[0], PLAN[1]
    progress = Progress(tmp_path / "all.json")
    assert progress.begin(first.module)
    progress.end(first.module, 3.04)
    assert progress.begin(second.module)
    read = Progress(tmp_path / "all.json")
    assert not read.begin(second.module)
    lines = listed(read)
    assert lines[0].endswith("done in 3.0")
    assert lines[1].endswith("begun")
    left = [one.minutes for one in PLAN[1:] if one.nightly]
    assert lines[-1] == f"{len(left)} are left, about {sum(left)} minutes"


def test_what_fails_or_has_no_time_is_not_done(tmp_path, capfd):
    progress = Progress(tmp_path / "all.json")
    assert not run_one(Benchmark(module="no_such_module", numbers="", minutes=1), progress, time.monotonic() + 60)
    assert "no_such_module failed with status 1; mend it" in capfd.readouterr().err
    assert not run_one(Benchmark(module="late", numbers="", minutes=1), progress, time.monotonic() - 1)
    assert "the time is over; the same command goes on with late" in capfd.readouterr().err
    assert Progress(tmp_path / "all.json").begun == ["no_such_module"]
    assert progress.minutes == {}
