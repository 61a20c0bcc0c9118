"""The unified focal loss: a focal cross-entropy and a focal Tversky loss in one."""

import torch
from torch import Tensor

from unetzoo.losses.base import Loss, option, options
from unetzoo.losses.checks import check_not_negative, check_share, check_smoothing
from unetzoo.losses.focal import focused
from unetzoo.losses.overlap import power, tversky
from unetzoo.losses.pixel import cross_entropy, mean_over, pixel_weights, weighted
from unetzoo.losses.region import Regions, mean_of_classes, measure, rule_of
from unetzoo.losses.target import Pair


@options
class UnifiedFocalLoss(Loss):
    """The asymmetric unified focal loss (arXiv:2102.04525): easy background weighs less, rare classes weigh more.

    `weight` times a cross-entropy, in which a background pixel has the weight (1 - delta) (1 - p)^gamma and a
    foreground pixel the weight delta, where p is the probability of the true class; plus 1 - `weight` times the mean of
    the regions' losses, 1 - index for the background and (1 - index)^(1 - gamma) for a foreground, with Tversky indices
    that weigh false negatives by delta. The background is class 0 of a multiclass target; for a binary or multilabel
    target each class's mask is a foreground with a background of its own.

    MONAI's `AsymmetricUnifiedFocalLoss` is this one with `smooth=1e-7, per_image=True` for two classes; it takes
    probabilities of background and foreground, clamped to at least 1e-7 from 0 and 1.

    Args:
        weight: weight of the cross-entropy, in [0, 1].
        delta: weight of the foreground against the background, in [0, 1].
        gamma: in [0, 1); 0 is cross-entropy and Tversky loss.
        smooth: pixels that are added to numerator and denominator of the indices, >= 0; with 0 their mean leaves a
            foreground without pixels out.
        class_weights, per_image, ignore_index, from_logits: see `unetzoo.losses.base.Loss`, also for errors.
    """

    weight: float = option(default=0.5, check=check_share)
    delta: float = option(default=0.7, check=check_share)
    gamma: float = option(default=0.5, check=check_smoothing)
    smooth: float = option(default=1.0, check=check_not_negative)

    def of_pair(self, pair: Pair) -> Tensor:
        """The loss, a scalar >= 0."""
        class_weights = self.weights_of("class_weights", pair)
        weights = pixel_weights(pair, class_weights)
        losses = weighted(self._of_pixels(self.with_logits(pair)), weights)
        focal = mean_over(losses, weights, per_image=self.per_image)
        regions = measure(pair, self.probabilities(pair), per_image=self.per_image)
        of_regions = self._of_classes(regions) if pair.mode == "multiclass" else self._of_masks(regions)
        absent = rule_of("auto", count=self.smooth > 0)
        return self.weight * focal + (1 - self.weight) * mean_of_classes(of_regions, regions, class_weights, absent)

    def _of_pixels(self, pair: Pair) -> Tensor:
        """The weighted cross-entropy of each pixel, (b, h, w) or (b, k, h, w)."""
        losses = cross_entropy(pair)
        return torch.where(pair.target > 0, self.delta * losses, (1 - self.delta) * focused(losses, self.gamma))

    def _of_masks(self, regions: Regions) -> Tensor:
        """The mean of each class's foreground and background (r, k)."""
        background = self._background(
            regions._replace(
                inside=regions.counted - regions.positives - regions.outside,
                outside=regions.missing,
                missing=regions.outside,
            )
        )
        return (background + self._foreground(regions)) / 2

    def _of_classes(self, regions: Regions) -> Tensor:
        """The loss of each class (r, k); the first class is the background."""
        return torch.cat([self._background(regions)[:, :1], self._foreground(regions)[:, 1:]], dim=1)

    def _background(self, regions: Regions) -> Tensor:
        return tversky(regions, 1 - self.delta, self.delta, self.smooth)

    def _foreground(self, regions: Regions) -> Tensor:
        return power(self._background(regions), 1 - self.gamma)
