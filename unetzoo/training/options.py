"""The options of a training, and what they mean for a data set.

The fields of `FitOptions` are the flags of `unetzoo train`: the first sentence of a field's documentation is its help
text, the annotation its check.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, prod
from typing import TYPE_CHECKING, Annotated, Literal

from unetzoo.checks import Precision, Range, check_fields, check_precision, check_texts, plain, whole
from unetzoo.errors import OptionError
from unetzoo.features import Factor, along_axes

if TYPE_CHECKING:
    from unetzoo.data.survey.statistics import Statistics

Schedule = Literal["cosine", "poly"]
Supervision = Literal["full", "native"]

_RATE, _MOST_TIMES, _WIDE = 1e-3, 6.0, 576  # learning rate of wide networks, and how narrow ones differ
_TRAINED_RATE = 0.1
_EPOCHS = 30
_UNITS = {2: 32, 3: 16}  # by the number of axes; crops of such sizes need no padding in nearly all encoders
_LONGEST_CROPS = {2: 256, 3: 64}
_CROPS, _SHORTEST = Range(16, 1e5), 4
SHORTEST_EPOCH = 50  # steps; a data set of ten images would otherwise be an epoch of one


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """Options of a training; the defaults suit ten images as well as ten thousand.

    Attributes:
        loss: Loss expression, such as `dice + 0.5*focal`. See `unetzoo.create_loss`. Empty: `dice + ce`; `dice + bce`
            for one logit and for classes that may overlap; for objects, each map's own. With objects, it is the loss of
            maps of masks and classes.
        epochs: Number of epochs, each at least 50 steps. An epoch is as many crops as have the pixels of all images,
            and at least one an image; validation follows it. None: 30, but fewer of at least 50 steps if `steps` says
            how many there are, and on a CPU no more than fit into an hour; what is chosen stands in the recipe.
        steps: Number of updates of the weights, shared evenly among the epochs. None: as many as the epochs need.
        minutes: Minutes of training and validation, instead of steps and epochs. The number of steps is fitted to the
            machine after the first ones and corrected after each epoch, so that the schedule ends with the time; such
            a training is not repeated bit by bit. Reading the data before and drawing pictures after come on top.
        batch: Crops per step, over all processes.
        crop: Side of the square crops. Of volumes that of cubes, or the three along depth, height and width, such as
            `(32, 64, 64)`, on the command line 32,64,64. None: 256, or less if all images are smaller; of volumes 64
            along each axis, or less.
        learning_rate: Highest learning rate. None: 1e-3; in a network that begins with random weights and has under
            576 channels at its deepest level, 1e-3 * 576 / channels, at most 6e-3.
        encoder_rate: Learning rate of the encoder, as a share of `learning_rate`. None: 0.1 if the training begins with
            weights that were loaded or pretrained, else 1.
        weight_decay: Weight decay of AdamW (arXiv:1711.05101).
        warm_up: Share of the steps during which the learning rate rises.
        schedule: Fall of the learning rate after the warm-up. `"cosine"`: half a cosine (arXiv:1608.03983); `"poly"`:
            (1 - progress)^0.9.
        clip: Largest norm of the gradient of all weights together.
        average: Decay of the moving average of the weights, 0 for none. The averaged weights are validated and saved.
        supervision: Resolution at which deep supervision compares. `"full"`: that of the image; `"native"`: that of
            each output.
        balance: Share of the crops that are centered on a class drawn at random. Each class of the image is drawn
            equally often; the other crops lie anywhere, or, where most of a mask is unknown, around its known pixels.
        augment: Random changes of the crops. `"full"`: mirror images; for a share of them also quarter turns, small
            rotations and scalings, elastic deformation; gamma, contrast, brightness, blur and noise, measured by the
            standard deviation of the images; `"upright"`: the same for data with an up, mirrored from left to right
            alone, and without quarter turns; `"flips"`: mirror images and quarter turns alone. Volumes are mirrored
            along each axis and rotated about each, but turned by quarters within slices alone; where the voxels of one
            axis are three times as long as others, they are rotated about it alone, and not blurred along it.
        augmented: Share of the crops that `"full"` and `"upright"` change beyond mirroring, once pixels have been shown
            250 times, on average; fewer before, and none up to 25 times, since a short training loses by it.
        elastic: Share of those crops that are also deformed elastically.
        frozen_epochs: Number of epochs at the start in which the encoder does not change.
        precision: Precision of the arithmetic, bfloat16 and float16 mixed with float32.
        workers: Number of processes that read and augment images. None: 0 on a CPU, else one a core, at most 8.
        activation_checkpointing: Recompute activations in the backward pass, to save memory. See
            `Segmenter.checkpoint_activations`; False leaves the network as it is.
        device: Device: cpu, or the kind of the accelerator, such as cuda. None: the accelerator, else the CPU.
        trackers: Experiment tracker of accelerate, such as tensorboard or trackio.
        checkpoint_steps: Number of steps between checkpoints. None: one epoch.
        seed: Seed of the random numbers: weights, crops, augmentation, dropout. The same seed gives the same weights on
            the same machine.

    Raises:
        OptionError: for a value outside its range.
    """

    loss: str = ""
    epochs: Annotated[int | None, Range(1, 1e6)] = None
    steps: Annotated[int | None, Range(1, 1e9)] = None
    minutes: Annotated[float | None, Range(1e-3, 1e6, "MINUTES")] = None
    batch: Annotated[int, Range(1, 1e6)] = 8
    crop: int | Sequence[int] | None = None
    learning_rate: Annotated[float | None, Range(1e-9, 1e3)] = None
    encoder_rate: Annotated[float | None, Range(0, 1e3)] = None
    weight_decay: Annotated[float, Range(0, 1e3)] = 1e-2
    warm_up: Annotated[float, Range(0, 1)] = 0.3
    schedule: Schedule = "cosine"
    clip: Annotated[float, Range(1e-9, 1e9)] = 1.0
    average: Annotated[float, Range(0, 0.999999)] = 0.999
    supervision: Supervision = "full"
    balance: Annotated[float, Range(0, 1)] = 1 / 3
    augment: Literal["full", "upright", "flips", "none"] = "full"
    augmented: Annotated[float, Range(0, 1)] = 0.3
    elastic: Annotated[float, Range(0, 1)] = 0.3
    frozen_epochs: Annotated[int, Range(0, 1e6)] = 0
    precision: Precision = "float32"
    workers: Annotated[int | None, Range(0, 1024)] = None
    activation_checkpointing: bool = False
    device: str | None = None
    trackers: Sequence[str] = ()
    checkpoint_steps: Annotated[int | None, Range(1, 1e9)] = None
    seed: Annotated[int, Range(0, 2**63 - 1)] = 0

    def __post_init__(self) -> None:
        """Check every value."""
        object.__setattr__(self, "trackers", check_texts("trackers", self.trackers))
        object.__setattr__(self, "precision", check_precision(self.precision))
        object.__setattr__(self, "crop", None if self.crop is None else check_crop(self.crop))
        check_fields(self)
        if self.minutes is not None and not (self.steps is None and self.epochs is None):
            raise OptionError(f"minutes={self.minutes:g} is a budget instead of steps and epochs: leave those out")

    def for_start(self, *, is_trained: bool, width: int) -> "FitOptions":
        """The options with both learning rates, arguments as of `rates`."""
        learning_rate, encoder_rate = self.rates(is_trained=is_trained, width=width)
        return replace(self, learning_rate=learning_rate, encoder_rate=encoder_rate)

    def rates(self, *, is_trained: bool, width: int) -> tuple[float, float]:
        """The highest learning rate, and that of the encoder as a share of it.

        Narrow networks take larger steps: on the panel (`benchmarks/README.md`) one of 96 channels gains by 6e-3
        instead of 3e-3, once the rate rises over 30 % of the steps, and by that instead of 1e-3. That the best rate
        of Adam falls with the width is theory, too (arXiv:2203.03466).

        Args:
            is_trained: whether the network begins with weights that are trained already.
            width: channels of its deepest level.
        """
        times = 1.0 if is_trained else min(_MOST_TIMES, max(1.0, _WIDE / width))
        return (
            _RATE * times if self.learning_rate is None else self.learning_rate,
            (_TRAINED_RATE if is_trained else 1.0) if self.encoder_rate is None else self.encoder_rate,
        )

    @property
    def has_default_length(self) -> bool:
        """Whether nothing says how long to train."""
        return self.steps is None and self.epochs is None and self.minutes is None

    @property
    def number_of_epochs(self) -> int:
        """As the options say, or else 30 or fewer."""
        if self.epochs is None and self.steps is not None:
            return min(_EPOCHS, max(1, self.steps // SHORTEST_EPOCH))
        return self.epochs or _EPOCHS

    def plan(self, statistics: "Statistics", classes: int, *, objects: bool = False) -> "Plan":
        """What follows for a data set, for a network with as many logits as `classes`, perhaps maps of objects."""
        crop = self._crop(statistics.largest)
        is_binary = classes == 1 or statistics.labels == "overlapping"
        crops = max(statistics.images, ceil(statistics.pixels / prod(along_axes(crop, 2))))
        epochs = self.number_of_epochs
        steps = self.steps or epochs * max(SHORTEST_EPOCH, ceil(crops / self.batch))
        return Plan(
            loss=self.loss or ("" if objects else "dice + bce" if is_binary else "dice + ce"),
            crop=crop,
            steps=steps,
            epochs=min(epochs, steps),
        )

    def _crop(self, largest: Sequence[int]) -> Factor:
        """The side of square crops, or the sides of those of volumes, for images of at most these sides."""
        axes, crop = len(largest), None if self.crop is None else check_crop(self.crop)
        longest, unit = _LONGEST_CROPS[axes], _UNITS[axes]
        if axes == 2 and not isinstance(crop, int | None):
            raise OptionError(f"the crops of images are square, of one side: got crop={crop!r}")
        if axes == 2:
            return crop or min(longest, ceil(max(largest) / unit) * unit)
        if crop is not None:
            return along_axes(crop, axes)
        return tuple(min(longest, ceil(side / unit) * unit) for side in largest)


def check_crop(crop: object) -> int | tuple[int, ...]:
    """The side of crops, or the sides along three axes, as Python's own numbers; OptionError for anything else."""
    sides = plain(crop)
    if isinstance(sides, list | tuple):
        numbers = [whole(side) for side in sides]
        if len(numbers) == 3 and all(side and _SHORTEST <= side <= _CROPS.high for side in numbers):
            return tuple(sides)
        raise OptionError(
            f"crop must be a whole number, or three of at least {_SHORTEST} for depth, height and width; got {crop!r}"
        )
    side = whole(sides)
    if side is None or not _CROPS.low <= side <= _CROPS.high:
        raise OptionError(f"crop must be a whole number from {_CROPS.low:,g} to {_CROPS.high:,g}, got {crop!r}")
    return side


def read_crop(text: str) -> int | tuple[int, ...]:
    """Parse the side of crops, or three, as on the command line: `64`, or `32,64,64`.

    Raises:
        OptionError: the text has another form, or a side is out of its range.
    """
    try:
        sides = tuple(int(side) for side in text.split(","))
    except ValueError:
        raise OptionError(
            f"crop must be a whole number, such as 64, or three, such as 32,64,64; got {text!r}"
        ) from None
    return check_crop(sides[0] if len(sides) == 1 else sides)


@dataclass(frozen=True)
class Plan:
    """What a training will do: loss expression, side of the crops, and steps, which the epochs share evenly.

    The expression is empty where each map of objects has its own loss. Steps and epochs of `origin` are done; those
    that remain are shared evenly.
    """

    loss: str
    crop: Factor
    steps: int
    epochs: int
    origin: tuple[int, int] = (0, 0)

    def epochs_in(self, steps: int) -> int:
        """How many epochs end in the first `steps` steps."""
        done, epochs = self.origin
        if steps <= done:
            return epochs
        return epochs + (steps - done) * (self.epochs - epochs) // (self.steps - done)
