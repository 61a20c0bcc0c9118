"""The generalised Dice loss."""

from typing import Literal

import torch
from torch import Tensor

from unetzoo.checks import check_choice
from unetzoo.losses.base import Loss
from unetzoo.losses.checks import Weights, check_not_negative
from unetzoo.losses.region import Regions, divided, measure

Volume = Literal["square", "simple", "uniform"]


class GeneralizedDiceLoss(Loss):
    """1 - generalised Dice coefficient (arXiv:1707.03237, eq. of GDL): one ratio for all classes, rare ones count more.

    The coefficient is (2 sum w TP + smooth) / (sum w (2 TP + FP + FN) + smooth), summed over classes: w is 1 over the
    square of a class's pixels in the target, scaled to a sum of 1 over the classes; TP, FP and FN are the sums of its
    probability (softmax for a multiclass target, else sigmoid). A class that is absent from the target has the largest
    weight of the others, as in MONAI.

    MONAI adds its smooth to sums whose weights are not scaled, so that what it does depends on the number of pixels:
    its loss is this one with `per_image=True` and its smooth, divided by the sum of the weights 1 / pixels^2.

    Args:
        weights: `"square"`: 1 / pixels^2, `"simple"`: 1 / pixels, `"uniform"`: 1.
        smooth: pixels that are added to numerator and denominator, >= 0; with 0 a target without any class has no loss.
        class_weights: one for each class, >= 0, times w; None: all 1.
        per_image, ignore_index, from_logits: as every loss takes them, see `unetzoo.losses.base.Loss`.

    Raises:
        OptionError: for a value outside its range.
    """

    def __init__(
        self,
        *,
        weights: Volume = "square",
        smooth: float = 1.0,
        class_weights: Weights | None = None,
        per_image: bool = False,
        ignore_index: int | None = None,
        from_logits: bool = True,
    ) -> None:
        super().__init__(
            class_weights=class_weights, per_image=per_image, ignore_index=ignore_index, from_logits=from_logits
        )
        check_choice("weights", weights, Volume)
        check_not_negative("smooth", smooth)
        self.volume = weights
        self.smooth = smooth

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss, a scalar from 0 to 1.

        Args:
            logits: (b, k, h, w).
            target: (b, h, w) for binary (k = 1) and multiclass, (b, k, h, w) for multilabel.

        Raises:
            TargetError: for a target that does not fit.
            OptionError: when `class_weights` has another number of classes.
        """
        pair = self.read(logits, target)
        regions = measure(pair, self.probabilities(pair), per_image=self.per_image)
        weights = self._scaled(regions, self.weights(pair))
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
        exponent = {"square": 2, "simple": 1, "uniform": 0}[self.volume]
        # over the rarest class's, which an absent class takes: 1 / pixels^2 itself is too small for half precision
        weights = torch.where(present, fewest / regions.positives.clamp(min=1), 1) ** exponent
        weights = weights * (regions.counted > 0)
        if class_weights is not None:
            weights = weights * class_weights
        return divided(weights, weights.sum(1, keepdim=True))
