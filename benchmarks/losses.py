"""Time each loss and its gradient beside the same loss of a peer, then write README.md.

    python -m benchmarks.losses

The losses of plugins/unetzoo-boundary take part where it is installed.
"""

import math
import multiprocessing
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from benchmarks.memory import return_freed_memory, saved_bytes
from benchmarks.page.readme import RESULTS, write_pages
from unetzoo._utils.memory import keep_freed_memory
from unetzoo.assembly import create_loss
from unetzoo.bench.calls import peak_bytes, seconds
from unetzoo.bench.machine import machine
from unetzoo.bench.store import write_json
from unetzoo.catalog import list_losses
from unetzoo.losses.first_touch import touch_constants

Loss = Callable[[Tensor, Tensor], Tensor]

_CLASSES = 4
_ROUNDS, _WARM_UP = 9, 2
_NEEDS_PLUGIN = ("hausdorff", "cldice")  # of plugins/unetzoo-boundary


@dataclass(frozen=True)
class Pair:
    """One of this project's losses and a peer's with options that make both the same.

    Attributes:
        ours: an expression.
        peer: the library and its name there.
        task: `"binary"` with one logit, or `"multiclass"` with four.
        theirs: maps logits (b, k, h, w) and a target (b, h, w) to a scalar.
    """

    ours: str
    peer: str
    task: str
    theirs: Loss


def pairs() -> Iterator[Pair]:
    """Those whose peer is there; torch's functions are the peer where no library has the loss.

    The losses `boundary` and `border_bce` have no row: what they do with torch is a product of two maps.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of what MONAI imports
        yield from _of_smp()
        yield from _of_monai()
    yield from _of_torch()


def _of_torch() -> Iterator[Pair]:
    yield Pair("ce", "torch cross_entropy", "multiclass", F.cross_entropy)
    yield Pair("bce", "torch binary_cross_entropy_with_logits", "binary", _on_masks(F.binary_cross_entropy_with_logits))
    yield Pair("ohem_ce", "torch cross_entropy and topk", "multiclass", _mean_of_hard)
    yield Pair("poly", "torch cross_entropy and exp", "multiclass", _poly)


def _mean_of_hard(logits: Tensor, target: Tensor) -> Tensor:
    losses = F.cross_entropy(logits, target, reduction="none").flatten()
    hard = losses[losses > -math.log(0.7)]
    least = len(losses) // 16
    return (hard if len(hard) >= least else losses.topk(least).values).mean()


def _poly(logits: Tensor, target: Tensor) -> Tensor:
    losses = F.cross_entropy(logits, target, reduction="none")
    return (losses + 1 - (-losses).exp()).mean()


def _of_smp() -> Iterator[Pair]:
    from segmentation_models_pytorch import losses

    for task in ("binary", "multiclass"):
        yield Pair("dice(smooth=0, absent='zero')", "smp DiceLoss", task, losses.DiceLoss(task))
        yield Pair("jaccard(smooth=0, absent='zero')", "smp JaccardLoss", task, losses.JaccardLoss(task))
        yield Pair(
            "tversky(smooth=0, absent='zero')", "smp TverskyLoss", task, losses.TverskyLoss(task, alpha=0.3, beta=0.7)
        )
        yield Pair("lovasz", "smp LovaszLoss", task, losses.LovaszLoss(task, per_image=False))
    powered = losses.TverskyLoss("binary", alpha=0.3, beta=0.7, gamma=0.75)
    yield Pair("focal_tversky(smooth=0)", "smp TverskyLoss", "binary", powered)
    yield Pair("focal", "smp FocalLoss", "binary", losses.FocalLoss("binary"))
    yield Pair("mcc(smooth=0)", "smp MCCLoss", "binary", _on_probabilities(losses.MCCLoss(eps=0)))
    yield Pair("soft_bce", "smp SoftBCEWithLogitsLoss", "binary", _on_masks(losses.SoftBCEWithLogitsLoss()))
    smoothed = losses.SoftCrossEntropyLoss(smooth_factor=0.1)
    yield Pair("soft_ce(label_smoothing=0.1)", "smp SoftCrossEntropyLoss", "multiclass", smoothed)


def _of_monai() -> Iterator[Pair]:
    import monai.losses

    losses: Any = monai.losses  # it exports without saying so
    one_hot: dict[str, Any] = {"softmax": True, "to_onehot_y": True, "batch": True}
    yield Pair("dice", "MONAI DiceLoss", "multiclass", _on_masks(losses.DiceLoss(**one_hot)))
    yield Pair(
        "generalized_dice",
        "MONAI GeneralizedDiceLoss",
        "multiclass",
        _on_masks(losses.GeneralizedDiceLoss(smooth_nr=0, smooth_dr=0, **one_hot)),
    )
    yield Pair("mcc(smooth=0)", "MONAI MCCLoss", "multiclass", _on_masks(losses.MCCLoss(smooth_dr=0, **one_hot)))
    focal = _on_masks(losses.FocalLoss(use_softmax=True, to_onehot_y=True))  # the mean also over the classes
    yield Pair("focal", "MONAI FocalLoss", "multiclass", lambda logits, target: _CLASSES * focal(logits, target))
    unified = losses.AsymmetricUnifiedFocalLoss()
    yield Pair(
        "unified_focal(smooth=1e-7, per_image=True)",
        "MONAI AsymmetricUnifiedFocalLoss",
        "binary",
        lambda logits, target: unified(_two(logits.sigmoid()), _two(target[:, None].to(logits.dtype))),
    )
    if set(_NEEDS_PLUGIN) <= set(list_losses()):
        yield Pair(
            "hausdorff",
            "MONAI HausdorffDTLoss",
            "binary",
            _on_masks(losses.HausdorffDTLoss(sigmoid=True, include_background=True)),
        )
        yield Pair("cldice", "MONAI SoftclDiceLoss", "binary", _on_probabilities(losses.SoftclDiceLoss()))


def _two(probability: Tensor) -> Tensor:
    """Of both classes (b, 2, h, w), for that of one (b, 1, h, w)."""
    return torch.cat([1 - probability, probability], dim=1)


def _on_masks(loss: Any) -> Loss:  # noqa: ANN401 - of a library without types
    """A loss that takes its target as (b, 1, h, w) of the logits' dtype."""
    return lambda logits, target: loss(logits, target[:, None].to(logits.dtype))


def _on_probabilities(loss: Any) -> Loss:  # noqa: ANN401 - as above
    """The same of a loss that takes probabilities."""
    return lambda logits, target: loss(logits.sigmoid(), target[:, None].to(logits.dtype))


def measure_losses(*, batch: int = 4, side: int = 512, rounds: int = _ROUNDS) -> list[dict[str, Any]]:
    """Memory of each forward and backward of both of each pair, then their seconds, in turn.

    The memory is measured while freed maps leave the process, so that the largest size is that of the maps that are
    needed at once; the time while the process keeps them.

    Args:
        batch: images.
        side: of each in pixels.
        rounds: how often each is called.
    """
    return_freed_memory()
    cases = [_Case(pair, batch, side) for pair in pairs()]
    memory = [case.memory() for case in cases]
    keep_freed_memory()
    return [case.told() | peaks | {"seconds": case.seconds(rounds)} for case, peaks in zip(cases, memory, strict=True)]


class _Case:
    """A pair with logits and a target of its own."""

    def __init__(self, pair: Pair, batch: int, side: int) -> None:
        self.pair = pair
        generator = torch.Generator().manual_seed(0)
        classes = 1 if pair.task == "binary" else _CLASSES
        self.logits = torch.randn(batch, classes, side, side, generator=generator).requires_grad_()
        self.target = torch.randint(max(2, classes), (batch, side, side), generator=generator)
        contenders: dict[str, Loss] = {"ours": create_loss(pair.ours), "peer": pair.theirs}
        self.steps = {name: _step(loss, self.logits, self.target) for name, loss in contenders.items()}

    def told(self) -> dict[str, Any]:
        values = {name: float(step()) for name, step in self.steps.items()}
        return {"loss": self.pair.ours, "peer": self.pair.peer, "task": self.pair.task, "values": values}

    def memory(self) -> dict[str, Any]:
        """Of each its peak, in the best of a few calls, and what it keeps, both in bytes."""
        return {
            "peak_bytes": {name: self._peak(step) for name, step in self.steps.items()},
            "saved_bytes": {name: saved_bytes(step) for name, step in self.steps.items()},
        }

    @staticmethod
    def _peak(step: Callable[[], Tensor]) -> int | None:
        step()
        peaks = [peak for peak in (peak_bytes(step, "cpu") for _ in range(_WARM_UP + 1)) if peak is not None]
        return min(peaks, default=None)

    def seconds(self, rounds: int) -> dict[str, list[float]]:
        times: dict[str, list[float]] = {name: [] for name in self.steps}
        for _ in range(_WARM_UP + rounds):
            for name, step in self.steps.items():
                times[name].append(seconds(step, "cpu"))
        return {name: samples[_WARM_UP:] for name, samples in times.items()}


def _step(loss: Loss, logits: Tensor, target: Tensor) -> Callable[[], Tensor]:
    def step() -> Tensor:
        value = loss(logits, target)
        torch.autograd.grad(value, logits)
        return value.detach()

    return step


def measure_first_touch(*, batch: int = 4, side: int = 512, rounds: int = 9) -> dict[str, Any]:
    """Seconds of torch's own loss, forward and backward, `"before"` and `"after"`.

    Args:
        batch: masks.
        side: of each in pixels.
        rounds: calls of each.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        seconds: dict[str, Any] = pool.apply(_seconds_around_touch, (batch, side, rounds))
    return seconds


def _seconds_around_touch(batch: int, side: int, rounds: int) -> dict[str, list[float]]:
    keep_freed_memory()
    logits = torch.randn(batch, 1, side, side).requires_grad_()
    target = torch.randint(2, logits.shape).to(logits.dtype)

    def step() -> Tensor:
        return torch.autograd.grad(F.binary_cross_entropy_with_logits(logits, target), logits)[0]

    before = [seconds(step, "cpu") for _ in range(rounds)]
    touch_constants()
    return {"before": before, "after": [seconds(step, "cpu") for _ in range(rounds)]}


def main() -> None:
    """Measure, then write README.md."""
    results = {"machine": machine(), "first touch": measure_first_touch(), "losses": measure_losses()}
    write_json(results, RESULTS / "losses.json")
    write_pages()


if __name__ == "__main__":
    main()
