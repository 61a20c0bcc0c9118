"""Inference and training steps over three axes, with one graph and the same weights, beside MONAI and nnU-Net."""

import copy
import gc
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from typing import cast

import torch
from torch import nn

from benchmarks.gpu.networks import MODES, mixed
from benchmarks.gpu.record import Row, Rows
from benchmarks.gpu.scale import DTYPES, Scale
from benchmarks.gpu.timing import Way, time_ways
from benchmarks.volumes import VolumeCase, networks
from unetzoo.bench.case import CREATED, OPTIMIZED, Task
from unetzoo.bench.contenders import Contender
from unetzoo.bench.worker import inference_step, training_step
from unetzoo.checks import Precision
from unetzoo.inference.engines.optimize import optimize
from unetzoo.layers.order import set_order
from unetzoo.nn.segmenter import Segmenter

_TASKS: tuple[Task, ...] = ("inference", "training")


@dataclass(frozen=True)
class TimedVolumes:
    """A row: a network with nnU-Net's graph, whose contenders all run in one mode, a key of `MODES`."""

    case: VolumeCase
    precision: Precision
    mode: str

    @property
    def title(self) -> str:
        """Such as `128^3 voxels, training, bfloat16, compiled`."""
        return f"{self.case.size}^3 voxels, {self.case.task}, {self.precision}, {self.mode}"


def volume_rows(scale: Scale) -> Rows:
    """Eager rows, then compiled ones."""
    for mode, task in product(("eager", "compiled"), _TASKS):
        case = VolumeCase("transposed", scale.volume, task, scale.rounds, scale.volume_widths)
        timed = TimedVolumes(case, scale.precisions[0], mode)
        yield timed.title, partial(measure_volumes, timed, scale)


def measure_volumes(timed: TimedVolumes, scale: Scale) -> Row:
    """Time the contenders of a row in turn."""
    torch._dynamo.reset()
    gc.collect()
    torch.cuda.empty_cache()  # does nothing without a GPU
    case = timed.case
    dtype = torch.float32 if case.task == "training" else DTYPES[timed.precision]
    volume = torch.randn(1, 1, *[case.size] * 3, generator=torch.Generator().manual_seed(0)).to(scale.device, dtype)
    volumes = {False: volume, True: volume.to(memory_format=torch.channels_last_3d)}
    make = training_step if case.task == "training" else inference_step
    times = time_ways(
        ways(timed, scale), lambda one: make(one, volumes[one.channels_last]), rounds=case.rounds, device=scale.device
    )
    return {"case": asdict(case), "precision": timed.precision, "mode": timed.mode, **times}


def ways(timed: TimedVolumes, scale: Scale) -> Iterator[Way]:
    """The contenders of a row, MONAI's first; eager ones also with channels last, which compilers choose themselves."""
    for name, network in networks(timed.case):
        for last in (False, True)[: 1 + (timed.mode == "eager")]:
            title = f"{name}, channels_last_3d" if last else name
            yield title, partial(_contender, title, network, timed, scale, last=last)
        if name == CREATED and (timed.case.task, timed.mode) == ("inference", "eager"):
            yield OPTIMIZED, partial(_optimized, cast("Segmenter", network), timed, scale)


def _contender(name: str, network: nn.Module, timed: TimedVolumes, scale: Scale, *, last: bool) -> Contender:
    module = copy.deepcopy(network).to(scale.device)
    if last:
        set_order(module, torch.channels_last_3d)
    if timed.case.task == "training":
        run = mixed(scale.compiled(module.train(), MODES[timed.mode]), scale.device, timed.precision)
        return Contender(name, run, tuple(module.parameters()), same_weights=True, channels_last=last)
    module = module.eval().requires_grad_(requires_grad=False).to(DTYPES[timed.precision])
    return Contender(name, scale.compiled(module, MODES[timed.mode]), (), same_weights=True, channels_last=last)


def _optimized(network: Segmenter, timed: TimedVolumes, scale: Scale) -> Contender:
    fast = optimize(network.to(scale.device).eval(), dtype=DTYPES[timed.precision])
    return Contender(OPTIMIZED, fast, (), same_weights=True, channels_last=True)
