"""A training that gives the same in one process as in several; as a program, it is then stopped by a signal to one."""

import os
import signal

import torch
from accelerate import PartialState
from squares import Squares

import unetzoo


def train(folder, **options):
    torch.manual_seed(0)
    model = unetzoo.create(
        "unet",
        encoder="plain",
        encoder_options={"widths": (8, 16), "norm": "group"},
        decoder_options={"norm": "group"},
        classes=2,
        in_channels=1,
    )
    plan = unetzoo.FitOptions(loss="ce", steps=8, epochs=2, batch=4, crop=32, augment="flips", warm_up=0)
    unetzoo.fit(model, {"train": Squares(5, 0), "val": Squares(3, 1)}, folder, options=plan, **options)


def _signal_the_first(step, *_):
    """A listener, which the first process alone has; the others have met it in that step."""
    if step == 3:
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    torch.set_num_threads(1)
    train("two")
    train("two", resume=True)  # once more in the same processes
    print(PartialState().num_processes, flush=True)  # noqa: T201 - the test reads it
    train("stopped", listener=unetzoo.FitListener(on_step=_signal_the_first))
