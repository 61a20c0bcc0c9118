"""The events of a training, and its state beside weights, optimizer and schedule."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from unetzoo.weights.inherit import Inheritance


@dataclass(frozen=True)
class Epoch:
    """Result of one epoch of `fit`.

    Attributes:
        epoch: number of the epoch, from 1 on.
        step: updates of the weights from the start of the training to the end of this epoch.
        loss: mean training loss over the steps of this epoch.
        learning_rate: learning rate at the end of this epoch.
        mean_iou: mean intersection over union of the classes that occur in the validation images, 0 to 1; None without
            such images.
        class_iou: intersection over union of each class, 0 to 1; None for a class that neither occurs nor is predicted.
        is_best: whether the network is the best so far; without validation images, each one is.
        average_precision: of the objects, the mean over IoUs from 0.5 to 0.95, 0 to 1, and 1 where there
            are none and none are predicted; None if the network is not one of objects.
    """

    epoch: int
    step: int
    loss: float
    learning_rate: float
    mean_iou: float | None
    class_iou: tuple[float | None, ...]
    is_best: bool
    average_precision: float | None = None

    @property
    def score(self) -> float | None:
        """The number by which the best network is chosen: average precision of objects, else mean IoU."""
        return self.mean_iou if self.average_precision is None else self.average_precision

    @property
    def score_name(self) -> str:
        """What `score` is."""
        return "mean IoU" if self.average_precision is None else "AP"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, without what there is of objects alone where there are none."""
        values = asdict(self)
        if self.average_precision is None:
            del values["average_precision"]
        return values


@dataclass(frozen=True)
class FitListener:
    """Functions that `fit` calls while it trains; of several processes, only the main one calls them.

    Attributes:
        on_inherit: called with what a new run has of the network that it begins with.
        on_length: called before `on_start` with the number of all steps, and that of all epochs.
        on_start: called before the first step with the number of steps that are done, 0 for a new run.
        on_plan: called after the first steps, when their time is known, and after each epoch, with the number of all
            steps, that of all epochs, and the seconds to the end, without validation before there was one.
        on_step: called after each step with its number, from 1 on, the number of all steps, and the training loss.
        on_image: called after each image of a validation with its number, from 1 on, and the number of all; of several
            processes, of the images of the main one.
        on_epoch: called after each epoch.
        on_tune: called while the decoder of objects is tuned at the end, with the number of finished steps, and that of
            all steps as far as it is known.
    """

    on_inherit: Callable[[Inheritance], None] = lambda _: None
    on_length: Callable[[int, int], None] = lambda *_: None
    on_start: Callable[[int], None] = lambda _: None
    on_plan: Callable[[int, int, float], None] = lambda *_: None
    on_step: Callable[[int, int, float], None] = lambda *_: None
    on_image: Callable[[int, int], None] = lambda *_: None
    on_epoch: Callable[[Epoch], None] = lambda _: None
    on_tune: Callable[[int, int], None] = lambda *_: None


class Progress:
    """The state of a training that a checkpoint saves beside weights, optimizer and schedule."""

    def __init__(self) -> None:
        self.step = 0  # updates of the weights so far
        self.losses: list[float] = []  # of the steps of this epoch, averaged over the processes
        self.epochs: list[Epoch] = []
        self.seconds = 0.0  # of steps, validations and checkpoints
        self.minutes = 0.0  # of a budget that has come to its end

    @property
    def best(self) -> Epoch | None:
        """The epoch with the best network so far."""
        return next((epoch for epoch in reversed(self.epochs) if epoch.is_best), None)

    def state_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        epochs = [epoch.to_dict() for epoch in self.epochs]
        time = {"seconds": self.seconds, "minutes": self.minutes}
        return {"step": self.step, "losses": self.losses, "epochs": epochs, **time}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self.step = state["step"]
        self.losses = list(state["losses"])
        self.seconds, self.minutes = state.get("seconds", 0.0), state.get("minutes", 0.0)  # older releases have none
        self.epochs = [Epoch(**{**epoch, "class_iou": tuple(epoch["class_iou"])}) for epoch in state["epochs"]]
