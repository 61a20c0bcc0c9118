"""Record how each result was made, to tell whether it is current, outdated, or not ours."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import Any, Literal

from unetzoo._utils.atomic import write_text
from unetzoo.data.formats.channel_files import channel_files

FOLDER = ".unetzoo"
"""Name of the folder of records, inside the folder of results."""
FOREIGN = "not a result of unetzoo, or changed since"


@dataclass(frozen=True)
class Standing:
    """State of the file where a result will be written.

    Attributes:
        state: absent; current: made of the same; outdated: made of something else; foreign: of unknown origin.
        reason: why it is outdated or foreign.
    """

    state: Literal["absent", "current", "outdated", "foreign"]
    reason: str = ""

    @property
    def stays(self) -> bool:
        """Whether the file is left as it is."""
        return self.state in ("current", "foreign")


def standing_of(target: Path, made_of: Mapping[str, Any]) -> Standing:
    """State of a file that is to become a result made of `made_of`.

    Args:
        target: the result, a file or a folder.
        made_of: plain data: `"image"`, `"network"` and `"options"`, a mapping.
    """
    if not target.exists():
        return Standing("absent")
    record = _read(_record_of(target))
    if not _describes(record, target):
        return Standing("foreign", FOREIGN)
    reasons = _differences(record["made_of"], made_of)
    return Standing("outdated", ", ".join(reasons)) if reasons else Standing("current")


def write_record(target: Path, draft: Path, made_of: Mapping[str, Any], classes: Sequence[int] = ()) -> None:
    """Record how a result was made, before `draft` becomes `target`, and the classes of its objects.

    Raises:
        OSError, WriteError: it cannot be written.
    """
    path = _record_of(target)
    path.parent.mkdir(exist_ok=True)
    record: dict[str, Any] = {
        "name": target.name,
        "state": state_of(draft),
        "digest": _digest(draft),
        "made_of": made_of,
    }
    if classes:
        record["classes"] = list(classes)
    write_text(path, json.dumps(record, indent=2) + "\n")


def recorded_classes(target: Path) -> list[int]:
    """The class of each object of a result, in the order of their numbers; empty: there is one class alone."""
    classes = _read(_record_of(target)).get("classes", [])
    return classes if isinstance(classes, list) else []


def state_of(path: Path) -> str:
    """Digest of the size and time of a file with its further channels, or of all files in a folder."""
    digest = blake2b(digest_size=16)
    for file in [*_files(path), *channel_files(path)[1:]]:
        stat = file.stat()
        name = file.name if file.parent == path.parent and file != path else file.relative_to(path)
        digest.update(os.fsencode(f"{name} {stat.st_size} {stat.st_mtime_ns}\n"))
    return digest.hexdigest()


def _digest(path: Path) -> str:
    """Digest of the content, which a copy shares."""
    digest = blake2b(digest_size=16)
    for name in _files(path):
        with name.open("rb") as file:
            digest.update(os.fsencode(f"{name.relative_to(path)}\n"))
            digest.update(file_digest(file, "blake2b").digest())
    return digest.hexdigest()


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def _record_of(target: Path) -> Path:
    name = blake2b(os.fsencode(target.name), digest_size=16).hexdigest()  # of any length
    return target.parent / FOLDER / f"{name}.json"


def _read(path: Path) -> dict[str, Any]:
    """A record; empty if there is none that can be read."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    is_record = isinstance(record, dict) and isinstance(record.get("made_of"), dict)
    return record if is_record else {}


def _describes(record: Mapping[str, Any], target: Path) -> bool:
    """Whether a record describes the file as it is now."""
    return bool(record) and (record.get("state") == state_of(target) or record.get("digest") == _digest(target))


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The differences in words."""
    reasons = ["another network"] if before.get("network") != now["network"] else []
    reasons += ["another image"] if before.get("image") != now["image"] else []
    old = before.get("options")
    options = old if isinstance(old, dict) else {}
    return reasons + [
        f"{name} is {value}, was {options.get(name)}"
        for name, value in now["options"].items()
        if options.get(name) != value
    ]
