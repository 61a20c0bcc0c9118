"""Results as files, a .json file a run: a case that is timed or a combination that is trained."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from unetzoo._utils.atomic import write_text
from unetzoo.bench.grid import Combination
from unetzoo.errors import OptionError

Result = dict[str, Any]
_REQUIRED = {one.name for one in fields(Combination) if one.default is one.default_factory is MISSING}


class Run(Protocol):
    """A training with a result: a dataclass such as `Combination`, whose fields the result holds as "combination"."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def title(self) -> str:
        """For messages."""

    @property
    def file_name(self) -> str:
        """The name of the file with its result."""


AnyRun = TypeVar("AnyRun", bound=Run)


def check_folder(folder: Path) -> None:
    """Make a folder for results, before the work is done.

    Raises:
        OptionError: it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(f"cannot make the folder {str(folder)!r} for the results: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise OptionError(f"cannot write results into the folder {str(folder)!r}")


def write_json(data: Mapping[str, Any], path: Path) -> None:
    """Write a file, with five significant digits of each number: more of a time is noise."""
    write_text(path, json.dumps(_rounded(data), indent=1) + "\n")


def load(path: Path) -> Result | None:
    """The result of a run; None where no file is, or none that can be read."""
    try:
        result: Result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return result if isinstance(result, dict) and "combination" in result else None


def load_all(folder: Path) -> list[Result]:
    """All results of combinations in a folder; other runs and other files are left out."""
    results = (load(path) for path in sorted(folder.glob("*.json")))
    return [
        one for one in results if one and set(one["combination"]) >= _REQUIRED and ("error" in one or "speed" in one)
    ]


def missing(runs: Sequence[AnyRun], folder: Path) -> list[AnyRun]:
    """The runs that have no result in a folder, or only an error."""
    return [one for one in runs if "error" in (load(folder / one.file_name) or {"error": ""})]


def _rounded(data: object) -> object:
    if isinstance(data, float):
        return float(f"{data:.5g}")
    if isinstance(data, Mapping):
        return {key: _rounded(value) for key, value in data.items()}
    return [_rounded(value) for value in data] if isinstance(data, list) else data
