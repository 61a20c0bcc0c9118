"""The count as a file, written every few names, so that a run that was cut off goes on where it was."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.peers.abilities import try_table
from benchmarks.peers.architectures import LIBRARIES
from benchmarks.peers.encoders import count_others, count_timm, timm_names
from benchmarks.peers.losses import count_losses
from benchmarks.peers.outcomes import Outcomes
from unetzoo.bench.machine import machine
from unetzoo.bench.store import write_json

_EVERY = 20  # names


class Count:
    """What is known so far.

    Args:
        path: of the file; None: nothing is kept.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.data: dict[str, Any] = {}
        if path is not None and path.exists():
            self.data = json.loads(path.read_text(encoding="utf-8"))

    def machine(self) -> None:
        """Note where and when the count was begun."""
        self._once("machine", machine)
        self._once("date", lambda: datetime.now(UTC).date().isoformat())

    def losses(self) -> None:
        """Count the losses that run."""
        self._once("losses", lambda: dicts_of(count_losses()))

    def architectures(self, on_architecture: Callable[[], None] = lambda: None) -> None:
        """Try what each architecture of each library can."""
        entries = self.data.setdefault("architectures", {})
        for library, table in LIBRARIES.items():
            tried = outcomes_of(entries.get(library, {}))

            def after(library: str = library, tried: dict[str, Outcomes] = tried) -> None:
                entries[library] = dicts_of(tried)
                self.write()
                on_architecture()

            try_table(tried, table(), after)

    def timm(self, sample: int | None = None, on_name: Callable[[], None] = lambda: None) -> None:
        """Count the models of timm that run as encoders: all, or a sample of that many."""
        names = timm_names(sample)
        tried = outcomes_of(self.data.get("timm", {}))
        unwritten = 0

        def after() -> None:
            nonlocal unwritten
            unwritten += 1
            if unwritten % _EVERY == 0:
                self._keep("timm", tried)
            on_name()

        self.data["timm models"] = len(timm_names())
        self._keep("timm", count_timm(tried, names, after))

    def other_encoders(self) -> None:
        """Count the encoders that run and are none of timm's."""
        self._once("other encoders", lambda: dicts_of(count_others()))

    def write(self) -> None:
        """Write the file, if there is to be one."""
        if self.path is not None:
            write_json(self.data, self.path)

    def _once(self, name: str, make: Callable[[], object]) -> None:
        if name not in self.data:
            self.data[name] = make()
            self.write()

    def _keep(self, name: str, tried: Mapping[str, Outcomes]) -> None:
        self.data[name] = dicts_of(tried)
        self.write()


def outcomes_of(data: Mapping[str, Mapping[str, str]]) -> dict[str, Outcomes]:
    """Of plain data, for each way of trying."""
    return {name: Outcomes.of(reasons) for name, reasons in data.items()}


def dicts_of(tried: Mapping[str, Outcomes]) -> dict[str, dict[str, str]]:
    """As plain data."""
    return {name: outcomes.to_dict() for name, outcomes in tried.items()}
