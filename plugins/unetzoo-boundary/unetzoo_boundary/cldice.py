"""The centerline Dice (Shit et al. 2021, arXiv:2003.07311)."""

import math

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

import unetzoo
from unetzoo_boundary.common import masks_of

_MOST_STEPS = 100


def soft_skeleton(masks: Tensor, steps: int) -> Tensor:
    """The soft skeleton (b, k, h, w) of soft masks (b, k, h, w) with values from 0 to 1 (algorithm 1).

    Args:
        masks: to thin.
        steps: erosions, at least half of the width of the widest structure in pixels.
    """
    eroded = _eroded(masks)
    skeleton = (masks - _dilated(eroded)).relu()
    for _ in range(steps):
        masks, eroded = eroded, _eroded(eroded)
        layer = (masks - _dilated(eroded)).relu()
        skeleton = skeleton + (layer - skeleton * layer).relu()
    return skeleton


def _eroded(masks: Tensor) -> Tensor:
    """The minimum over a cross of 3 x 3 pixels."""
    rows = -F.max_pool2d(-masks, (3, 1), 1, (1, 0))
    columns = -F.max_pool2d(-masks, (1, 3), 1, (0, 1))
    return rows.minimum(columns)


def _dilated(masks: Tensor) -> Tensor:
    """The maximum over 3 x 3 pixels."""
    return F.max_pool2d(masks, 3, 1, 1)


class ClDiceLoss(nn.Module):
    """1 - 2 P S / (P + S): precision P and sensitivity S of the soft skeletons (eqs. 1 to 3), the mean over classes.

    P is the part of the prediction's skeleton that lies in the mask, S that of the mask's in the prediction, over the
    whole batch. The softmax's class 0, the background, is left out of a multiclass target.

    Args:
        steps: of thinning, 1 to 100; at least half of the width of the widest structure in pixels.
        smooth: pixels that are added to numerators and denominators, > 0.
        ignore_index: target value of pixels that do not count.

    Raises:
        unetzoo.OptionError: for an option outside its values.
    """

    def __init__(self, *, steps: int = 3, smooth: float = 1.0, ignore_index: int | None = None) -> None:
        super().__init__()
        if not isinstance(steps, int) or not 1 <= steps <= _MOST_STEPS:
            raise unetzoo.OptionError(f"steps must be a whole number from 1 to {_MOST_STEPS}, got {steps!r}")
        if not isinstance(smooth, int | float) or not math.isfinite(smooth) or smooth <= 0:
            raise unetzoo.OptionError(f"smooth must be a finite number > 0, got {smooth!r}")
        self.steps = steps
        self.smooth = smooth
        self.ignore_index = ignore_index

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss, a scalar from 0 to 1, for logits (b, k, h, w).

        Args:
            logits: (b, k, h, w).
            target: (b, h, w) for binary (k = 1) and multiclass, (b, k, h, w) for multilabel.

        Raises:
            unetzoo.TargetError: for a target that does not fit.
        """
        masks = masks_of(logits, target, self.ignore_index)
        first = 1 if target.ndim == 3 and logits.shape[1] > 1 else 0
        prediction, truth = masks.probability[:, first:], masks.truth[:, first:]
        precision = self._inside(soft_skeleton(prediction, self.steps), truth)
        sensitivity = self._inside(soft_skeleton(truth, self.steps), prediction)
        return (1 - 2 * precision * sensitivity / (precision + sensitivity)).mean()

    def _inside(self, skeletons: Tensor, masks: Tensor) -> Tensor:
        """Which part of each class's skeletons lies in its masks, (k)."""
        axes = (0, 2, 3)
        return ((skeletons * masks).sum(axes) + self.smooth) / (skeletons.sum(axes) + self.smooth)
