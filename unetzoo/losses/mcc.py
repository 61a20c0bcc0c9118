"""The loss of Matthews' correlation coefficient."""

import torch
from torch import Tensor

from unetzoo.losses.base import options
from unetzoo.losses.region import RegionLoss, Regions


@options
class MCCLoss(RegionLoss):
    """1 - soft Matthews correlation coefficient of each class (arXiv:2010.13454), which uses true negatives, too.

    The coefficient is (TP TN - FP FN) / sqrt((TP + FP) (TP + FN) (TN + FP) (TN + FN)), over the pixels that count, with
    the sums of a class's probability p (softmax for a multiclass target, else sigmoid) in place of counts; the loss is
    the weighted mean over classes, each against all others.

    `smooth` is added to TP and TN, so that a perfect prediction has a coefficient of 1 also if a class is absent or
    covers all pixels. segmentation_models_pytorch adds its `eps` to all four, so its loss is not 0 then; it takes only
    binary targets. With `smooth=0` a class that covers all pixels has no coefficient and a loss of 0.

    Args:
        smooth: pixels that are added to TP and to TN, >= 0.
        absent: see `unetzoo.losses.region.RegionLoss`.
        class_weights, per_image, ignore_index, from_logits: see `unetzoo.losses.base.Loss`, also for errors.
    """

    def compare(self, regions: Regions) -> Tensor:
        """1 - the coefficient of each class (r, k), from 0 to 2."""
        negatives = regions.counted - regions.positives
        right, wrong, missing = regions.inside + self.smooth, regions.outside, regions.missing
        losses = _one_minus(right, negatives - wrong + self.smooth, wrong, missing)
        return losses if self.smooth else losses * (negatives > 0)


def _one_minus(right: Tensor, clear: Tensor, wrong: Tensor, missing: Tensor) -> Tensor:
    """1 - the coefficient of TP, TN, FP and FN; 1 where it is 0 / 0.

    1 - x / y = (y^2 - x^2) / (y (y + x)), where y^2 - x^2 is a sum of positive products: 1 - a rounded coefficient has
    no correct digits for good predictions.
    """
    agree, differ = right * clear, wrong * missing
    of_columns, of_rows = right * missing + wrong * clear, right * wrong + missing * clear
    truth, predicted = agree + differ + of_rows, agree + differ + of_columns
    defined = (truth > 0) & (predicted > 0)
    scale = _root(truth, defined) * _root(predicted, defined)  # the root of their product would overflow float32 sooner
    squares = 4 * agree * differ + (agree + differ) * (of_columns + of_rows) + of_columns * of_rows
    positive = squares / (scale * (scale + (agree - differ).abs()))
    losses = torch.where(agree >= differ, positive, 1 - (agree - differ) / scale)
    return torch.where(defined, losses, 1)


def _root(product: Tensor, defined: Tensor) -> Tensor:
    """The square root; 1, with gradient 0, where it is not defined."""
    return torch.where(defined, product, 1).sqrt()
