"""Losses that compare regions as a whole."""

import torch
from torch import Tensor, nn

from unetzoo.losses.checks import Weights, as_weights, check_ignore_index, check_not_negative, check_switch, weights_for
from unetzoo.losses.target import Pair, as_masks, make_pair


class DiceLoss(nn.Module):
    """1 - soft Dice coefficient of each class, the weighted mean over classes (arXiv:1608.04117).

    The coefficient is (2 sum p g + smooth) / (sum p + sum g + smooth), over the pixels that count: g is the mask of the
    class, p its probability (softmax for a multiclass target, else sigmoid). With `squared` the denominator has the
    squares of p and g, as in V-Net (arXiv:1606.04797, section 3).

    A class that is absent from the target has a coefficient of smooth / (sum p + smooth): its loss is 0 when none of it
    is predicted, and grows with what is. With `smooth=0` the coefficient would be 0 whatever is predicted, so that an
    absent class is left out of the mean then. A class weight of 0 leaves a class out, such as the background.

    Args:
        smooth: pixels that are added to numerator and denominator, >= 0.
        per_image: a coefficient for each image, then their mean; otherwise one over all pixels of the batch, which is
            steadier for small objects. An image in which no pixel counts is left out.
        squared: as above.
        class_weights: one for each class, >= 0; None: all equal.
        ignore_index: target value of pixels that do not count.

    Raises:
        OptionError: for a value outside its range.
    """

    class_weights: Tensor | None

    def __init__(
        self,
        *,
        smooth: float = 1.0,
        per_image: bool = False,
        squared: bool = False,
        class_weights: Weights | None = None,
        ignore_index: int | None = None,
    ) -> None:
        super().__init__()
        check_not_negative("smooth", smooth)
        check_switch("per_image", per_image)
        check_switch("squared", squared)
        check_ignore_index(ignore_index)
        self.smooth = smooth
        self.per_image = per_image
        self.squared = squared
        self.ignore_index = ignore_index
        self.register_buffer("class_weights", as_weights("class_weights", class_weights), persistent=False)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss, a scalar from 0 to 1.

        Args:
            logits: (b, k, h, w).
            target: (b, h, w) for binary (k = 1) and multiclass, (b, k, h, w) for multilabel.

        Raises:
            TargetError: for a target that does not fit.
            OptionError: when `class_weights` has another number of classes.
        """
        pair = make_pair(logits, target, self.ignore_index)
        truth = as_masks(pair)
        axes = (2, 3) if self.per_image else (0, 2, 3)
        probability = pair.logits.softmax(1) if pair.mode == "multiclass" else pair.logits.sigmoid()
        valid = pair.valid[:, None] if pair.valid is not None and pair.mode == "multiclass" else pair.valid
        if valid is not None:
            probability = probability.masked_fill(~valid, 0)
        # p + g - 2 p g = |p - g| and p^2 + g^2 - 2 p g = (p - g)^2: 1 - a rounded coefficient could be below 0
        error = (probability - truth).square() if self.squared else (probability - truth).abs()
        size = (probability.square() if self.squared else probability).sum(axes) + truth.sum(axes) + self.smooth
        losses = error.sum(axes) / torch.where(size > 0, size, 1)
        weights = self._weights(pair, truth.sum(axes), valid, axes)
        mass = weights.sum()
        return (weights * losses).sum() / torch.where(mass > 0, mass, 1)

    def _weights(self, pair: Pair, present: Tensor, valid: Tensor | None, axes: tuple[int, ...]) -> Tensor:
        """The weight of each loss in the mean, 0 where there is nothing to compare."""
        weights = torch.ones_like(present)
        if self.class_weights is not None:
            weights = weights * weights_for(pair.logits, "class_weights", self.class_weights)
        if self.smooth == 0:
            return weights * (present > 0)
        return weights if valid is None else weights * torch.any(valid, dim=axes)
