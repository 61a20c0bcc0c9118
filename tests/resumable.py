"""A training that is the same each time, in this process or in one that says the number of each step."""

import signal

import torch
from squares import Squares

import unetzoo
from unetzoo.training.crops import mixed
from unetzoo.training.stopping import TrainingStoppedError


class Signalling(Squares):
    """Raises a signal when it is read after the tenth step."""

    def __getitem__(self, index):
        if torch.initial_seed() == mixed(0, "step", 9, 0):
            signal.raise_signal(signal.SIGTERM)
        return super().__getitem__(index)


def train(folder, on_step, *, seed=0, workers=0, validation=Squares):
    """Train, or continue the run in a folder; the seed is that of the first weights."""
    torch.manual_seed(seed)
    model = unetzoo.create(
        "unet",
        encoder="plain",
        encoder_options={"widths": (8, 16)},
        decoder_options={"dropout": 0.2},
        classes=2,
        in_channels=1,
    )
    options = unetzoo.FitOptions(steps=20, epochs=4, batch=2, crop=32, checkpoint_steps=3, workers=workers)
    listener = unetzoo.FitListener(on_step=lambda step, _steps, _loss: on_step(step))
    data = {"train": Squares(5, 0), "val": validation(2, 1)}
    unetzoo.fit(model, data, folder, options=options, resume=True, listener=listener)


def train_and_say(say, folder, workers, validation):
    """The training of a process, which says the number of each step, and in the end what stopped it."""
    torch.set_num_threads(1)
    try:
        train(folder, say, workers=workers, validation=validation)
    except TrainingStoppedError as stopped:
        say(str(stopped))
        raise SystemExit(128 + stopped.signal) from None
