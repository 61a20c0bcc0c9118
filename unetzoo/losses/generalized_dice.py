"""The generalized Dice loss."""

from functools import partial
from typing import Literal

import torch
from torch import Tensor

from unetzoo.checks import check_choice
from unetzoo.losses.base import Loss, option, options
from unetzoo.losses.checks import check_not_negative
from unetzoo.losses.region import Regions, divided, measure
from unetzoo.losses.target import Pair

Volume = Literal["square", "simple", "uniform"]


@options
class GeneralizedDiceLoss(Loss):
    """1 - generalized Dice coefficient (arXiv:1707.03237, eq. of GDL): one ratio for all classes; rare ones weigh more.

    The coefficient is (2 sum w TP + smooth) / (sum w (2 TP + FP + FN) + smooth), summed over classes: w is 1 over the
    square of a class's pixels in the target, scaled to a sum of 1 over the classes; TP, FP and FN are the sums of its
    probability (softmax for a multiclass target, else sigmoid). A class that is absent from the target has the largest
    weight of the others, as in MONAI.

    MONAI adds its smooth to sums with unscaled weights, so that its effect depends on the number of pixels: its loss is
    this one with `per_image=True` and its smooth, divided by the sum of the weights 1 / pixels^2.

    Args:
        weights: `"square"`: 1 / pixels^2, `"simple"`: 1 / pixels, `"uniform"`: 1.
        smooth: pixels that are added to numerator and denominator, >= 0; with 0 a target without any class has no loss.
        class_weights: factor of w per class, >= 0; None: all 1.
        per_image, ignore_index, from_logits: see `unetzoo.losses.base.Loss`, also for errors.
    """

    weights: Volume = option(default="square", check=partial(check_choice, allowed=Volume))
    smooth: float = option(default=1.0, check=check_not_negative)

    def of_pair(self, pair: Pair) -> Tensor:
        """The loss, a scalar >= 0."""
        regions = measure(pair, self.probabilities(pair), per_image=self.per_image)
        weights = self._scaled(regions, self.weights_of("class_weights", pair))
        wrong = (weights * (regions.outside + regions.missing)).sum(1)
        right = (weights * regions.inside).sum(1)
        losses = divided(wrong, 2 * right + wrong + self.smooth)
        counts = (weights * (regions.counted if self.smooth else regions.positives)).sum(1) > 0
        return (losses * counts).sum() / counts.sum().clamp(min=1)

    def _scaled(self, regions: Regions, class_weights: Tensor | None) -> Tensor:
        """The weights of the classes (r, k), with a sum of 1."""
        present = regions.positives > 0
        if class_weights is not None:
            present = present & (class_weights > 0)
        fewest = torch.where(present, regions.positives, torch.inf).amin(1, keepdim=True)
        exponent = {"square": 2, "simple": 1, "uniform": 0}[self.weights]
        # relative to the rarest class, also for absent classes: 1 / pixels^2 is too small for half precision
        weights = torch.where(present, fewest / regions.positives.clamp(min=1), 1) ** exponent
        weights = weights * (regions.counted > 0)
        if class_weights is not None:
            weights = weights * class_weights
        return divided(weights, weights.sum(1, keepdim=True))
