"""Compile everything in several processes at once, beside work that is not timed: the compiler's cache keeps it.

Compiled one after the other, the networks would take longer than all measurements together.
"""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress

import torch

from benchmarks.gpu.networks import MODES, Timed, inference_cases, make_image, training_cases, ways
from benchmarks.gpu.scale import Scale
from unetzoo._utils.workers import end_with_parent
from unetzoo.bench.worker import inference_step, training_step

_PROCESSES = 12


def warm(scale: Scale, match: str) -> None:
    """Call each compiled contender of the rows whose titles have some words; what fails says so when it is measured."""
    cases = (*inference_cases(scale), *training_cases(scale))
    compiled = sorted(
        (one for one in cases if MODES[one.mode] and match in one.title),
        key=lambda one: (one.of_monai, one.precision != scale.precisions[0]),
    )
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_PROCESSES, context, initializer=end_with_parent) as processes:
        for _ in processes.map(_call_once, compiled, [scale] * len(compiled)):
            pass


def _call_once(timed: Timed, scale: Scale) -> None:
    torch.set_float32_matmul_precision("high")  # as when it is measured
    image = make_image(timed)
    make_step = training_step if timed.case.task == "training" else inference_step
    for _, make in ways(timed, scale):
        with suppress(Exception):
            make_step(make(), image)()
