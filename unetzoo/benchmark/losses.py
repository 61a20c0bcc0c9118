"""Each loss beside the same one of segmentation_models_pytorch or MONAI: time and memory of forward and backward."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.assembly import create_loss, list_losses
from unetzoo.benchmark.worker import peak_bytes, saved_bytes, seconds

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
    """Those whose peer is there; the losses `ohem_ce`, `poly`, `boundary` and `border_bce` have none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of what MONAI imports
        yield from _of_smp()
        yield from _of_monai()
    yield Pair("ce", "torch cross_entropy", "multiclass", F.cross_entropy)
    yield Pair("bce", "torch binary_cross_entropy_with_logits", "binary", _on_masks(F.binary_cross_entropy_with_logits))


def _of_smp() -> Iterator[Pair]:
    from segmentation_models_pytorch import losses

    for task in ("binary", "multiclass"):
        yield Pair("dice(smooth=0, absent='zero')", "smp DiceLoss", task, losses.DiceLoss(task))
        yield Pair("jaccard(smooth=0, absent='zero')", "smp JaccardLoss", task, losses.JaccardLoss(task))
        yield Pair(
            "tversky(smooth=0, absent='zero')", "smp TverskyLoss", task, losses.TverskyLoss(task, alpha=0.3, beta=0.7)
        )
        yield Pair("lovasz", "smp LovaszLoss", task, losses.LovaszLoss(task, per_image=False))
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
    """Seconds of each forward and backward of both of each pair, in turn, and their memory.

    Args:
        batch: images.
        side: of each in pixels.
        rounds: how often each is called.
    """
    return [_measured(pair, batch, side, rounds) for pair in pairs()]


def _measured(pair: Pair, batch: int, side: int, rounds: int) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    classes = 1 if pair.task == "binary" else _CLASSES
    logits = torch.randn(batch, classes, side, side, generator=generator).requires_grad_()
    target = torch.randint(max(2, classes), (batch, side, side), generator=generator)
    contenders: dict[str, Loss] = {"ours": create_loss(pair.ours), "peer": pair.theirs}
    steps = {name: _step(loss, logits, target) for name, loss in contenders.items()}
    values = {name: float(step()) for name, step in steps.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(_WARM_UP + rounds):
        for name, step in steps.items():
            times[name].append(seconds(step, "cpu"))
    return {
        "loss": pair.ours,
        "peer": pair.peer,
        "task": pair.task,
        "values": values,
        "seconds": {name: found[_WARM_UP:] for name, found in times.items()},
        "peak_bytes": {name: peak_bytes(step, "cpu") for name, step in steps.items()},
        "saved_bytes": {name: saved_bytes(step) for name, step in steps.items()},
    }


def _step(loss: Loss, logits: Tensor, target: Tensor) -> Callable[[], Tensor]:
    def step() -> Tensor:
        value = loss(logits, target)
        torch.autograd.grad(value, logits)
        return value.detach()

    return step
