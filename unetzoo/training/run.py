"""The folder of a run: its description, its checkpoints, and whether a training may begin or continue there."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from unetzoo._utils.atomic import follow_umask, write_text
from unetzoo.data.survey.statistics import Statistics
from unetzoo.errors import TrainingError, UnetzooError, describe_error
from unetzoo.nn.config import ModelConfig
from unetzoo.nn.info import ModelInfo
from unetzoo.training.options import FitOptions, Plan
from unetzoo.training.recipe_file import RECIPE
from unetzoo.weights.folder import fold_folder

if TYPE_CHECKING:
    from accelerate import Accelerator

RUN = "run.json"
"""Options, network and data of a run."""
CHECKPOINTS = "checkpoints"
"""The folder of its checkpoints; before there is one, there is no run."""
_NOT_COMPARED = ("workers", "checkpoint_steps", "device", "trackers")
"""Options that change nothing in what is learned."""
_ABSENT: dict[str, dict[str, Any]] = {
    "network": {"objects": "", "objects_options": {}},
    "start": {"normalization": []},
}
"""What the description of a network without objects leaves out, and that of a run without a normalization."""
_LENGTH = ("epochs", "steps", "minutes")  # may grow: a run continues beyond its end
_CHECKPOINT = re.compile(r"step-(\d+)")


@dataclass(frozen=True)
class Run:
    """The description of a run: options, network and data."""

    options: FitOptions
    network: ModelConfig
    info: ModelInfo  # with the networks that the training began with


def check_folder(folder: Path, *, resume: bool) -> None:
    """Raise TrainingError for a file, a folder with a run that is not resumed, and checkpoints without a run."""
    if has_run(fold_folder(folder, 0)):
        raise TrainingError(f"{folder} holds the folds of a training; choose another folder, or resume with its folds")
    if folder.exists() and not folder.is_dir():
        raise TrainingError(f"{folder} is a file; a run needs a folder")
    if newest_checkpoint(folder / CHECKPOINTS) and not (folder / RUN).exists():
        raise TrainingError(f"there are checkpoints in {folder / CHECKPOINTS} but no {RUN}; choose another folder")
    if not resume and has_run(folder):
        raise TrainingError(
            f"there is a run in {folder} already: continue it with resume=True, or choose another folder"
        )


def read_run(folder: Path) -> Run | None:
    """The run in a folder; None if there is none.

    Raises:
        TrainingError: its description cannot be read.
    """
    if not has_run(folder):
        return None
    try:
        description = json.loads((folder / RUN).read_text(encoding="utf-8"))
        return Run(
            FitOptions(**description["options"]),
            ModelConfig(**description["network"]),
            replace(Statistics(**description["data"]).info, **description.get("start", {})),
        )
    except (OSError, ValueError, KeyError, TypeError, UnetzooError) as error:
        raise TrainingError(f"{folder / RUN} cannot be read ({describe_error(error)}); begin a new run") from error


def begin(
    folder: Path,
    options: FitOptions,
    config: ModelConfig,
    statistics: Statistics,
    info: ModelInfo,
) -> None:
    """Write the description of a run; check that a run in the folder is the same, or shorter with equal epochs.

    Args:
        folder: of the run.
        options: of the training.
        config: of the network.
        statistics: of the data.
        info: what is saved with the network: the networks that the training began with, and the normalization.

    Raises:
        TrainingError: the run in the folder is another one; says what differs.
        WriteError: the folder cannot be written.
    """
    description = _describe(options, config, statistics, info)
    run = read_run(folder)
    if run is not None:
        before = json.loads((folder / RUN).read_text(encoding="utf-8"))
        _check_same(folder, before | {"options": _as_json(asdict(run.options))}, description)
        _check_budget(folder, run.options, options)
        if options.minutes is None:
            _check_length(folder, *(each.plan(statistics, config.classes) for each in (run.options, options)))
    write_text(folder / RUN, json.dumps(description, indent=2) + "\n")


def discard(folder: Path) -> None:
    """Remove what a run without a step has left in its folder."""
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    with suppress(OSError):  # the folder cannot be written to, as the error that led here says
        for name in (RUN, RECIPE):
            (folder / name).unlink(missing_ok=True)


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint of the most steps in a folder of checkpoints; None if there is none."""
    return max((path for path in folder.glob("step-*") if _CHECKPOINT.fullmatch(path.name)), default=None)


class Checkpoints:
    """The checkpoints in a folder: complete or absent; the newest one is kept. `accelerator` holds what is saved."""

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
        with _explaining(partial):
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
        """Load the newest checkpoint; False if there is none."""
        newest = newest_checkpoint(self.folder)
        if newest is None:
            return False
        self.accelerator.load_state(str(newest))
        return True


@contextmanager
def _explaining(partial: Path) -> Iterator[None]:
    """Report a disk that is full or cannot be written as one error, and leave nothing half-written."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        reason = error.strerror if isinstance(error, OSError) else str(error).partition("\n")[0]
        raise TrainingError(
            f"cannot write a checkpoint in {partial.parent}: {reason}; the previous one is kept"
        ) from error


def has_run(folder: Path) -> bool:
    """Whether a training has begun in a folder."""
    return (folder / RUN).exists() and newest_checkpoint(folder / CHECKPOINTS) is not None


def _describe(options: FitOptions, config: ModelConfig, statistics: Statistics, info: ModelInfo) -> dict[str, Any]:
    network = {name: value for name, value in config.to_dict().items() if name not in ("info", "providers", "format")}
    description = {"options": asdict(options), "network": network, "data": asdict(statistics)}
    start = {name: value for name, value in asdict(info).items() if name in ("lineage", "normalization") and value}
    return _as_json(description | ({"start": start} if start else {}))


def _as_json(description: dict[str, Any]) -> dict[str, Any]:
    """As JSON gives it back, with lists for tuples."""
    plain: dict[str, Any] = json.loads(json.dumps(description))
    return plain


def _check_same(folder: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    for part, values in now.items():
        values, old = ({**_ABSENT.get(part, {}), **each} for each in (values, before.get(part, {})))
        compared = values.keys() & old.keys() - {*_NOT_COMPARED, *_LENGTH}  # older releases had fewer
        changes = ", ".join(
            f"{name} was {old[name]!r}, is {values[name]!r}"
            for name in values
            if name in compared and old[name] != values[name]
        )
        if changes:
            raise TrainingError(
                f"the run in {folder} had other {part}: {changes}; resume with the same, or choose another folder"
            )


def _check_budget(folder: Path, before: FitOptions, now: FitOptions) -> None:
    """Raise TrainingError unless both trainings have a budget of time, or neither has."""
    if (before.minutes is None) != (now.minutes is None):
        kind = "epochs and steps" if before.minutes is None else "minutes"
        raise TrainingError(f"the run in {folder} has a budget of {kind}: resume with the same kind of budget")


def _check_length(folder: Path, before: Plan, now: Plan) -> None:
    """Raise TrainingError unless epochs are as long as before, and the end is not in the past."""
    if before.steps * now.epochs != now.steps * before.epochs:
        raise TrainingError(
            f"the run in {folder} has {before.steps:,} steps in {before.epochs:,} epochs; {now.steps:,} steps in "
            f"{now.epochs:,} epochs would change the length of an epoch: resume with "
            f"steps={round(before.steps * now.epochs / before.epochs)}"
        )
    newest = newest_checkpoint(folder / CHECKPOINTS)
    steps = int(newest.name.removeprefix("step-")) if newest else 0
    if now.steps < steps:
        epochs = steps * before.epochs / before.steps
        raise TrainingError(
            f"the run in {folder} has trained {epochs:.4g} epochs already, more than {now.epochs:,}: resume with "
            f"epochs={ceil(epochs)} or more"
        )
