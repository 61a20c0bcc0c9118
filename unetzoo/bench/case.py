"""What one run of the speed benchmark measures."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from unetzoo.checks import check_choice, check_count
from unetzoo.errors import OptionError

Task = Literal["inference", "training"]
Device = Literal["cpu", "cuda"]

REFERENCE, OURS = "smp", "unetzoo, optimize()"  # the two contenders that sentences compare
DECODERS = ("unet", "unetpp")
ENCODERS = ("resnet18", "resnet34", "efficientnet_b0", "convnext_tiny")


@dataclass(frozen=True, kw_only=True)
class Case:
    """Contenders that are timed in turn, call by call.

    Attributes:
        decoder: `"unet"` or `"unetpp"`.
        encoder: a name of timm.
        size: height and width of the image in pixels.
        batch: images in one call.
        task: `"inference"`, or `"training"`: forward and backward, without an optimiser.
        device: `"cpu"` or `"cuda"`.
        compile: whether compiled contenders take part (each takes a minute to compile).
        rounds: timed calls of each contender.
        seed: of the weights and images.

    Raises:
        OptionError: for a value that is none of these.
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

    def __post_init__(self) -> None:
        if self.decoder not in DECODERS:
            raise OptionError(
                f"the benchmark has peers for the decoders {' and '.join(DECODERS)}, got {self.decoder!r}"
            )
        check_choice("task", self.task, Task)
        check_choice("device", self.device, Device)
        for name in ("size", "batch", "rounds"):
            check_count(name, getattr(self, name))

    @property
    def title(self) -> str:
        """For people: `unetpp, resnet34, 512 px, batch 1, inference, cpu`."""
        return f"{self.decoder}, {self.encoder}, {self.size} px, batch {self.batch}, {self.task}, {self.device}"

    @property
    def file_name(self) -> str:
        """Under which its result is kept."""
        return f"{self.decoder}-{self.encoder}-{self.size}px-{self.batch}-{self.task}-{self.device}.json"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)
