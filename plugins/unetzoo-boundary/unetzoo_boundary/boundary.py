"""The boundary loss (Kervadec et al. 2019, arXiv:1812.07032)."""

from torch import Tensor, nn

from unetzoo_boundary.common import masks_of, mean_over
from unetzoo_boundary.distances import of_each, signed_distance


class BoundaryLoss(nn.Module):
    """The mean of phi * (s - g): s the probability, g the mask, phi the signed distance to g's boundary (eq. 4).

    The paper's own eq. 5 leaves out phi * g, which no network can change; with it the loss is >= 0, and 0 for the mask
    itself. It has no gradient where a class is absent, so that it is used together with another loss, such as Dice.

    Args:
        ignore_index: target value of pixels that do not count.
    """

    def __init__(self, *, ignore_index: int | None = None) -> None:
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss, a scalar >= 0 in pixels, for logits (b, k, h, w).

        Args:
            logits: (b, k, h, w).
            target: (b, h, w) for binary (k = 1) and multiclass, (b, k, h, w) for multilabel.

        Raises:
            unetzoo.TargetError: for a target that does not fit.
        """
        masks = masks_of(logits, target, self.ignore_index)
        error = masks.probability - masks.truth
        return mean_over(of_each(masks.truth, signed_distance) * error, masks)
