"""Losses of the overlap of prediction and truth: Dice, Jaccard and Tversky."""

from functools import partial

import torch
from torch import Tensor

from unetzoo.losses.base import option, options
from unetzoo.losses.checks import check_not_negative, check_number, check_switch
from unetzoo.losses.region import RegionLoss, Regions, divided


@options
class DiceLoss(RegionLoss):
    """1 - soft Dice coefficient of each class, the weighted mean over classes (arXiv:1608.04117).

    The coefficient is (2 sum p g + smooth) / (sum p + sum g + smooth), over the pixels that count: g is the mask of the
    class, p its probability (softmax for a multiclass target, else sigmoid). With `squared` the denominator has the
    squares of p and g, as in V-Net (arXiv:1606.04797, section 3).

    A class that is absent from the target has a coefficient of smooth / (sum p + smooth): its loss is 0 when none of it
    is predicted, and grows with the prediction. With `smooth=0` the coefficient would be 0 for any prediction, so the
    mean leaves absent classes out. segmentation_models_pytorch's loss is this one with twice its smooth and
    `absent="zero"`.

    Args:
        smooth: pixels that are added to numerator and denominator, >= 0.
        squared: square p and g in the denominator.
        absent: see `unetzoo.losses.region.RegionLoss`.
        class_weights, per_image, ignore_index, from_logits: see `unetzoo.losses.base.Loss`, also for errors.
    """

    smooth: float = option(default=1.0, check=check_not_negative)
    squared: bool = option(default=False, check=check_switch)

    def compare(self, regions: Regions) -> Tensor:
        """1 - the coefficient of each class (r, k)."""
        size = regions.inside + regions.outside + regions.positives
        return divided(regions.outside + regions.missing, size + self.smooth)


@options
class JaccardLoss(RegionLoss):
    """1 - soft Jaccard index (intersection over union) of each class (doi:10.1007/978-3-319-50835-1_22, eqs. 3 to 5).

    The index is (sum p g + smooth) / (sum p + sum g - sum p g + smooth), over the pixels that count: g is the mask of
    the class, p its probability (softmax for a multiclass target, else sigmoid); the loss is the weighted mean over
    classes. segmentation_models_pytorch's loss is this one with `smooth=0, absent="zero"`.

    Args:
        smooth: pixels that are added to intersection and union, >= 0.
        absent: see `unetzoo.losses.region.RegionLoss`.
        class_weights, per_image, ignore_index, from_logits: see `unetzoo.losses.base.Loss`, also for errors.
    """

    def compare(self, regions: Regions) -> Tensor:
        """1 - the index of each class (r, k)."""
        union = regions.positives + regions.outside
        return divided(regions.outside + regions.missing, union + self.smooth)


@options
class _OfTversky(RegionLoss):
    """A loss of the Tversky index."""

    alpha: float = option(default=0.3, check=check_not_negative)
    beta: float = option(default=0.7, check=check_not_negative)

    def tversky(self, regions: Regions) -> Tensor:
        """1 - the index of each class (r, k)."""
        return tversky(regions, self.alpha, self.beta, self.smooth)


@options
class TverskyLoss(_OfTversky):
    """1 - Tversky index of each class (arXiv:1706.05721, eqs. 3 and 4), which weighs the two kinds of error.

    The index is (TP + smooth) / (TP + alpha FP + beta FN + smooth), over the pixels that count: TP is the sum of a
    class's probability p (softmax for a multiclass target, else sigmoid) over its pixels, FP the sum over all others,
    FN the sum of 1 - p over its pixels; the loss is the weighted mean over classes. alpha = beta = 0.5 is Dice, 1
    Jaccard. segmentation_models_pytorch's loss is this one with `absent="zero"`, MONAI's with `per_image=True`.

    Args:
        alpha: weight of false positives, >= 0.
        beta: weight of false negatives, >= 0; more than alpha finds more small objects.
        smooth: pixels that are added to numerator and denominator, >= 0.
        absent: see `unetzoo.losses.region.RegionLoss`.
        class_weights, per_image, ignore_index, from_logits: see `unetzoo.losses.base.Loss`, also for errors.
    """

    def compare(self, regions: Regions) -> Tensor:
        """1 - the index of each class (r, k)."""
        return self.tversky(regions)


@options
class FocalTverskyLoss(_OfTversky):
    """(1 - Tversky index)^(1 / gamma) of each class (arXiv:1810.07842, eq. 4): hard classes count more.

    The index is that of `tversky`, with its letters: the paper's alpha, the weight of false negatives, is beta here.
    segmentation_models_pytorch's `TverskyLoss(gamma=g)` is this one with `gamma=1 / g, absent="zero"` for one class;
    for several it raises their mean to the power, while the paper raises each.

    Args:
        gamma: > 0; 1 is the Tversky loss. The paper tries 1 to 3.
        alpha: weight of false positives, >= 0.
        beta: weight of false negatives, >= 0.
        smooth: pixels that are added to numerator and denominator, >= 0.
        absent: see `unetzoo.losses.region.RegionLoss`.
        class_weights, per_image, ignore_index, from_logits: see `unetzoo.losses.base.Loss`, also for errors.
    """

    gamma: float = option(default=4 / 3, check=partial(check_number, above=0))

    def compare(self, regions: Regions) -> Tensor:
        """The power of each class (r, k)."""
        return power(self.tversky(regions), 1 / self.gamma)


def tversky(regions: Regions, alpha: float, beta: float, smooth: float) -> Tensor:
    """1 - Tversky index of each class (r, k), from 0 to 1."""
    wrong = alpha * regions.outside + beta * regions.missing
    return divided(wrong, regions.inside + wrong + smooth)


def power(losses: Tensor, exponent: float) -> Tensor:
    """Losses >= 0 to a power > 0, with a finite gradient at 0 also for a power < 1."""
    return losses.clamp_min(torch.finfo(losses.dtype).tiny).pow(exponent)
