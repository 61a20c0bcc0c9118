"""One timed case of `unetzoo bench speed`."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from unetzoo.checks import check_choice, check_count, check_texts

Task = Literal["inference", "training"]
Device = Literal["cpu", "cuda"]

CREATED, OPTIMIZED = "unetzoo, as created", "unetzoo, optimize()"
"""Names of two contenders of every case."""
RATE = "rate"
"""What a worker is asked for besides its contenders: the multiply-adds per second of one large convolution."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A network whose contenders are timed in turn, call by call.

    Attributes:
        decoder: name of a decoder, optionally with options, such as `"unetpp(deep_supervision=True)"`.
        encoder: name of an encoder, likewise.
        size: height and width of the image in pixels.
        batch: images in one call.
        task: `"inference"`, or `"training"`: forward and backward, without an optimizer.
        device: `"cpu"` or `"cuda"`.
        compile: whether compiled contenders take part (each takes a minute to compile).
        rounds: timed calls of each contender.
        seed: of the weights and images.
        engines: names of engines that take part in inference on the CPU, in float32, and in bfloat16 where it is fast.

    Raises:
        OptionError: for an invalid value.
    """

    decoder: str
    encoder: str
    size: int = 512
    batch: int = 1
    task: Task = "inference"
    device: Device = "cpu"
    compile: bool = False
    rounds: int = 15
    seed: int = 0
    engines: Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "engines", check_texts("engines", self.engines))
        check_choice("task", self.task, Task)
        check_choice("device", self.device, Device)
        for name in ("size", "batch", "rounds"):
            check_count(name, getattr(self, name))

    @property
    def title(self) -> str:
        """Such as `unetpp, resnet34, 512 px, batch 1, inference, cpu`."""
        return f"{self.decoder}, {self.encoder}, {self.size} px, batch {self.batch}, {self.task}, {self.device}"

    @property
    def file_name(self) -> str:
        """The name of the file with its result."""
        parts = re.sub(r"[^\w.+-]+", "-", f"{self.decoder}-{self.encoder}")
        return f"{parts}-{self.size}px-{self.batch}-{self.task}-{self.device}.json"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)
