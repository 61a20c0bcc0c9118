"""The folder of a run: what was asked for, and whether a training may begin or go on there."""

import json
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unetzoo._utils.atomic import write_text
from unetzoo.data.survey.statistics import Statistics
from unetzoo.errors import TrainingError, UnetzooError, describe_error
from unetzoo.nn.config import ModelConfig
from unetzoo.nn.info import ModelInfo
from unetzoo.training.checkpoint import newest_checkpoint, steps_of
from unetzoo.training.options import FitOptions, Plan

RUN = "run.json"
"""Options, network and data of a run."""
CHECKPOINTS = "checkpoints"
"""The folder of its checkpoints; before there is one, there is no run."""
_NOT_COMPARED = ("workers", "checkpoint_steps", "device", "cpu", "trackers")
"""Options that change nothing in what is learned."""
_LENGTH = ("epochs", "steps")  # may grow: a run goes on beyond its end


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
    """Write down what a run is; where one is there, check that it is the same, or a longer one with the same epochs.

    Raises:
        TrainingError: its run is another one; says what differs.
        WriteError: the folder cannot be written.
    """
    asked = _described(options, config, statistics)
    before = read_run(folder)
    if before is not None:
        written = json.loads((folder / RUN).read_text(encoding="utf-8"))
        _check_same(folder, written | {"options": _plain(asdict(before.options))}, asked)
        plans = (one.plan(statistics, config.classes) for one in (before.options, options))
        _check_length(folder, *plans)
    write_text(folder / RUN, json.dumps(asked, indent=2) + "\n")


def forget(folder: Path) -> None:
    """Remove what a run that made no step left in its folder."""
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    with suppress(OSError):  # the folder cannot be written to, which the error that led here says
        (folder / RUN).unlink(missing_ok=True)


def _is_begun(folder: Path) -> bool:
    return (folder / RUN).exists() and newest_checkpoint(folder / CHECKPOINTS) is not None


def _described(options: FitOptions, config: ModelConfig, statistics: Statistics) -> dict[str, Any]:
    network = {name: value for name, value in config.to_dict().items() if name not in ("info", "providers", "format")}
    return _plain({"options": asdict(options), "network": network, "data": asdict(statistics)})


def _plain(described: dict[str, Any]) -> dict[str, Any]:
    """As JSON gives it back."""
    plain: dict[str, Any] = json.loads(json.dumps(described))
    return plain


def _check_same(folder: Path, before: dict[str, Any], asked: dict[str, Any]) -> None:
    for part, values in asked.items():
        then = before.get(part, {})
        compared = values.keys() & then.keys() - {*_NOT_COMPARED, *_LENGTH}  # older releases knew fewer
        changed = [name for name in values if name in compared and then[name] != values[name]]
        if changed:
            told = ", ".join(f"{name} was {then.get(name)!r}, is {values[name]!r}" for name in changed)
            raise TrainingError(
                f"the run in {folder} had other {part}: {told}; resume with the same, or choose another folder"
            )


def _check_length(folder: Path, before: Plan, asked: Plan) -> None:
    """Raise TrainingError unless a run has epochs of the same length as before, and does not end in its past."""
    if before.steps * asked.epochs != asked.steps * before.epochs:
        raise TrainingError(
            f"the run in {folder} has {before.steps:,} steps in {before.epochs:,} epochs; {asked.steps:,} steps in "
            f"{asked.epochs:,} epochs would change the length of an epoch: resume with "
            f"{round(before.steps * asked.epochs / before.epochs):,} steps"
        )
    newest = newest_checkpoint(folder / CHECKPOINTS)
    done = steps_of(newest) if newest else 0
    if asked.steps < done:
        raise TrainingError(f"the run in {folder} has made {done:,} steps already, more than {asked.steps:,}")
