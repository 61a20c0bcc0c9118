"""The Hausdorff distance by distance transforms (Karimi and Salcudean 2019, arXiv:1904.10030, section 2.2.1)."""

import math

from torch import Tensor, nn

import unetzoo
from unetzoo_boundary.common import masks_of, mean_over
from unetzoo_boundary.distances import boundary_distance, of_each


class HausdorffLoss(nn.Module):
    """The mean of (s - g)^2 * (d_g^alpha + d_s^alpha), d the distances to the boundaries of g and s (eq. 8).

    s is the probability and g the mask.

    The prediction's boundary is where its probability is 1/2; distances carry no gradient.

    Args:
        alpha: how much far errors count more than near ones, > 0; the paper has 2.
        ignore_index: target value of pixels that do not count.

    Raises:
        unetzoo.OptionError: if alpha is not a number > 0.
    """

    def __init__(self, *, alpha: float = 2.0, ignore_index: int | None = None) -> None:
        super().__init__()
        if not isinstance(alpha, int | float) or not math.isfinite(alpha) or alpha <= 0:
            raise unetzoo.OptionError(f"alpha must be a finite number > 0, got {alpha!r}")
        self.alpha = alpha
        self.ignore_index = ignore_index

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss, a scalar >= 0 in pixels to the power of alpha, for logits (b, k, h, w).

        Args:
            logits: (b, k, h, w).
            target: (b, h, w) for binary (k = 1) and multiclass, (b, k, h, w) for multilabel.

        Raises:
            unetzoo.TargetError: for a target that does not fit.
        """
        masks = masks_of(logits, target, self.ignore_index)
        to_truth = of_each(masks.truth, boundary_distance)
        to_prediction = of_each(masks.probability, boundary_distance)
        weight = to_truth**self.alpha + to_prediction**self.alpha
        return mean_over((masks.probability - masks.truth).square() * weight, masks)
