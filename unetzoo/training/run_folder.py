"""The folder of a run: what was asked for, and whether a training may begin or go on there."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unetzoo.config import ModelConfig
from unetzoo.data.statistics import Statistics
from unetzoo.errors import TrainingError, UnetzooError, WriteError, describe_error
from unetzoo.info import ModelInfo
from unetzoo.training.checkpoint import newest_checkpoint
from unetzoo.training.options import FitOptions
from unetzoo.whole import write_text

RUN = "run.json"
"""Options, network and data of a run."""
CHECKPOINTS = "checkpoints"
"""The folder of its checkpoints; before there is one, there is no run."""
_NOT_COMPARED = ("workers", "checkpoint_steps", "cpu", "trackers")  # options that change nothing in what is learnt


@dataclass(frozen=True)
class Run:
    """What a run was asked for, and what it found.

    Attributes:
        options: of the training.
        network: what it was created from.
        info: what is known of its data.
    """

    options: FitOptions
    network: ModelConfig
    info: ModelInfo


def check_folder(folder: Path, *, resume: bool) -> None:
    """Raise TrainingError where a run is in the folder that is not to go on, or where it is no folder."""
    if folder.exists() and not folder.is_dir():
        raise TrainingError(f"{folder} is a file; a run needs a folder")
    if newest_checkpoint(folder / CHECKPOINTS) and not (folder / RUN).exists():
        raise TrainingError(f"there are checkpoints in {folder / CHECKPOINTS} but no {RUN}; choose another folder")
    if not resume and _is_begun(folder):
        raise TrainingError(
            f"there is a run in {folder} already: resume=True (--resume) goes on with it, or choose another folder"
        )


def read_run(folder: Path) -> Run | None:
    """The run in a folder; None where there is none.

    Raises:
        TrainingError: the file that says so cannot be read.
    """
    if not _is_begun(folder):
        return None
    try:
        described = json.loads((folder / RUN).read_text(encoding="utf-8"))
        return Run(
            FitOptions(**described["options"]),
            ModelConfig(**described["network"]),
            Statistics(**described["data"]).info,
        )
    except (OSError, ValueError, KeyError, TypeError, UnetzooError) as error:
        raise TrainingError(f"{folder / RUN} cannot be read ({describe_error(error)}); begin a new run") from error


def begin(folder: Path, options: FitOptions, config: ModelConfig, statistics: Statistics) -> None:
    """Write down what a run is, or check that the one that is there is the same.

    Raises:
        TrainingError: its run is another one; says what differs.
        WriteError: the folder cannot be written.
    """
    asked = _described(options, config, statistics)
    path = folder / RUN
    if _is_begun(folder):
        _check_same(folder, json.loads(path.read_text(encoding="utf-8")), asked)
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f"cannot make the folder {folder}: {error.strerror}") from error
    write_text(path, json.dumps(asked, indent=2) + "\n")


def forget(folder: Path) -> None:
    """Remove what a run that made no step left in its folder, and the folder if that was all."""
    try:
        (folder / RUN).unlink(missing_ok=True)
        shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
        folder.rmdir()
    except OSError:  # there is more in it, or it cannot be written to, which is told already
        return


def _is_begun(folder: Path) -> bool:
    return (folder / RUN).exists() and newest_checkpoint(folder / CHECKPOINTS) is not None


def _described(options: FitOptions, config: ModelConfig, statistics: Statistics) -> dict[str, Any]:
    network = {name: value for name, value in config.to_dict().items() if name not in ("info", "providers", "format")}
    described = {"options": asdict(options), "network": network, "data": asdict(statistics)}
    plain: dict[str, Any] = json.loads(json.dumps(described))
    return plain


def _check_same(folder: Path, before: dict[str, Any], asked: dict[str, Any]) -> None:
    for part, values in asked.items():
        then = before.get(part, {})
        changed = [name for name in values if name not in _NOT_COMPARED and then.get(name) != values[name]]
        if changed:
            told = ", ".join(f"{name} was {then.get(name)!r}, is {values[name]!r}" for name in changed)
            raise TrainingError(
                f"the run in {folder} had other {part}: {told}; resume with the same, or choose another folder"
            )
