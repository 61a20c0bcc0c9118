"""How far a training is."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Epoch:
    """What one epoch gave.

    Attributes:
        epoch: its number, from 1 on.
        step: updates of the weights until its end.
        loss: mean of its steps.
        learning_rate: at its end.
        mean_iou: of the classes that occur in the validation images, 0 to 1; None without such images.
        class_iou: of each class; None where it neither occurs nor is predicted.
        is_best: whether its network is the best so far.
    """

    epoch: int
    step: int
    loss: float
    learning_rate: float
    mean_iou: float | None
    class_iou: tuple[float | None, ...]
    is_best: bool


class Progress:
    """What a checkpoint remembers beside weights, optimizer and schedule.

    Attributes:
        step: updates of the weights so far.
        losses: of the steps of this epoch, all processes together.
        epochs: that are done.
    """

    def __init__(self) -> None:
        self.step = 0
        self.losses: list[float] = []
        self.epochs: list[Epoch] = []

    @property
    def best(self) -> Epoch | None:
        """The epoch whose network is the best so far."""
        return next((epoch for epoch in reversed(self.epochs) if epoch.is_best), None)

    def state_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {"step": self.step, "losses": self.losses, "epochs": [asdict(epoch) for epoch in self.epochs]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self.step = state["step"]
        self.losses = list(state["losses"])
        self.epochs = [Epoch(**{**epoch, "class_iou": tuple(epoch["class_iou"])}) for epoch in state["epochs"]]
