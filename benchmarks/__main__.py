"""Measure everything anew on one machine, night by night: `benchmarks/all.sh`.

    benchmarks/all.sh                  # at most 175 minutes; called again it goes on where it was
    benchmarks/all.sh --minutes 600    # all of it at once
    benchmarks/all.sh --list           # what it runs, how long that takes, and what is done
    benchmarks/all.sh --again          # from the beginning, once all is done

It stops at the first benchmark that fails, or that the time ends, and begins with that one the next time. What a
benchmark would keep of an earlier run is removed before it begins.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.plan import PLAN, Benchmark

RESULTS = Path(__file__).parent / "results"


class Progress:
    """What has begun and what is done, in a file.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        self.begun: list[str] = content.get("begun", [])
        self.minutes: dict[str, float] = content.get("minutes", {})

    def begin(self, module: str) -> bool:
        """Note that a benchmark begins; returns whether it is for the first time."""
        first = module not in self.begun
        if first:
            self.begun.append(module)
        self._write()
        return first

    def end(self, module: str, minutes: float) -> None:
        """Note that a benchmark is done, and in how many minutes, its last part if it was stopped."""
        self.minutes[module] = round(minutes, 1)
        self._write()

    def _write(self) -> None:
        self.path.write_text(json.dumps({"begun": self.begun, "minutes": self.minutes}, indent=1), encoding="utf-8")


def main() -> int:
    """Run what is not done; the exit status is 1 unless all of it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="run nothing")
    parser.add_argument("--minutes", type=float, default=175, help="at most")
    parser.add_argument("--again", action="store_true", help="from the beginning")
    chosen = parser.parse_args()
    path = RESULTS / "all.json"
    if chosen.again:
        path.unlink(missing_ok=True)
    progress = Progress(path)
    if chosen.list:
        print("\n".join(listed(progress)))
        return 0
    end = time.monotonic() + 60 * chosen.minutes
    return int(not all(run_one(one, progress, end) for one in _left(progress)))


def listed(progress: Progress) -> list[str]:
    """A line a benchmark, and the sum."""
    lines = []
    for one in PLAN:
        measured = progress.minutes.get(one.module)
        state = "begun" if one.module in progress.begun else ""
        state = state if measured is None else f"done in {measured:.1f}"
        state = state if one.nightly else "by hand"
        lines.append(f"{one.module:<28} about {one.minutes:>5,} minutes  {state}".rstrip())
    left = _left(progress)
    return [*lines, f"{len(left)} are left, about {sum(one.minutes for one in left)} minutes"]


def _left(progress: Progress) -> list[Benchmark]:
    return [one for one in PLAN if one.nightly and one.module not in progress.minutes]


def run_one(one: Benchmark, progress: Progress, end: float) -> bool:
    """Run a benchmark until its end or that of the time; returns whether it is done."""
    start = time.monotonic()
    if start < end and progress.begin(one.module):
        for path in (path for pattern in one.kept for path in RESULTS.glob(pattern)):
            path.unlink()
    print(f"== {one.module}, about {one.minutes} minutes", flush=True)
    try:
        command = [sys.executable, "-m", one.module]
        environment = {**os.environ, **one.environment}
        subprocess.run(command, check=True, timeout=max(0, end - start), env=environment)  # noqa: S603 - ours
    except subprocess.TimeoutExpired:
        print(f"the time is over; the same command goes on with {one.module}", file=sys.stderr)
        return False
    except subprocess.CalledProcessError as error:
        print(f"{one.module} failed with status {error.returncode}; mend it, then run this again", file=sys.stderr)
        return False
    progress.end(one.module, (time.monotonic() - start) / 60)
    return True


if __name__ == "__main__":
    sys.exit(main())
