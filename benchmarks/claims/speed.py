"""How long the networks behind the claims take for one image, with random weights: called in turn, in one process."""

import time
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.claims.networks import PARTS, SUPERVISED
from benchmarks.claims.patch_runs import SIDES
from benchmarks.claims.patches import PatchClassifier
from unetzoo.bench.grid import create_parts
from unetzoo.bench.machine import machine
from unetzoo.bench.measure import nested
from unetzoo.inference.engines.optimize import optimize
from unetzoo.nn.segmenter import Segmenter

SIDE = 512  # of the image in pixels, as in the papers
_ROUNDS, _SLIDES = 9, 1  # sliding takes minutes


@torch.no_grad()
def measure_speed(*, side: int = SIDE, rounds: int = _ROUNDS) -> dict[str, Any]:
    """Seconds of each call of each network.

    Args:
        side: of the image in pixels.
        rounds: how often each is called; a sliding window is called once.
    """
    torch.manual_seed(0)
    image = torch.randn(1, 1, side, side)
    classifiers = {patch: PatchClassifier(patch).eval() for patch in SIDES}
    calls: dict[str, Callable[[], object]] = {name: _call(network, image) for name, network in _networks().items()}
    calls |= {f"patches of {patch} px, dense": _sweep(network, image) for patch, network in classifiers.items()}
    for call in calls.values():
        call()
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            seconds[name].append(_timed(call))
    for patch, network in classifiers.items():
        seconds[f"patches of {patch} px, sliding"] = [_timed(_slide(network, image)) for _ in range(_SLIDES)]
    return {"machine": machine(), "date": time.strftime("%Y-%m-%d"), "side": side, "seconds": seconds}


def _networks() -> dict[str, Segmenter]:
    networks = {name: create_parts(*parts, classes=2, in_channels=1).eval() for name, parts in PARTS.items()}
    levels = nested(networks.pop(SUPERVISED))
    return networks | {f"U-Net++ L{level}": smaller for level, smaller in levels.items()}


def _call(model: Segmenter, image: torch.Tensor) -> Callable[[], object]:
    fast = optimize(model)
    return lambda: fast(image)


def _sweep(network: PatchClassifier, image: torch.Tensor) -> Callable[[], object]:
    return lambda: network.sweep(image)


def _slide(network: PatchClassifier, image: torch.Tensor) -> Callable[[], object]:
    return lambda: network.slide(image)


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
