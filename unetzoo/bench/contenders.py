"""The ways to compute a network that `unetzoo bench speed` compares."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unetzoo.bench.calls import Step
from unetzoo.bench.case import CREATED, OPTIMIZED, Case
from unetzoo.bench.grid import create_parts
from unetzoo.inference.engines.optimize import optimize
from unetzoo.inference.engines.started import engine_spec
from unetzoo.nn.segmenter import Segmenter


@dataclass(frozen=True)
class Contender:
    """A way to compute a network.

    Attributes:
        name: the library, and how it is used.
        run: maps images (b, 3, h, w) to logits (b, 1, h, w).
        parameters: those that training updates; empty for inference.
        same_weights: whether its logits must equal those of the first contender.
        channels_last: whether its images are in the order `torch.channels_last`.
    """

    name: str
    run: Callable[[Tensor], Tensor]
    parameters: tuple[nn.Parameter, ...] = ()
    same_weights: bool = False
    channels_last: bool = False


@dataclass(frozen=True)
class Contenders:
    """What is compared in each process, by functions of a module.

    Attributes:
        ways: the contenders of a case; the first is the reference.
        network: the network whose multiply-adds are the floor.
        saved_bytes: measures what a step of training keeps for its backward pass; None: it is not measured.
    """

    ways: Callable[[Case], Iterator[Contender]]
    network: Callable[[Case], Segmenter]
    saved_bytes: Callable[[Step], int] | None = None


def network(case: Case) -> Segmenter:
    """The network of a case, with the random weights of its seed."""
    torch.manual_seed(case.seed)
    return create_parts(case.decoder, case.encoder)


def own_ways(case: Case) -> Iterator[Contender]:
    """The network of a case as created and optimized; also compiled if asked for, and in bfloat16 if that is fast."""
    yield from ways(case, network(case), same_weights=True)


def ways(case: Case, model: Segmenter, *, same_weights: bool) -> Iterator[Contender]:
    """The contenders of a network of this project.

    Args:
        case: what they compute.
        model: the network.
        same_weights: whether the first contender of the case has the same weights and the same graph.
    """
    model = model.to(case.device)
    if case.task == "training":
        yield Contender(CREATED, model.train(), tuple(model.parameters()), same_weights)
        return
    model.eval()
    yield Contender(CREATED, copy.deepcopy(model).requires_grad_(False), (), same_weights)
    yield Contender(OPTIMIZED, optimize(model), (), same_weights, channels_last=True)
    if has_bfloat16(case.device):
        yield Contender("unetzoo, optimize(bfloat16)", optimize(model, dtype=torch.bfloat16), channels_last=True)
    if case.device == "cpu":
        yield from engine_ways(case, model, same_weights=same_weights)
    if case.compile:
        compiled = optimize(model, compile=True)
        yield Contender("unetzoo, optimize(compile)", compiled, (), same_weights, channels_last=True)


def engine_ways(case: Case, model: Segmenter, *, same_weights: bool) -> Iterator[Contender]:
    """The network by each engine of a case, for images of its size."""
    for engine in case.engines:
        for dtype in engine_spec(engine).dtypes:
            if dtype == "float32" or (dtype == "bfloat16" and has_bfloat16(case.device)):
                fast = optimize(model, engine=engine, dtype=dtype, image_size=(case.size, case.size))
                name = f"unetzoo, {engine}" + (f" {dtype}" if dtype != "float32" else "")
                yield Contender(name, fast, (), same_weights and dtype == "float32")


def has_bfloat16(device: str) -> bool:
    """Whether the device computes in bfloat16; an emulation takes a hundred times as long as float32."""
    return device == "cuda" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


OWN = Contenders(own_ways, network)
"""This project's networks alone."""
