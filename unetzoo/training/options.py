"""What a training depends on, and what follows from it for a given data set."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Literal

from unetzoo.checks import Precision, check_choice, check_precision, number, whole
from unetzoo.errors import OptionError

if TYPE_CHECKING:
    from unetzoo.data.survey.statistics import Statistics

Augment = Literal["full", "flips", "none"]
Schedule = Literal["cosine", "poly"]
Supervision = Literal["full", "native"]

_UNIT = 32  # crops of such sizes need no padding in nearly all encoders
_SHORTEST_CROP, _LONGEST_CROP = 16, 256
_SHORTEST_EPOCH = 50  # steps; a data set of ten images would otherwise be an epoch of one


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """Options of a training; the defaults suit ten images as well as ten thousand.

    Attributes:
        loss: an expression as `unetzoo.create_loss` reads it; empty: `"dice + ce"`, for one logit `"dice + bce"`.
        epochs: how often validation follows; an epoch is as many crops as have the pixels of all images, at least one
            an image, and at least 50 steps.
        steps: updates of the weights in all, shared evenly among the epochs; None: as the epochs say.
        batch: crops a step, over all processes.
        crop: side of the square crops in pixels, at least 16; None: 256, less where all images are smaller.
        learning_rate: at its highest.
        encoder_rate: of the encoder, as a share of `learning_rate`; 0.1 suits pretrained weights.
        weight_decay: of AdamW (arXiv:1711.05101).
        warm_up: share of the steps in which the learning rate rises.
        schedule: how it falls then: as half a cosine (arXiv:1608.03983), or as (1 - progress)^0.9.
        clip: largest norm of the gradient of all weights together.
        average: decay of the exponential moving average of the weights, which is what is validated and saved; 0: none.
        supervision: where deep supervision compares: `"full"` at the image's resolution, `"native"` at each output's.
        balance: share of the crops that are centred on a pixel of a class that is drawn, each class of the image
            equally often; the others lie anywhere.
        augment: `"full"`: turns, flips, small rotations and scalings, elastic deformation; gamma, contrast, brightness,
            blur and noise, measured by the standard deviation of the images; `"flips"`: quarter turns and flips alone.
        elastic: share of the crops that are deformed elastically, with `augment="full"`.
        frozen_epochs: for how many epochs the encoder is kept as it is.
        precision: of the arithmetic: float32, or mixed with bfloat16 or float16.
        workers: processes that read and augment; None: none on a CPU, else as many as there are cores, at most 8.
        activation_checkpointing: run blocks again in the backward pass, for less memory and more time, see
            `Segmenter.checkpoint_activations`; False leaves the network as it is.
        device: `"cpu"`, or the kind of accelerator that is there, such as `"cuda"`; None: that one, else the CPU.
        cpu: an older word for `device="cpu"`.
        trackers: accelerate's, such as `"tensorboard"` and `"trackio"`.
        checkpoint_steps: steps between checkpoints; None: one after each epoch.
        seed: of everything random: crops, augmentation, dropout. The same seed gives the same weights on the same
            machine.

    Raises:
        OptionError: for a value outside its range.
    """

    loss: str = ""
    epochs: int = 30
    steps: int | None = None
    batch: int = 8
    crop: int | None = None
    learning_rate: float = 1e-3
    encoder_rate: float = 1.0
    weight_decay: float = 1e-2
    warm_up: float = 0.05
    schedule: Schedule = "cosine"
    clip: float = 1.0
    average: float = 0.999
    supervision: Supervision = "full"
    balance: float = 1 / 3
    augment: Augment = "full"
    elastic: float = 0.3
    frozen_epochs: int = 0
    precision: Precision = "float32"
    workers: int | None = None
    activation_checkpointing: bool = False
    device: str | None = None
    cpu: bool = False
    trackers: Sequence[str] = ()
    checkpoint_steps: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every value."""
        object.__setattr__(self, "trackers", tuple(self.trackers))
        for name, allowed in (
            ("augment", Augment),
            ("schedule", Schedule),
            ("supervision", Supervision),
        ):
            check_choice(name, getattr(self, name), allowed)
        object.__setattr__(self, "precision", check_precision(self.precision))
        self._check_device()
        for kind, ranges in ((int, _COUNTS), (float, _NUMBERS)):
            for name, low, high in ranges:
                self._check_number(name, kind, low, high)

    def _check_device(self) -> None:
        if self.cpu and self.device not in (None, "cpu"):
            raise OptionError(f"cpu=True and device={self.device!r} contradict each other; keep the device")
        if self.cpu:
            object.__setattr__(self, "device", "cpu")
            object.__setattr__(self, "cpu", False)

    def _check_number(self, name: str, kind: type, low: float, high: float) -> None:
        value = getattr(self, name)
        if value is None and getattr(FitOptions, name) is None:  # its default, and a choice
            return
        found = whole(value) if kind is int else number(value)
        if found is None or not low <= found <= high:
            noun = "whole number" if kind is int else "number"
            raise OptionError(f"{name} must be a {noun} from {low:,g} to {high:,g}, got {value!r}")
        object.__setattr__(self, name, found)

    def plan(self, statistics: "Statistics", classes: int) -> "Plan":
        """What follows for a data set, for a network with as many logits as `classes`."""
        crop = self.crop or min(_LONGEST_CROP, ceil(max(statistics.largest) / _UNIT) * _UNIT)
        crops = max(statistics.images, ceil(statistics.pixels / crop**2))
        steps = self.steps or self.epochs * max(_SHORTEST_EPOCH, ceil(crops / self.batch))
        return Plan(
            loss=self.loss or ("dice + bce" if classes == 1 else "dice + ce"),
            crop=crop,
            steps=steps,
            epochs=min(self.epochs, steps),
        )


_COUNTS = (
    ("epochs", 1, 1e6),
    ("steps", 1, 1e9),
    ("batch", 1, 1e6),
    ("crop", _SHORTEST_CROP, 1e5),
    ("frozen_epochs", 0, 1e6),
    ("workers", 0, 1024),
    ("checkpoint_steps", 1, 1e9),
    ("seed", 0, 2**63 - 1),
)
_NUMBERS = (
    ("learning_rate", 1e-9, 1e3),
    ("encoder_rate", 0, 1e3),
    ("weight_decay", 0, 1e3),
    ("warm_up", 0, 1),
    ("clip", 1e-9, 1e9),
    ("average", 0, 0.999999),
    ("balance", 0, 1),
    ("elastic", 0, 1),
)


@dataclass(frozen=True)
class Plan:
    """What a training will do.

    Attributes:
        loss: the expression.
        crop: side of the crops in pixels.
        steps: updates of the weights in all.
        epochs: how many times validation follows; they share the steps evenly.
    """

    loss: str
    crop: int
    steps: int
    epochs: int

    def epochs_in(self, steps: int) -> int:
        """How many epochs end in the first `steps` steps."""
        return steps * self.epochs // self.steps
