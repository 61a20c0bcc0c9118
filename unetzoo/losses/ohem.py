"""Cross-entropy of the hardest pixels."""

import math
from functools import partial

import torch
from torch import Tensor

from unetzoo.losses.base import Loss, option, options
from unetzoo.losses.checks import check_number, check_share, check_smoothing
from unetzoo.losses.pixel import cross_entropy, mean_over, pixel_weights, weighted
from unetzoo.losses.target import Pair
from unetzoo.losses.tracing import hidden


@options
class OHEMCrossEntropyLoss(Loss):
    """Online hard example mining (arXiv:1604.03540) for pixels (arXiv:1605.06885, section 3.2): easy ones are ignored.

    The mean cross-entropy of the pixels whose true class has a probability below `threshold`, and of the hardest others
    up to a share `min_kept` of all pixels. The probability comes from the softmax for a multiclass target; for a binary
    or multilabel target it comes from the sigmoid, and the pixels of each class's mask are chosen separately.

    Args:
        threshold: probability in (0, 1] from which a pixel is easy.
        min_kept: share of the pixels, in [0, 1], that is kept even if easy; pixels as hard as the last one are kept,
            too.
        label_smoothing: as in `bce` and `ce`; the choice of pixels does not depend on it.
        per_image: choose pixels in each image, then average the images' losses; otherwise choose them in the batch.
        class_weights, ignore_index, from_logits: see `unetzoo.losses.base.Loss`, also for errors.
    """

    threshold: float = option(default=0.7, check=partial(check_number, above=0, at_most=1))
    min_kept: float = option(default=1 / 16, check=check_share)
    label_smoothing: float = option(default=0.0, check=check_smoothing)

    def of_pair(self, pair: Pair) -> Tensor:
        """The loss, a scalar >= 0."""
        pair = self.with_logits(pair)
        hard_labels = cross_entropy(pair)
        losses = hard_labels
        if self.label_smoothing:
            losses = cross_entropy(pair, label_smoothing=self.label_smoothing)
        class_weights = self.weights_of("class_weights", pair)
        pair = pair._replace(valid=self._hard(hard_labels.detach(), _counting(pair, class_weights)))
        weights = pixel_weights(pair, class_weights)
        return mean_over(weighted(losses, weights), weights, per_image=self.per_image)

    def _hard(self, losses: Tensor, valid: Tensor | None) -> Tensor:
        """A mask of the kept pixels, of the shape of the losses (b, ...)."""
        regions = (losses.shape[0], -1) if self.per_image and losses.numel() else (1, -1)
        rows = losses if valid is None else losses.masked_fill(~valid, -1)
        kept = hardest(rows.reshape(regions), threshold=-math.log(self.threshold), part=self.min_kept)
        kept = kept.reshape(losses.shape)
        return kept if valid is None else kept & valid


def _counting(pair: Pair, class_weights: Tensor | None) -> Tensor | None:
    """A mask of the pixels that may be chosen, of the target's shape; None: all."""
    weights = pixel_weights(pair, class_weights)
    return weights if weights is None or weights.dtype == torch.bool else weights > 0


def hardest(losses: Tensor, *, threshold: float, part: float) -> Tensor:
    """A mask of the losses above a threshold or among the largest of their row: bool, of their shape.

    Args:
        losses: (rows, n), >= 0; negative ones do not count.
        threshold: a loss.
        part: least share of a row's losses to choose, in [0, 1], rounded up.
    """
    hard = losses > threshold
    most = math.ceil(losses.shape[1] * part)
    if most == 0:
        return hard
    least = ((losses >= 0).sum(1).double() * part).ceil().long()
    if not hidden(hard) and bool((hard.sum(1) >= least).all()):
        return hard  # counting is cheaper than sorting
    last = losses.topk(most, dim=1).values.gather(1, (least - 1).clamp(min=0)[:, None])
    return hard | (losses >= last)
