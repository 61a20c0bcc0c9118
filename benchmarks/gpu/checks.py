"""The tests marked `gpu`, each a row."""

import os
import time
from importlib.util import find_spec

import pytest

from benchmarks.gpu.record import Record
from benchmarks.gpu.scale import Scale

_LONGEST_ERROR = 4000  # letters
_PROCESSES = 6


class _Recorder:
    """Keeps the outcome of each test, and ends the tests when their time is over."""

    def __init__(self, record: Record, seconds: float) -> None:
        self.record, self.end = record, time.monotonic() + seconds

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write the outcome of a test."""
        if report.when == "call" or report.outcome != "passed":
            error = {"error": _why(report)} if report.outcome == "failed" else {}
            self.record.write(report.nodeid, {"outcome": report.outcome, "took": report.duration, **error})
        if time.monotonic() > self.end:
            self.record.write("all tests", {"error": "the time of the stage was over"})
            pytest.exit("the time of the stage was over", returncode=1)


def run_checks(scale: Scale, record: Record, seconds: float) -> bool:
    """Run the tests that have not passed yet, in several processes on a GPU; returns whether all of them pass."""
    passed = [name for name in record.rows if record.has(name)]
    parallel = (
        ["-n", str(min(_PROCESSES, os.cpu_count() or 1))] if scale.device == "cuda" and find_spec("xdist") else []
    )
    arguments = [*scale.tests, "-q", "-W", "default", "-p", "no:cacheprovider", *parallel]
    record.rows.pop("all tests", None)
    code = pytest.main([*arguments, *(f"--deselect={name}" for name in passed)], plugins=[_Recorder(record, seconds)])
    record.write(
        "all tests", {"outcome": code.name if isinstance(code, pytest.ExitCode) else str(code)} | _failure(code)
    )
    return not _failure(code)


def _why(report: pytest.TestReport) -> str:
    """The message of an error, whose beginning says most."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return (report.longreprtext if crash is None else str(crash.message))[:_LONGEST_ERROR]


def _failure(code: int) -> dict[str, str]:
    """Nothing where all passed, now or before."""
    good = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    return {} if code in good else {"error": "see the other rows"}
