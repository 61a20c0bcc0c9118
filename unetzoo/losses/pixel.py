"""What the losses share that are a mean over pixels."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.losses.target import IGNORED, Pair, masks_of_ids

_SMALLEST = 16  # times the smallest normal number: a probability that has all its digits


def cross_entropy(
    pair: Pair,
    *,
    label_smoothing: float = 0.0,
    class_weights: Tensor | None = None,
    pos_weight: Tensor | None = None,
) -> Tensor:
    """The cross-entropy of each pixel, times the weight of its class; 0 where a pixel does not count.

    Args:
        pair: with logits; masks may be soft.
        label_smoothing: s in [0, 1); a pixel's class gets 1 - s + s / k, every other s / k; a mask's 1 gets 1 - s / 2,
            its 0 gets s / 2 (arXiv:1512.00567, section 7).
        class_weights: (k), None: all 1.
        pos_weight: of the 1 of masks, (1) or (k); None: 1.

    Returns:
        Of the softmax (b, h, w) for a multiclass pair, of each sigmoid (b, k, h, w) for another one.
    """
    by_hand = pair.logits.requires_grad and not torch.compiler.is_compiling()
    if pair.mode == "multiclass":
        if by_hand and class_weights is None:
            losses = _OfClasses.apply(pair.logits, _ids(pair), label_smoothing)[0]
            return weighted(losses, pair.valid)
        return F.cross_entropy(
            pair.logits,
            pair.target,
            class_weights,
            ignore_index=IGNORED,
            label_smoothing=label_smoothing,
            reduction="none",
        )
    expected = pair.target * (1 - label_smoothing) + label_smoothing / 2 if label_smoothing else pair.target
    if by_hand and pos_weight is None:
        losses = _OfMasks.apply(pair.logits, expected)
    else:
        weight = None if pos_weight is None else pos_weight[:, None, None]
        losses = F.binary_cross_entropy_with_logits(pair.logits, expected, pos_weight=weight, reduction="none")
    return weighted(losses, pixel_weights(pair, class_weights))


class _OfMasks(torch.autograd.Function):
    """-(y log p + (1 - y) log(1 - p)) of each logit, p being its sigmoid; the gradient is p - y.

    Nothing is kept but what was given: p is made anew.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(logits: Tensor, expected: Tensor) -> Tensor:
        log_p = logits.abs().neg_().sigmoid_().neg_().log1p_()  # of |x|: log(1 - sigmoid(-|x|)), exact near 0
        return logits.relu().addcmul_(logits, expected, value=-1).sub_(log_p)  # in this order exact for hard masks

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: object) -> None:  # noqa: ANN401, ARG004 - torch's
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401 - torch's
        logits, expected = ctx.saved_tensors
        if torch.is_grad_enabled():  # for a second derivative
            return (logits.sigmoid() - expected) * gradient, None
        return logits.sigmoid().sub_(expected).mul_(gradient), None


class _OfClasses(torch.autograd.Function):
    """-sum y log p of each pixel (b, h, w), p being its softmax (b, k, h, w), and p; the gradient is p - y.

    y is 1 - s + s / k for the pixel's class t and s / k for every other. Of logits x the loss is s (x[t] - mean x) -
    log p[t].
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(logits: Tensor, ids: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
        probability = logits.softmax(1)
        truth = ids[:, None]
        losses = _log_of_truth(logits, probability, truth)[:, 0].neg_()
        if smoothing:
            losses.add_(logits.gather(1, truth)[:, 0].sub_(logits.mean(1)), alpha=smoothing)
        return losses, probability

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
        logits, ids, probability = ctx.saved_tensors
        if torch.is_grad_enabled():  # for a second derivative
            return (logits.softmax(1) - _expected(ids, logits, ctx.smoothing)) * gradient[:, None], None, None
        excess = torch.empty_like(logits)
        for part in parts(logits):
            torch.sub(probability[part], _expected(ids[part], logits, ctx.smoothing), out=excess[part])
            excess[part].mul_(gradient[part, None])
        return excess, None, None


def _log_of_truth(logits: Tensor, probability: Tensor, ids: Tensor) -> Tensor:
    """The log of the probability of class ids (b, 1, h, w)."""
    if logits.device.type == "cpu" and logits.numel():
        truth = probability.gather(1, ids)
        if truth.amin() > _SMALLEST * torch.finfo(truth.dtype).tiny:
            return truth.log_()  # a second map of log p would take a third of the time
    return logits.log_softmax(1).gather(1, ids)


def _expected(ids: Tensor, logits: Tensor, smoothing: float) -> Tensor:
    """The probabilities (b, k, h, w) that smoothed labels expect, for class ids (b, h, w)."""
    classes = logits.shape[1]
    expected = masks_of_ids(ids, classes).view(torch.uint8).to(logits.dtype)
    return expected.mul_(1 - smoothing).add_(smoothing / classes) if smoothing else expected


def parts(maps: Tensor) -> list[slice]:
    """A batch in parts, so that what is made of one stays in a CPU's cache: its images; the whole on other devices."""
    images = 1 if maps.device.type == "cpu" else max(1, len(maps))
    return [slice(start, start + images) for start in range(0, len(maps), images)]


def _ids(pair: Pair) -> Tensor:
    """The class ids (b, h, w), 0 where a pixel does not count."""
    return pair.target if pair.valid is None else pair.target.clamp(min=0)


def pixel_weights(pair: Pair, class_weights: Tensor | None) -> Tensor | None:
    """How much each element of the target counts, of its shape; 0 or False where it does not; None: all count 1.

    Args:
        pair: logits and target.
        class_weights: (k), None: all 1.
    """
    if class_weights is None:
        return pair.valid
    if pair.mode == "multiclass":
        weights = class_weights[pair.target.clamp(min=0)]
    else:
        weights = class_weights[:, None, None].expand_as(pair.logits)
    return weights if pair.valid is None else weights * pair.valid


def weighted(losses: Tensor, weights: Tensor | None) -> Tensor:
    """The losses times their weights, exactly 0 where a weight is False."""
    if weights is None:
        return losses
    return losses.masked_fill(~weights, 0) if weights.dtype == torch.bool else losses * weights


def mean_over(losses: Tensor, weights: Tensor | None, *, per_image: bool) -> Tensor:
    """The sum of weighted losses over that of their weights, a scalar; 0, with gradient 0, where all weights are 0.

    Args:
        losses: (b, ...), times their weights.
        weights: of the same shape, as `pixel_weights` gives them; None: all 1.
        per_image: a mean for each image whose weights are not all 0, then the mean of these.
    """
    if weights is None:
        return losses.sum() / max(1, losses.numel())  # images of one size: the mean of their means is that of all
    if not per_image:
        mass = weights.sum()
        return losses.sum() / torch.where(mass > 0, mass, 1)
    mass = weights.flatten(1).sum(1)
    means = losses.flatten(1).sum(1) / torch.where(mass > 0, mass, 1)
    return means.sum() / (mass > 0).sum().clamp(min=1)
