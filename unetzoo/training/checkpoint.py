"""Checkpoints of a training: whole or not there, the newest one kept."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError

from unetzoo._utils.atomic import follow_umask
from unetzoo.errors import TrainingError

if TYPE_CHECKING:
    from accelerate import Accelerator

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
