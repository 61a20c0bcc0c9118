"""How large the cases are: those of a GPU, or the smallest, which show on a CPU that every stage runs to its end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from unetzoo.bench.case import Device, Task
from unetzoo.checks import Precision

Images = Callable[[Tensor], Tensor]
DTYPES: dict[Precision, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Sizes of all stages.

    Attributes:
        device: where everything is computed.
        encoder: of all networks that are timed.
        decoders: of those.
        precisions: of inference, the most important first.
        size, batches: images of inference: side in pixels, and how many in a call.
        train_size, train_batch: the same of a training step.
        rounds: timed calls of each contender.
        steps: of each training by `fit`.
        images, image_size: of the data set that `fit` reads.
        volume, volume_widths: side of volumes in voxels, and the channels of the levels of their networks.
        large: side in pixels of the file that is predicted.
        backend: compiles networks; None: inductor, with its modes.
        tests: what pytest is asked for.
    """

    device: Device = "cuda"
    encoder: str = "resnet34"
    decoders: tuple[str, ...] = ("unet", "unetpp")
    precisions: tuple[Precision, ...] = ("bfloat16", "float32", "float16")
    size: int = 512
    batches: tuple[int, ...] = (16, 1)
    train_size: int = 256
    train_batch: int = 16
    rounds: int = 25
    steps: int = 80
    images: int = 24
    image_size: int = 1024
    volume: int = 128
    volume_widths: tuple[int, ...] = (32, 64, 128, 256, 320)
    large: int = 20_000
    backend: str | None = None
    tests: tuple[str, ...] = ("tests/gpu", "-m", "gpu")

    def side(self, task: Task) -> int:
        """Of the images of a task, in pixels."""
        return self.train_size if task == "training" else self.size

    def compiled(self, network: nn.Module, mode: str) -> Images:
        """The network, compiled for one size of images in a mode of `torch.compile`; `""`: as it is."""
        if not mode:
            return network
        how: dict[str, Any] = {"backend": self.backend} if self.backend else {"mode": mode}
        if mode == "tensorrt":
            how = {"backend": mode}
        compiled: Images = torch.compile(network, dynamic=False, **how)
        return compiled


GPU = Scale()
CPU = Scale(
    device="cpu",
    encoder="resnet18",
    decoders=("unet",),
    precisions=("bfloat16",),
    size=32,
    batches=(2,),
    train_size=32,
    train_batch=2,
    rounds=2,
    steps=4,
    images=4,
    image_size=64,
    volume=16,
    volume_widths=(4, 8, 8),
    large=512,
    backend="eager",
    tests=("tests/gpu/test_inference.py", "-m", "not gpu", "-k", "pruned"),
)
SCALES: dict[Device, Scale] = {"cuda": GPU, "cpu": CPU}
