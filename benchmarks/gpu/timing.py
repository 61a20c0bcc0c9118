"""Time ways to compute the same: a call of each in turn, round after round, and what one call costs besides time."""

import time
from collections.abc import Callable, Iterable
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from unetzoo.bench.calls import Step, peak_bytes, seconds
from unetzoo.bench.case import Device
from unetzoo.bench.contenders import Contender
from unetzoo.bench.worker import convolution_rate, difference
from unetzoo.errors import describe_error

Way = tuple[str, Callable[[], Contender]]
"""A name, and what makes the contender: making it may fail."""
_WARM_UP = 4  # calls; CUDA graphs are captured in the third
_NO_KERNELS = ("Memcpy", "Memset")


def time_ways(ways: Iterable[Way], make_step: Callable[[Contender], Step], *, rounds: int, device: Device) -> Any:  # noqa: ANN401 - plain data
    """Time each way; one that fails is an error beside the others.

    Returns:
        Plain data by name: `seconds` of each call, `first` (s), the call that compiles, `kernels` of a call (on a CPU:
        operators), `peak_bytes`, `relative_difference` of the logits from the first's, where the weights are
        the same; and `errors`.
    """
    result: dict[str, dict[str, Any]] = {"seconds": {}, "first": {}, "kernels": {}, "peak_bytes": {}}
    result |= {"relative_difference": {}, "errors": {}}
    steps: dict[str, Step] = {}
    reference: Tensor | None = None
    for name, make in ways:
        try:
            contender = make()
            step = make_step(contender)
            result["first"][name], logits = _first_call(step, device)
            for _ in range(_WARM_UP):
                step()
            result["kernels"][name] = kernels(step, device)
            result["peak_bytes"][name] = peak_bytes(step, device)
        except Exception as error:  # a network, or a compiler, may raise anything
            result["errors"][name] = describe_error(error)
            continue
        steps[name] = step
        reference = logits if reference is None else reference
        if contender.same_weights:
            result["relative_difference"][name] = difference(logits, reference)
    for _ in range(rounds):
        for name, step in steps.items():
            result["seconds"].setdefault(name, []).append(seconds(step, device))
    return result


def _first_call(step: Step, device: Device) -> tuple[float, Tensor]:
    start = time.perf_counter()
    logits = step().float().clone()  # the next call of a CUDA graph overwrites them
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start, logits


def kernels(step: Step, device: Device) -> int:
    """How many kernels one call runs on a GPU; on a CPU, how many operators call no other."""
    activity = ProfilerActivity.CUDA if device == "cuda" else ProfilerActivity.CPU
    with profile(activities=[activity]) as profiler:
        step()
        if device == "cuda":
            torch.cuda.synchronize()
    return sum(
        event.device_type.name == activity.name and not event.cpu_children and not event.name.startswith(_NO_KERNELS)
        for event in profiler.events()
    )


def card_rate(dtype: torch.dtype, device: Device) -> dict[str, float]:
    """Multiply-adds per second of a large convolution and of a large matrix product: medians of a few calls."""
    large = device == "cuda"
    batch, size, side = (16, 128, 8192) if large else (1, 16, 64)
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    convolutions = [convolution_rate(device, size=size, batch=batch, dtype=dtype) for _ in range(5)]
    products = [seconds(lambda: left @ right, device) for _ in range(6)][1:]
    return {"convolution": median(convolutions), "matrix product": side**3 / median(products)}
