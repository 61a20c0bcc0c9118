"""Results as files: raw samples, one .json a case."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unetzoo._utils.atomic import write_text
from unetzoo.bench.case import Case
from unetzoo.errors import OptionError


def check_folder(folder: Path) -> None:
    """Ask, before the work is done, whether results can be written there; the folder is made.

    Raises:
        OptionError: it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(f"cannot make the folder {str(folder)!r} for the results: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise OptionError(f"cannot write results into the folder {str(folder)!r}")


def save_result(result: Mapping[str, Any], folder: Path) -> Path:
    """Write the result of a case, in place of an older one; gives the file."""
    return write_json(result, folder / Case(**result["case"]).file_name)


def load_results(folder: Path) -> list[dict[str, Any]]:
    """All results of cases in a folder, in the order of the cases."""
    results = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*px-*.json")]
    return sorted(results, key=lambda result: tuple(str(value).zfill(5) for value in result["case"].values()))


def write_json(data: Mapping[str, Any], path: Path) -> Path:
    """Write a file; gives its path."""
    write_text(path, json.dumps(_rounded(data), indent=1) + "\n")
    return path


def _rounded(data: object) -> object:
    """With five significant digits: more of a time is noise."""
    if isinstance(data, float):
        return float(f"{data:.5g}")
    if isinstance(data, Mapping):
        return {key: _rounded(value) for key, value in data.items()}
    return [_rounded(value) for value in data] if isinstance(data, list) else data
