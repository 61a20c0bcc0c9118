"""Cross-entropy of the pixels that are hard."""

import math

import torch
from torch import Tensor

from unetzoo.losses.base import Loss, options
from unetzoo.losses.checks import check_number, check_smoothing
from unetzoo.losses.pixel import cross_entropy, mean_over, pixel_weights, weighted
from unetzoo.losses.target import Pair
from unetzoo.losses.tracing import hidden


@options
class OHEMCrossEntropyLoss(Loss):
    """Online hard example mining (arXiv:1604.03540) for pixels (arXiv:1605.06885, section 3.2): easy ones do not count.

    The mean of the cross-entropy over the pixels whose truth has a probability below `threshold`, and over the hardest
    ones until they are `min_kept` of all. The probability is that of the softmax for a multiclass target; for a binary
    or multilabel one it is that of the sigmoid, and each class's mask has pixels of its own.

    Args:
        threshold: probability in (0, 1] from which on a pixel is easy.
        min_kept: the part of the pixels that count, in [0, 1], which is kept however easy they are; pixels that are as
            hard as the last of them are kept too.
        label_smoothing: as of `bce` and `ce`; which pixels are hard does not depend on it.
        per_image: pixels are chosen in each image, then the mean of the images' losses; otherwise in the batch.
        class_weights, ignore_index, from_logits: see `unetzoo.losses.base.Loss`.

    Raises:
        OptionError: for a value outside its range.
    """

    threshold: float = 0.7
    min_kept: float = 1 / 16
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        check_number("threshold", self.threshold, above=0, at_most=1)
        check_number("min_kept", self.min_kept, at_least=0, at_most=1)
        check_smoothing(self.label_smoothing)

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
        """Which pixels are kept, of the shape of the losses (b, ...)."""
        regions = (losses.shape[0], -1) if self.per_image and losses.numel() else (1, -1)
        rows = losses if valid is None else losses.masked_fill(~valid, -1)
        kept = hardest(rows.reshape(regions), threshold=-math.log(self.threshold), part=self.min_kept)
        kept = kept.reshape(losses.shape)
        return kept if valid is None else kept & valid


def _counting(pair: Pair, class_weights: Tensor | None) -> Tensor | None:
    """Which pixels may be chosen at all, of the target's shape; None: all."""
    weights = pixel_weights(pair, class_weights)
    return weights if weights is None or weights.dtype == torch.bool else weights > 0


def hardest(losses: Tensor, *, threshold: float, part: float) -> Tensor:
    """Which losses are above a threshold, or among the largest of their row: bool, of their shape.

    Args:
        losses: (rows, n), >= 0; those below 0 do not count.
        threshold: of the losses.
        part: of a row's losses that count, in [0, 1], rounded up; as many are chosen at least.
    """
    hard = losses > threshold
    most = math.ceil(losses.shape[1] * part)
    if most == 0:
        return hard
    wanted = ((losses >= 0).sum(1).double() * part).ceil().long()
    if not hidden(hard) and bool((hard.sum(1) >= wanted).all()):
        return hard  # to look is cheaper than to sort
    last = losses.topk(most, dim=1).values.gather(1, (wanted - 1).clamp(min=0)[:, None])
    return hard | (losses >= last)
