"""The contract of losses, rule by rule, for each mode that a loss accepts."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from unetzoo.errors import UnetzooError
from unetzoo.testing.rules import Make, Rule, demand

_CLASSES = {"binary": 1, "multiclass": 3, "multilabel": 3}
_IGNORED = 255


def _example(mode: str, side: int = 8, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Logits away from 0, and a target with every class."""
    logits = torch.randn(2, _CLASSES[mode], side, side, dtype=dtype)
    logits = logits + logits.sign() * 0.1
    shape = logits.shape if mode == "multilabel" else (2, side, side)
    target = torch.zeros(shape, dtype=torch.int64)
    target[..., side // 4 : -side // 4, 1:-1] = 1
    if mode == "multiclass":
        target[:, : side // 4] = 2
    return logits, target


def _modes(loss: nn.Module) -> list[str]:
    """The modes that a loss accepts; it refuses the others with an `UnetzooError`."""
    accepted = []
    for mode in _CLASSES:
        try:
            loss(*_example(mode))
        except UnetzooError:
            continue
        accepted.append(mode)
    demand(bool(accepted), f"it refuses each of {', '.join(_CLASSES)}")
    return accepted


def _cases(make: Make, dtype: torch.dtype = torch.float32, side: int = 8) -> Iterator[tuple[nn.Module, Tensor, Tensor]]:
    loss = make()
    for mode in _modes(loss):
        logits, target = _example(mode, side, dtype)
        yield loss, logits.requires_grad_(), target


def _demand_finite(loss: Tensor, logits: Tensor, when: str) -> None:
    (gradient,) = torch.autograd.grad(loss, logits)
    demand(bool(loss.isfinite()), f"the loss {when} is {loss.item()}")
    demand(bool(gradient.isfinite().all()), f"the gradient {when} is not finite")


def is_a_scalar(make: Make) -> None:
    """It maps logits (b, k, h, w) and a target to a scalar >= 0 in float32 or float64."""
    for loss, logits, target in _cases(make):
        value = loss(logits, target)
        demand(value.shape == (), f"its shape is {tuple(value.shape)}")
        demand(value.dtype in (torch.float32, torch.float64), f"its dtype is {value.dtype}")
        demand(value.item() >= 0, f"it is {value.item():.3g}")


def prefers_what_is_right(make: Make) -> None:
    """The correct prediction costs less than the opposite one."""
    for loss, logits, target in _cases(make):
        multiclass = target.ndim == 3 and logits.shape[1] > 1
        masks = nn.functional.one_hot(target, logits.shape[1]).movedim(3, 1) if multiclass else target
        right = (masks.reshape(logits.shape) * 2.0 - 1) * 8
        costs = loss(right, target).item(), loss(-right, target).item()
        demand(costs[0] < costs[1], f"the correct one costs {costs[0]:.3g}, the opposite one {costs[1]:.3g}")


def gradients_are_exact(make: Make) -> None:
    """Its gradient equals finite differences in float64."""
    for loss, logits, target in _cases(make, torch.float64, side=4):
        torch.autograd.gradcheck(lambda values, loss=loss, target=target: loss(values, target), logits)


def empty_masks_are_finite(make: Make) -> None:
    """An empty and a full mask have a finite loss and gradient."""
    for loss, logits, target in _cases(make):
        for value in (0, 1):
            _demand_finite(loss(logits, torch.full_like(target, value)), logits, f"of a target of only {value}")


def extreme_logits_are_finite(make: Make) -> None:
    """Logits of 10,000 have a finite loss and gradient."""
    for loss, logits, target in _cases(make):
        for scale in (1e4, -1e4):
            _demand_finite(loss(logits * scale, target), logits, f"of logits times {scale:g}")


def half_precision_is_safe(make: Make) -> None:
    """Logits in float16 and bfloat16 have a finite loss and gradient, also of 512 x 512 pixels."""
    loss = make()
    for mode in _modes(loss):
        for dtype in (torch.float16, torch.bfloat16):
            logits, target = _example(mode, 512)
            logits = logits.to(dtype).requires_grad_()
            _demand_finite(loss(logits, target), logits, f"in {dtype}")


def ignores_pixels(make: Make) -> None:
    """It has the option `ignore_index`; pixels with this target have no influence and no gradient."""
    plain = make()
    loss = make(ignore_index=_IGNORED)
    for mode in _modes(plain):
        logits, target = _example(mode)
        target[..., 2:4] = _IGNORED
        other = logits.clone()
        other[..., 2:4] *= -3
        values = loss(logits, target).item(), loss(other, target).item()
        same = abs(values[0] - values[1]) <= 1e-5 * max(1.0, abs(values[0]))
        demand(same, f"their logits change it from {values[0]:.6g} to {values[1]:.6g}")
        logits.requires_grad_()
        (gradient,) = torch.autograd.grad(loss(logits, target), logits)
        demand(not bool(gradient[..., 2:4].any()), "they have a gradient")


def wholly_ignored_is_finite(make: Make) -> None:
    """If every pixel is ignored, loss and gradient are finite."""
    plain = make()
    loss = make(ignore_index=_IGNORED)
    for mode in _modes(plain):
        logits, target = _example(mode)
        logits.requires_grad_()
        _demand_finite(loss(logits, torch.full_like(target, _IGNORED)), logits, "of an ignored target")


def leaves_logits_and_target(make: Make) -> None:
    """It changes neither logits nor target."""
    for loss, logits, target in _cases(make):
        before = logits.detach().clone(), target.clone()
        loss(logits, target)
        same = torch.equal(logits, before[0]) and torch.equal(target, before[1])
        demand(same, "one of them has changed")


def keeps_out_of_checkpoints(make: Make) -> None:
    """Its state_dict is empty, so that checkpoints do not depend on it."""
    names = list(make().state_dict())
    demand(not names, f"it has {', '.join(names[:3])}")


def refuses_a_target_that_does_not_fit(make: Make) -> None:
    """A target of another size is refused with an UnetzooError."""
    for loss, logits, target in _cases(make):
        try:
            loss(logits, target[..., :-1])
        except UnetzooError:
            continue
        demand(False, f"logits {tuple(logits.shape)} and a target {tuple(target[..., :-1].shape)} gave a loss")


RULES: tuple[Rule, ...] = (
    is_a_scalar,
    prefers_what_is_right,
    gradients_are_exact,
    empty_masks_are_finite,
    extreme_logits_are_finite,
    half_precision_is_safe,
    ignores_pixels,
    wholly_ignored_is_finite,
    leaves_logits_and_target,
    keeps_out_of_checkpoints,
    refuses_a_target_that_does_not_fit,
)
