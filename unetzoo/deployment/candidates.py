"""Prepare a network by each engine in each arithmetic, and measure what it costs and what it gains."""

import copy
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from unetzoo.data.dataset import Dataset
from unetzoo.evaluation.evaluate import evaluate
from unetzoo.inference.engines.by_engine import optimize_by_engine
from unetzoo.inference.engines.calibration import Calibration, Run
from unetzoo.inference.engines.padding import Size
from unetzoo.inference.engines.started import EngineRun, check_engine, engine_spec
from unetzoo.inference.predict import predict
from unetzoo.nn.optimized import OptimizedSegmenter
from unetzoo.nn.segmenter import Segmenter

REFERENCE = ("torch", "float32")
"""Engine and arithmetic with which all others are compared."""
_ROUNDS = 7
_WARM_UP = 2


@dataclass(frozen=True)
class Candidate:
    """An engine and an arithmetic, and what was measured.

    Attributes:
        engine: name of the engine.
        dtype: arithmetic, such as `"int8"`.
        score: on the validation images: the mean IoU, or the average precision of objects; None: it does not run.
        seconds: to predict an image, the median of several calls; None: it does not run.
        ratio: how many times as fast as torch in float32, the median of calls made in turn; None: it does not run.
        bytes: of the files of the engine.
        reason: why it was not kept; empty: it is the one that was.
    """

    engine: str
    dtype: str
    score: float | None = None
    seconds: float | None = None
    ratio: float | None = None
    bytes: int | None = None
    reason: str = ""


def pairs_of(engines: Iterable[str]) -> list[tuple[str, str]]:
    """Each engine with each of its dtypes; torch in float32, with which all are compared, comes first."""
    pairs = [(name, dtype) for name in engines for dtype in engine_spec(name).dtypes]
    return [REFERENCE, *(pair for pair in pairs if pair != REFERENCE)]


def prepared(model: Segmenter, engine: str, dtype: str, calibration: Calibration, size: Size) -> OptimizedSegmenter:
    """The network by an engine; raises an UnetzooError where that fails, or is not possible here."""
    spec = engine_spec(engine)
    check_engine(spec, dtype)
    if engine == REFERENCE[0]:
        network = copy.deepcopy(model).to("cpu", torch.float32).eval().requires_grad_(False)
        run = EngineRun(network, engine, {}, dtype)
        run.start()
        return OptimizedSegmenter(network, getattr(torch, dtype), run=run)
    return optimize_by_engine(model, engine, getattr(torch, dtype), size, calibration)


def score_of(network: OptimizedSegmenter, dataset: Dataset) -> float:
    """The mean IoU, or the average precision of the objects of a network of objects; 0 where it is not defined."""
    result = evaluate(network, dataset, resamples=1)
    score = result.objects.scores["AP"] if network.config.objects and result.objects else result.mean["IoU"]
    return score.value or 0.0


def scorer(model: Segmenter, dataset: Dataset) -> Callable[[Run], float]:
    """A function that scores what computes the logits of a network."""

    def score(run: Callable[[Tensor], Tensor]) -> float:
        return score_of(OptimizedSegmenter(model, torch.float32, run=run), dataset)

    return score


def timed(networks: Sequence[OptimizedSegmenter], image: NDArray[Any]) -> Iterator[tuple[float, float]]:
    """For each network, the median seconds for an image, and of the ratios to the first one, called in turn."""
    rounds = [[_seconds(network, image) for network in networks] for _ in range(_WARM_UP + _ROUNDS)][_WARM_UP:]
    for index in range(len(networks)):
        yield median(times[index] for times in rounds), median(times[0] / times[index] for times in rounds)


def judged(candidates: Sequence[Candidate], max_drop: float) -> list[Candidate]:
    """The candidates with reasons; the fastest whose score is at most so much below that of the first has none."""
    reference = candidates[0].score or 0.0
    good = [each for each in candidates if each.score is not None and each.score >= reference - max_drop]
    best = max(good, key=lambda each: each.ratio or 0.0)
    return [replace(each, reason=each.reason or _reason(each, best, reference, max_drop)) for each in candidates]


def _reason(candidate: Candidate, best: Candidate, reference: float, max_drop: float) -> str:
    if candidate is best or candidate.score is None:
        return candidate.reason
    if candidate.score < reference - max_drop:
        return f"loses {reference - candidate.score:.4f}, more than {max_drop:g}"
    return f"slower than {best.engine} in {best.dtype}"


def _seconds(network: OptimizedSegmenter, image: NDArray[Any]) -> float:
    start = time.perf_counter()
    predict(network, image)
    return time.perf_counter() - start
