"""The optimizer of the weights, its learning rates, and the moving average of the weights."""

import copy
import math
from collections.abc import Callable
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm
from torch.optim import AdamW
from torch.optim.adamw import adamw

from unetzoo.nn.segmenter import Segmenter
from unetzoo.training.options import FitOptions, Schedule

_CLIP_EPS = 1e-6  # beside the norm, as in torch.nn.utils.clip_grad_norm_
_POWER = 0.9  # of poly, as in DeepLab (arXiv:1606.00915)


def create_optimizer(model: Segmenter, options: FitOptions, device: torch.device) -> AdamW:
    """AdamW with a learning rate of its own for the encoder, and without decay of biases and norms."""
    highest, encoder_rate = options.rates(is_trained=False, width=model.encoder.features.channels[-1])
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        rate = encoder_rate if name.startswith("encoder.") else 1.0
        groups.setdefault((rate, parameter.ndim > 1), []).append(parameter)
    described = [
        {"params": parameters, "lr": rate * highest} | ({} if decays else {"weight_decay": 0.0})
        for (rate, decays), parameters in groups.items()
    ]
    if device.type == "cpu":
        return DenseAdamW(described, weight_decay=options.weight_decay, clip=options.clip)
    return AdamW(described, weight_decay=options.weight_decay)


def rate_of(schedule: Schedule, *, steps: int, warm_up: float) -> Callable[[int], float]:
    """The learning rate at each step from 0 on, as a share of the highest: a linear warm-up, then a fall to 0."""
    rising = round(warm_up * steps)

    def rate(step: int) -> float:
        if step < rising:
            return (step + 1) / (rising + 1)
        progress = min(1.0, (step - rising) / max(1, steps - rising))
        return 0.5 + 0.5 * math.cos(math.pi * progress) if schedule == "cosine" else (1 - progress) ** _POWER

    return rate


class MovingAverage(nn.Module):
    """A copy of a network that is the moving average of its weights and buffers; update it after every step.

    The decay is at most (1 + steps) / (10 + steps), so that the average follows faster early on. Unlike torch's
    `AveragedModel`, whose state it has, it never makes the host wait for a GPU.

    Args:
        model: is copied.
        decay: 0 to 1.

    Attributes:
        module: the averaged network.
    """

    n_averaged: Tensor

    def __init__(self, model: Segmenter, decay: float) -> None:
        super().__init__()
        self.module = copy.deepcopy(model)
        self.decay = decay
        self.register_buffer("n_averaged", torch.tensor(0))  # stays on the CPU

    @torch.no_grad()
    def update_parameters(self, model: Segmenter) -> None:
        """Follow the weights and buffers of the network; the first update copies them."""
        steps = int(self.n_averaged)
        share = 1 - min(self.decay, (1 + steps) / (10 + steps)) if steps else 1.0
        averages, currents = _tensors(self.module), _tensors(model)
        torch._foreach_lerp_(averages[True], currents[True], share)
        if averages[False]:
            torch._foreach_copy_(averages[False], currents[False])
        self.n_averaged += 1


def _tensors(model: nn.Module) -> dict[bool, list[Tensor]]:
    """Weights and buffers: those of numbers with a fraction, and others such as counts of batches."""
    tensors: dict[bool, list[Tensor]] = {True: [], False: []}
    for tensor in chain(model.parameters(), model.buffers()):
        tensors[tensor.is_floating_point()].append(tensor)
    return tensors


class _Row(NamedTuple):
    """A weight, its gradient, the moving averages of that and of its square, and the number of steps.

    They are `dense` if all have one order in memory without gaps, which the fused kernel takes for granted.
    """

    weight: Tensor
    gradient: Tensor
    mean: Tensor
    mean_square: Tensor
    step: Tensor
    dense: bool


class DenseAdamW(AdamW):
    """Torch's fused AdamW on a CPU, given its tensors in their order in memory.

    Torch's own is wrong where a weight and its state have different orders: these are updated one by one, by torch's
    plain form. It copies weights in the order `torch.channels_last`, and their state, to the usual order and back in
    each step, which takes twice as long as the step itself. The state is that of `torch.optim.AdamW`.

    Gradients are clipped to a norm of `clip` as `torch.nn.utils.clip_grad_norm_` does, but scaled where they are used
    rather than in a pass of its own, and not at all where they are small enough.
    """

    def __init__(self, groups: list[dict[str, Any]], *, weight_decay: float, clip: float | None = None) -> None:
        super().__init__(groups, weight_decay=weight_decay, fused=True)
        self._clip = clip

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update the weights; a closure is not supported."""
        assert closure is None  # noqa: S101 - no caller has one
        groups = [[row for weight in group["params"] if (row := self._row_of(weight))] for group in self.param_groups]
        scale = self._scale_of([row.gradient for rows in groups for row in rows])
        for group, rows in zip(self.param_groups, groups, strict=True):
            _update(group, [row for row in rows if row.dense], scale, fused=True)
            others = [row for row in rows if not row.dense]
            _update(group, [row._replace(gradient=_divided(row.gradient, scale)) for row in others], None, fused=False)

    def _scale_of(self, gradients: list[Tensor]) -> Tensor | None:
        """The number that gradients are divided by, to clip them; None: 1."""
        if self._clip is None or not gradients:
            return None
        scale = (get_total_norm(gradients).float() + _CLIP_EPS) / self._clip  # the kernel takes float32 alone
        return scale if scale > 1 else None

    def _row_of(self, weight: Tensor) -> "_Row | None":
        """A weight with its gradient and state, permuted to be contiguous if possible; None without a gradient."""
        if weight.grad is None:
            return None
        state = self._state_of(weight)
        tensors = (weight, weight.grad, state["exp_avg"], state["exp_avg_sq"])
        permuted = _permuted(*tensors)
        data, gradient, mean, square = permuted or tensors
        return _Row(data, gradient, mean, square, state["step"], dense=permuted is not None)

    def _state_of(self, weight: Tensor) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.state[weight]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32)
            for name in ("exp_avg", "exp_avg_sq"):
                state[name] = torch.zeros_like(weight, memory_format=torch.preserve_format)
        return state


def _update(group: dict[str, Any], rows: list[_Row], scale: Tensor | None, *, fused: bool) -> None:
    beta1, beta2 = group["betas"]
    adamw(
        [row.weight for row in rows],
        [row.gradient for row in rows],
        [row.mean for row in rows],
        [row.mean_square for row in rows],
        [],
        [row.step for row in rows],
        foreach=False,
        fused=fused,
        grad_scale=scale,
        amsgrad=False,
        beta1=beta1,
        beta2=beta2,
        lr=group["lr"],
        weight_decay=group["weight_decay"],
        eps=group["eps"],
        maximize=False,
    )


def _divided(gradient: Tensor, scale: Tensor | None) -> Tensor:
    return gradient if scale is None else gradient / scale


def _permuted(*tensors: Tensor) -> tuple[Tensor, ...] | None:
    """Tensors of one shape, permuted so that they are contiguous; None where their orders differ, or with gaps.

    An axis of length 1 may have any stride.
    """
    if all(tensor.is_contiguous() for tensor in tensors):
        return tensors
    first, *others = bare = [tensor.squeeze() for tensor in tensors]
    axes = sorted(range(first.ndim), key=first.stride, reverse=True)
    if any(other.stride() != first.stride() for other in others) or not first.permute(axes).is_contiguous():
        return None
    return tuple(tensor.permute(axes) for tensor in bare)
