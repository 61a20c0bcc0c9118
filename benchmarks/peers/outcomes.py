"""What came of trying something with many names, in a form that stays small as JSON and can be gone on with."""

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from benchmarks.peers.names import RUNS

_LONGEST = 110  # characters of a reason


@dataclass
class Outcomes:
    """For each reason, `RUNS` among them, the names that ended so."""

    names: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Mapping[str, str]) -> "Outcomes":
        """Those of `to_dict`."""
        return cls({reason: names.split() for reason, names in data.items()})

    def to_dict(self) -> dict[str, str]:
        """Plain data: for each reason the names with spaces between them, the most frequent reason first."""
        ordered = sorted(self.names.items(), key=lambda entry: (-len(entry[1]), entry[0]))
        return {reason: " ".join(sorted(names)) for reason, names in ordered}

    @property
    def tried(self) -> frozenset[str]:
        """All names so far."""
        return frozenset(name for names in self.names.values() for name in names)

    @property
    def running(self) -> tuple[str, ...]:
        """Those that run."""
        return tuple(self.names.get(RUNS, ()))

    def add(self, name: str, run: Callable[[], object]) -> bool:
        """Call something and note what came of it; gives whether it ran."""
        reason = attempt(run)
        self.names.setdefault(reason, []).append(name)
        return reason == RUNS


def attempt(run: Callable[[], object]) -> str:
    """`RUNS`, or the error's kind and first line, with any number as N, so that like reasons are one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other libraries
        try:
            run()
        except Exception as error:
            return reason_of(error)
    return RUNS


def reason_of(error: Exception) -> str:
    """The kind and the first line of an error, without its numbers."""
    first = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {re.sub(r'[0-9]+(, [0-9]+)*', 'N', first)}"[:_LONGEST]
