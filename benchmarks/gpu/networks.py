"""Inference and training steps of this project's networks and its peers', eager and compiled."""

import copy
import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.contenders import SMP, network, networks
from benchmarks.gpu.record import Row, Rows
from benchmarks.gpu.scale import DTYPES, Scale
from benchmarks.gpu.timing import Way, card_rate, time_ways
from unetzoo.bench.case import CREATED, OPTIMIZED, Case, Device, Task
from unetzoo.bench.contenders import Contender
from unetzoo.bench.worker import inference_step, multiply_adds, training_step
from unetzoo.checks import Precision
from unetzoo.inference.engines.optimize import optimize

MODES = {"eager": "", "compiled": "default", "CUDA graphs": "reduce-overhead", "TensorRT": "tensorrt"}
"""The word for a mode, and `torch.compile`'s."""


@dataclass(frozen=True)
class Timed:
    """A row: a case in one precision, whose contenders all run in one mode, a key of `MODES`.

    `optimize()` takes part in each row of inference, MONAI in eager ones: its compiler works long, so that it has
    compiled rows of its own, which come last.
    """

    case: Case
    precision: Precision
    mode: str
    of_monai: bool = False

    @property
    def title(self) -> str:
        """Such as `unet, resnet34, 512 px, batch 16, inference, cuda, bfloat16, compiled`."""
        return f"{self.case.title}, {self.precision}, {self.mode}{', MONAI' * self.of_monai}"

    def compares(self, name: str) -> bool:
        """Whether a network, or a library, takes part."""
        return self.mode == "eager" or name == SMP or self.of_monai == name.startswith("MONAI")


def inference_rows(scale: Scale) -> Rows:
    """The rows of inference, the most valuable first."""
    for timed in inference_cases(scale):
        yield timed.title, partial(measure, timed, scale)


def training_rows(scale: Scale) -> Rows:
    """The rows of training steps."""
    for timed in training_cases(scale):
        yield timed.title, partial(measure, timed, scale)


def inference_cases(scale: Scale) -> Iterator[Timed]:
    """In the first precision every mode; in the others each batch eager, and in the mode that suits it."""
    many, one = scale.batches[0], scale.batches[-1]
    first, *others = scale.precisions
    fast = [(many, "compiled"), (one, "CUDA graphs")]
    kinds = [*((first, batch, "eager") for batch in scale.batches), *((first, *how) for how in fast)]
    kinds += [(precision, batch, "eager") for precision, batch in product(others, scale.batches)]
    if find_spec("torch_tensorrt"):
        kinds += [("float16", batch, "TensorRT") for batch in scale.batches]
    kinds += [(precision, *how) for precision, how in product(others, fast)]
    kinds.append((first, one, "compiled"))
    for (precision, batch, mode), decoder in product(dict.fromkeys(kinds), scale.decoders):
        yield _timed(scale, decoder, batch, "inference", precision, mode)
    for decoder in scale.decoders:
        yield replace(_timed(scale, decoder, many, "inference", first, "compiled"), of_monai=True)


def training_cases(scale: Scale) -> Iterator[Timed]:
    """Eager, compiled, and compiled with CUDA graphs, in the first precision."""
    for mode, decoder in product(("eager", "compiled", "CUDA graphs"), scale.decoders):
        yield _timed(scale, decoder, scale.train_batch, "training", scale.precisions[0], mode)
    for decoder in scale.decoders:
        compiled = _timed(scale, decoder, scale.train_batch, "training", scale.precisions[0], "compiled")
        yield replace(compiled, of_monai=True)


def _timed(scale: Scale, decoder: str, batch: int, task: Task, precision: Precision, mode: str) -> Timed:
    case = Case(
        decoder=decoder,
        encoder=scale.encoder,
        size=scale.side(task),
        batch=batch,
        task=task,
        device=scale.device,
        rounds=scale.rounds,
    )
    return Timed(case, precision, mode)


def measure(timed: Timed, scale: Scale) -> Row:
    """Time the contenders of a row in turn, and the card's rate beside them."""
    case = timed.case
    torch._dynamo.reset()
    gc.collect()
    torch.cuda.empty_cache()  # does nothing without a GPU
    torch.set_float32_matmul_precision("high")  # float32 is computed in TF32 on a GPU, as in convolutions
    image, step = make_image(timed), training_step if case.task == "training" else inference_step
    times = time_ways(ways(timed, scale), lambda one: step(one, image), rounds=case.rounds, device=case.device)
    facts = {"case": case.to_dict(), "precision": timed.precision, "mode": timed.mode}
    work = multiply_adds(case, network) * (3 if case.task == "training" else 1)  # backward takes twice as many
    return {**facts, "multiply_adds": work, "rate": card_rate(DTYPES[timed.precision], case.device), **times}


def make_image(timed: Timed) -> Tensor:
    """Random images for the contenders of a row; in training, autocast chooses the precision."""
    case = timed.case
    image = torch.randn(case.batch, 3, case.size, case.size, generator=torch.Generator().manual_seed(case.seed))
    dtype = torch.float32 if case.task == "training" else DTYPES[timed.precision]
    return image.to(case.device, dtype, memory_format=torch.channels_last)


def ways(timed: Timed, scale: Scale) -> Iterator[Way]:
    """The contenders of a row, segmentation_models_pytorch's first; all get `torch.channels_last`."""
    ours, same, peers = networks(timed.case)
    everyone = {name: (peer, name == SMP) for name, peer in peers.items()} | {CREATED: (ours, same)}
    make = _trained if timed.case.task == "training" else _predicting
    for name, (module, same_weights) in everyone.items():
        if not timed.compares(name):
            continue
        module = module.to(timed.case.device).to(memory_format=torch.channels_last)
        yield name, partial(make, name, module, timed, scale, same_weights=same_weights)
    if timed.case.task == "inference" and not timed.of_monai:  # it needs no compiler
        yield OPTIMIZED, partial(_optimized, ours, timed, same_weights=same)


def _predicting(name: str, module: nn.Module, timed: Timed, scale: Scale, *, same_weights: bool) -> Contender:
    module = copy.deepcopy(module).eval().requires_grad_(requires_grad=False).to(DTYPES[timed.precision])
    return Contender(name, scale.compiled(module, MODES[timed.mode]), (), same_weights, channels_last=True)


def _optimized(module: Any, timed: Timed, *, same_weights: bool) -> Contender:  # noqa: ANN401 - a Segmenter
    fast = optimize(module.eval(), dtype=DTYPES[timed.precision])
    return Contender(OPTIMIZED, fast, (), same_weights, channels_last=True)


def _trained(name: str, module: nn.Module, timed: Timed, scale: Scale, *, same_weights: bool) -> Contender:
    run = scale.compiled(module.train(), MODES[timed.mode])
    parameters = tuple(parameter for parameter in module.parameters() if parameter.requires_grad)
    return Contender(name, mixed(run, timed.case.device, timed.precision), parameters, same_weights, channels_last=True)


def mixed(run: Callable[[Tensor], Tensor], device: Device, precision: Precision) -> Callable[[Tensor], Tensor]:
    """In mixed precision."""
    dtype = DTYPES[precision]

    def call(image: Tensor) -> Tensor:
        with torch.autocast(device, dtype, enabled=dtype is not torch.float32):
            return run(image)

    return call
