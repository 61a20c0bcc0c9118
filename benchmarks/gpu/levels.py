"""Nodes of decoders in both forms of their upsampling, from which `is_plain_faster` has its limits for GPUs."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.gpu.networks import mixed
from benchmarks.gpu.record import Row, Rows
from benchmarks.gpu.scale import DTYPES, Scale
from benchmarks.gpu.timing import Way, time_ways
from unetzoo.bench.case import Task
from unetzoo.bench.contenders import Contender
from unetzoo.bench.worker import inference_step, training_step
from unetzoo.layers.upsample import UpsampleConcatConv

FORMS = {"plain": 10**12, "transposed": 0}
"""The forms, and up to how many pixels the plain one is taken."""
_NODES = [
    (512, (256,), 256, 32),
    (256, (128,), 128, 16),
    (128, (64,), 64, 8),
    (64, (64,), 32, 4),
    (32, (), 16, 2),
    (64, (64,) * 4, 32, 4),
]  # deep channels, those of the skips, those of the output, reduction of the deep map: of a U-Net, then U-Net++'s last


@dataclass(frozen=True)
class Node:
    """A node of a decoder, and what is done with it; sides in pixels."""

    deep: int
    skips: tuple[int, ...]
    out: int
    side: int
    batch: int
    task: Task

    @property
    def title(self) -> str:
        """Such as `64 + 64 to 32 channels, 16 x 128 px, inference`."""
        channels = " + ".join(map(str, (self.deep, *self.skips)))
        return f"{channels} to {self.out} channels, {self.batch} x {self.side} px, {self.task}"


def level_rows(scale: Scale) -> Rows:
    """The rows of all nodes, for each batch of inference, and for training."""
    kinds: list[tuple[Task, int]] = [("inference", batch) for batch in scale.batches]
    for task, batch in (*kinds, ("training", scale.train_batch)):
        for deep, skips, out, reduction in _NODES:
            node = Node(deep, skips, out, scale.side(task) // reduction, batch, task)
            yield node.title, partial(measure_node, node, scale)


def measure_node(node: Node, scale: Scale) -> Row:
    """Time both forms in turn."""
    trains = node.task == "training"
    dtype = torch.float32 if trains else DTYPES[scale.precisions[0]]
    maps = [
        nn.Parameter(_noise(node.batch, channels, side, scale, dtype), requires_grad=trains)
        for channels, side in ((node.deep, node.side), *((skip, 2 * node.side) for skip in node.skips))
    ]
    make = training_step if trains else inference_step
    times = time_ways(
        _ways(node, scale, maps, dtype), lambda one: make(one, maps[0]), rounds=scale.rounds, device=scale.device
    )
    return {"node": asdict(node), "precision": scale.precisions[0], **times}


def _ways(node: Node, scale: Scale, maps: list[nn.Parameter], dtype: torch.dtype) -> Iterator[Way]:
    for name, few_pixels in FORMS.items():
        yield name, partial(_contender, name, few_pixels, node, scale, maps, dtype)


def _contender(
    name: str, few_pixels: int, node: Node, scale: Scale, maps: list[nn.Parameter], dtype: torch.dtype
) -> Contender:
    torch.manual_seed(0)
    layer = UpsampleConcatConv(node.deep, node.skips, node.out, bias=False, few_pixels=few_pixels)
    layer = layer.to(scale.device, dtype).to(memory_format=torch.channels_last)

    def call(deep: Tensor) -> Tensor:
        result: Tensor = layer(deep, maps[1:])
        return result

    if node.task == "inference":
        return Contender(name, call, (), same_weights=True, channels_last=True)
    run = mixed(call, scale.device, scale.precisions[0])
    return Contender(name, run, (*layer.parameters(), *maps), same_weights=True, channels_last=True)


def _noise(batch: int, channels: int, side: int, scale: Scale, dtype: torch.dtype) -> Tensor:
    noise = torch.randn(batch, channels, side, side, generator=torch.Generator().manual_seed(channels))
    return noise.to(scale.device, dtype, memory_format=torch.channels_last)
