"""What the losses share: the probabilities and masks of a pair, without the pixels that do not count."""

from typing import NamedTuple

from torch import Tensor

from unetzoo.losses import as_masks, make_pair


class Masks(NamedTuple):
    """What is compared.

    Attributes:
        probability: (b, k, h, w), 0 where a pixel does not count.
        truth: (b, k, h, w) of 0 and 1, 0 where a pixel does not count.
        valid: (b, k, h, w), which count; None: all.
    """

    probability: Tensor
    truth: Tensor
    valid: Tensor | None


def masks_of(logits: Tensor, target: Tensor, ignore_index: int | None) -> Masks:
    """Softmax for a multiclass target, else sigmoid.

    Args:
        logits: (b, k, h, w).
        target: (b, h, w) for binary and multiclass, (b, k, h, w) for multilabel.
        ignore_index: target value of pixels that do not count; None: all count.

    Raises:
        unetzoo.TargetError: for a target that does not fit.
    """
    pair = make_pair(logits, target, ignore_index)
    multiclass = pair.mode == "multiclass"
    probability = pair.logits.softmax(1) if multiclass else pair.logits.sigmoid()
    valid = pair.valid
    if valid is not None:
        valid = (valid[:, None] if multiclass else valid).expand_as(probability)
        probability = probability.masked_fill(~valid, 0)
    return Masks(probability, as_masks(pair), valid)


def mean_over(values: Tensor, masks: Masks) -> Tensor:
    """The mean of values (b, k, h, w) that are 0 where a pixel does not count; 0 where none does."""
    if masks.valid is None:
        return values.sum() / max(1, values.numel())
    return values.sum() / masks.valid.sum().clamp(min=1)
