"""The folder of a run: what was asked for, its checkpoints, and whether a training may begin or go on there."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from unetzoo._utils.atomic import follow_umask, write_text
from unetzoo.data.survey.statistics import Statistics
from unetzoo.errors import TrainingError, UnetzooError, describe_error
from unetzoo.nn.config import ModelConfig
from unetzoo.nn.info import ModelInfo
from unetzoo.training.options import FitOptions, Plan

if TYPE_CHECKING:
    from accelerate import Accelerator

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


_NAME = re.compile(r"step-(\d+)")


def newest_checkpoint(folder: Path) -> Path | None:
    """That of the most steps in a folder of checkpoints; None where there is none."""
    return max((path for path in folder.glob("step-*") if _NAME.fullmatch(path.name)), default=None)


def steps_of(checkpoint: Path) -> int:
    """How many steps a training had made at a checkpoint."""
    return int(checkpoint.name.removeprefix("step-"))


class Checkpoints:
    """The checkpoints in a folder.

    Args:
        folder: where they are; made when the first one is written.
        accelerator: knows all that there is to save.
    """

    def __init__(self, folder: Path, accelerator: "Accelerator") -> None:
        self.folder = folder
        self.accelerator = accelerator

    def save(self, step: int) -> None:
        """Write a checkpoint, under another name until it is complete, then remove older ones."""
        target = self.folder / f"step-{step:09}"
        if target.exists():
            return
        partial = target.with_suffix(".partial")
        if self.accelerator.is_main_process:
            shutil.rmtree(partial, ignore_errors=True)
        self.accelerator.wait_for_everyone()
        with _explained(partial):
            self.accelerator.save_state(str(partial))
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            follow_umask(partial)
            partial.rename(target)
            for other in self.folder.iterdir():
                if other != target:
                    shutil.rmtree(other, ignore_errors=True)
        self.accelerator.wait_for_everyone()

    def load(self) -> bool:
        """Go back to the newest checkpoint; False where there is none."""
        newest = newest_checkpoint(self.folder)
        if newest is None:
            return False
        self.accelerator.load_state(str(newest))
        return True


@contextmanager
def _explained(partial: Path) -> Iterator[None]:
    """Turn a disk that is full or cannot be written into one error; nothing half-written stays."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        reason = error.strerror if isinstance(error, OSError) else str(error).partition("\n")[0]
        raise TrainingError(
            f"cannot write a checkpoint in {partial.parent}: {reason}; what was there before is kept"
        ) from error
