"""Cross-entropies with a factor or a summand that depends on the probability of the true class."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from unetzoo.errors import OptionError
from unetzoo.losses.base import Loss, option, options
from unetzoo.losses.checks import Weights, check_not_negative, check_number, check_smoothing
from unetzoo.losses.pixel import cross_entropy, mean_over, pixel_weights, weighted
from unetzoo.losses.target import Pair
from unetzoo.losses.tracing import by_formula, is_transformed


@options
class FocalLoss(Loss):
    """Focal loss (arXiv:1708.02002, eq. 5): cross-entropy in which well classified pixels weigh less.

    The mean of -a (1 - p)^gamma log p over all pixels that count (the paper, which is about boxes, divides by the
    number of objects); p is the probability of the true class, by a sigmoid for a binary or multilabel target and a
    softmax for a multiclass one.

    Args:
        gamma: >= 0; 0 is cross-entropy.
        alpha: for a binary or multilabel target a number in [0, 1], the weight of 1, while 0 has the weight 1 - alpha;
            for a multiclass target a weight per class, which does not change the divisor of the mean. None: 1 for all.
        class_weights, per_image, ignore_index, from_logits: see `unetzoo.losses.base.Loss`, also for errors.
    """

    gamma: float = option(default=2.0, check=check_not_negative)
    alpha: float | Weights | None = None

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        self._positive_weight: float | None = None
        if isinstance(self.alpha, (int, float)):
            if not 0 <= self.alpha <= 1:
                raise OptionError(f"alpha must be a number in [0, 1], or one weight for each class; got {self.alpha!r}")
            self._positive_weight = float(self.alpha)
        self.keep_weights("alpha", None if isinstance(self.alpha, (int, float)) else self.alpha)

    def of_pair(self, pair: Pair) -> Tensor:
        """The loss, a scalar >= 0."""
        pair = self.with_logits(pair)
        losses = self._of_classes(pair) if pair.mode == "multiclass" else self._of_masks(pair)
        weights = pixel_weights(pair, self.weights_of("class_weights", pair))
        return mean_over(weighted(losses, weights), weights, per_image=self.per_image)

    def _of_masks(self, pair: Pair) -> Tensor:
        """The loss of each logit (b, k, h, w)."""
        if self.alpha is not None:
            raise OptionError(f"a {pair.mode} target needs one number in [0, 1] as alpha, not a weight for each class")
        losses = focused(cross_entropy(pair), self.gamma)
        if self._positive_weight is None:
            return losses
        return losses * torch.where(pair.target > 0, self._positive_weight, 1 - self._positive_weight)

    def _of_classes(self, pair: Pair) -> Tensor:
        """The loss of each pixel (b, h, w)."""
        if self._positive_weight is not None:
            raise OptionError("a multiclass target needs one weight for each class as alpha, not one number")
        losses = focused(cross_entropy(pair), self.gamma)
        weights = self.weights_of("alpha", pair)
        return losses if weights is None else losses * weights[pair.target.clamp(min=0)]


@options
class PolyLoss(Loss):
    """Poly-1 loss (arXiv:2204.12511, eq. 5): cross-entropy plus epsilon times the missing probability.

    The mean of -log p + epsilon (1 - p) over all pixels that count; p is the probability of the true class, by a
    sigmoid for a binary or multilabel target and a softmax for a multiclass one. Smoothed labels t give sum t (1 - p),
    as in the paper's code (appendix).

    Args:
        epsilon: >= -1; 0 is cross-entropy.
        label_smoothing: as in `bce` and `ce`.
        class_weights, per_image, ignore_index, from_logits: see `unetzoo.losses.base.Loss`, also for errors.
    """

    epsilon: float = option(default=1.0, check=partial(check_number, at_least=-1))
    label_smoothing: float = option(default=0.0, check=check_smoothing)

    def of_pair(self, pair: Pair) -> Tensor:
        """The loss, a scalar >= 0."""
        pair = self.with_logits(pair)
        hard = cross_entropy(pair)
        missing = 1 - torch.exp(-hard)
        smoothing = self.label_smoothing
        losses = hard
        if smoothing:
            shared = smoothing / (pair.logits.shape[1] if pair.mode == "multiclass" else 2)
            losses = cross_entropy(pair, label_smoothing=smoothing)
            missing = (1 - smoothing) * missing + smoothing - shared
        weights = pixel_weights(pair, self.weights_of("class_weights", pair))
        return mean_over(weighted(losses + self.epsilon * missing, weights), weights, per_image=self.per_image)


def focused(losses: Tensor, gamma: float) -> Tensor:
    """Cross-entropies -log p times (1 - p)^gamma, of the same shape.

    Its gradient is explicit: autograd would keep twice as many maps.
    """
    if by_formula(losses):
        return _missing(losses, gamma).pow(gamma) * losses
    result: Tensor = _Focused.apply(losses, gamma)[0]
    return result


class _Focused(torch.autograd.Function):
    """m^gamma l of each l = -log p >= 0, m = 1 - p; the gradient is m^(gamma - 1) (gamma p l + m)."""

    generate_vmap_rule = True

    @staticmethod
    def forward(losses: Tensor, gamma: float) -> tuple[Tensor, Tensor]:
        missing = _missing(losses, gamma)
        return missing.pow(gamma).mul_(losses), missing

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: tuple[Tensor, Tensor]) -> None:  # noqa: ANN401 - torch's
        losses, ctx.gamma = inputs
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(losses, output[1])
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None, _: None) -> tuple[Tensor | None, None]:  # noqa: ANN401 - torch's
        if gradient is None:
            return None, None
        losses, missing = ctx.saved_tensors
        power = ctx.gamma - 1
        if torch.is_grad_enabled() or is_transformed(gradient):
            missing = _missing(losses, ctx.gamma)  # for a second derivative
            return missing.pow(power) * (ctx.gamma * (1 - missing) * losses + missing) * gradient, None
        slope = torch.sub(1, missing).mul_(losses).mul_(ctx.gamma).add_(missing)
        return slope.mul_(missing if power == 1 else missing.pow(power)).mul_(gradient), None


def _missing(losses: Tensor, gamma: float) -> Tensor:
    """1 - p for cross-entropies -log p; for a power < 1 exact also near 0, but above 0."""
    if gamma >= 1:
        return 1 - torch.exp(-losses)  # faster than expm1, and a small value weighs little
    return torch.expm1(-losses).neg().clamp_min(torch.finfo(losses.dtype).tiny)
