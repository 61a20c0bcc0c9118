"""Shared by losses that are a mean over pixels."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.losses.target import IGNORED, Pair
from unetzoo.losses.tracing import by_formula, is_transformed


def cross_entropy(
    pair: Pair,
    *,
    label_smoothing: float = 0.0,
    class_weights: Tensor | None = None,
    pos_weight: Tensor | None = None,
) -> Tensor:
    """The cross-entropy of each pixel times the weight of its class; 0 for pixels that do not count.

    Args:
        pair: with logits; masks may be soft.
        label_smoothing: s in [0, 1); a pixel's class gets 1 - s + s / k, every other s / k; a mask's 1 gets 1 - s / 2,
            its 0 gets s / 2 (arXiv:1512.00567, section 7).
        class_weights: (k), None: all 1.
        pos_weight: weight of 1 in masks, (1) or (k); None: 1.

    Returns:
        (b, h, w) of the softmax for a multiclass pair, else (b, k, h, w) of each sigmoid.
    """
    if pair.mode == "multiclass":
        if class_weights is None and not by_formula(pair.logits):
            losses = _SoftmaxCrossEntropy.apply(pair.logits, _ids(pair), label_smoothing)[0]
            return weighted(losses, pair.valid)
        if is_transformed(pair.logits):  # torch's own does not take targets that are batched by `vmap`
            return weighted(_formula(pair.logits, _ids(pair), label_smoothing, class_weights), pair.valid)
        return F.cross_entropy(
            pair.logits,
            pair.target,
            class_weights,
            ignore_index=IGNORED,
            label_smoothing=label_smoothing,
            reduction="none",
        )
    expected = pair.target * (1 - label_smoothing) + label_smoothing / 2 if label_smoothing else pair.target
    weight = None if pos_weight is None else pos_weight[:, None, None]
    losses = F.binary_cross_entropy_with_logits(pair.logits, expected, pos_weight=weight, reduction="none")
    return weighted(losses, pixel_weights(pair, class_weights))


def _formula(logits: Tensor, ids: Tensor, smoothing: float, weights: Tensor | None) -> Tensor:
    """-(1 - s) w[t] log p[t] - s mean w log p of each pixel (b, h, w) with class t."""
    log_p = logits.log_softmax(1)
    if weights is not None:
        log_p = log_p * weights[:, None, None]
    return (smoothing - 1) * log_p.gather(1, ids[:, None])[:, 0] - smoothing * log_p.mean(1)


class _SoftmaxCrossEntropy(torch.autograd.Function):
    """-sum y log p of each pixel (b, h, w) with softmax p (b, k, h, w), and log p; the gradient is p - y.

    y is 1 - s + s / k for the pixel's class t and s / k for all others: the loss is -(1 - s) log p[t] - s mean log p.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(logits: Tensor, ids: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
        log_p = logits.log_softmax(1)
        losses = log_p.gather(1, ids[:, None])[:, 0].mul_(smoothing - 1)
        return (losses.sub_(log_p.mean(1), alpha=smoothing) if smoothing else losses), log_p

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, float], output: tuple[Tensor, Tensor]) -> None:  # noqa: ANN401 - torch's
        logits, ids, ctx.smoothing = inputs
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(logits, ids, output[1])
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None, _: None) -> tuple[Tensor | None, None, None]:  # noqa: ANN401 - torch's
        if gradient is None:
            return None, None, None
        logits, ids, log_p = ctx.saved_tensors
        again = torch.is_grad_enabled()  # for a second derivative
        p = logits.softmax(1) if again else log_p.exp()
        others, truth, gradient = ctx.smoothing / logits.shape[1], ids[:, None], gradient[:, None]
        if again or is_transformed(gradient):
            at_truth = torch.zeros_like(p).scatter(1, truth, 1 - ctx.smoothing)
            return (p - others - at_truth) * gradient, None, None
        excess = p.sub_(others) if others else p
        return excess.mul_(gradient).scatter_add_(1, truth, gradient * (ctx.smoothing - 1)), None, None


def parts(maps: Tensor) -> list[slice]:
    """Slices of a batch whose intermediate maps fit the cache: single images on a CPU, all on other devices."""
    images = 1 if maps.device.type == "cpu" else max(1, len(maps))
    return [slice(start, start + images) for start in range(0, len(maps), images)]


def _ids(pair: Pair) -> Tensor:
    """The class ids (b, h, w), 0 for pixels that do not count."""
    return pair.target if pair.valid is None else pair.target.clamp(min=0)


def pixel_weights(pair: Pair, class_weights: Tensor | None) -> Tensor | None:
    """The weight of each element of the target, of its shape; 0 or False: it does not count; None: all 1."""
    if class_weights is None:
        return pair.valid
    if pair.mode == "multiclass":
        weights = class_weights[pair.target.clamp(min=0)]
    else:
        weights = class_weights[:, None, None].expand_as(pair.logits)
    return weights if pair.valid is None else weights * pair.valid


def weighted(losses: Tensor, weights: Tensor | None) -> Tensor:
    """The losses times their weights; exactly 0 for a weight of False."""
    if weights is None:
        return losses
    return losses.masked_fill(~weights, 0) if weights.dtype == torch.bool else losses * weights


def mean_over(losses: Tensor, weights: Tensor | None, *, per_image: bool) -> Tensor:
    """The sum of weighted losses divided by the sum of weights, a scalar; 0, with gradient 0, if all weights are 0.

    Args:
        losses: (b, ...), times their weights; where a weight is 0 they do not count, whatever their value.
        weights: of the same shape, from `pixel_weights`; None: all 1.
        per_image: a mean for each image whose weights are not all 0, then the mean of these.
    """
    if weights is None:
        return losses.sum() / max(1, losses.numel())  # images of one size: the mean of their means is the mean of all
    if weights.dtype != torch.bool:  # label smoothing gives a pixel a part of every class
        losses = losses.masked_fill(weights == 0, 0)
    if not per_image:
        mass = weights.sum()
        return losses.sum() / torch.where(mass > 0, mass, 1)
    mass = weights.flatten(1).sum(1)
    means = losses.flatten(1).sum(1) / torch.where(mass > 0, mass, 1)
    return means.sum() / (mass > 0).sum().clamp(min=1)
