"""The weight map of the first U-Net (Ronneberger et al. 2015, arXiv:1505.04597, eq. 2)."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, label
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

import unetzoo
from unetzoo.losses import make_pair, masked_mean


def border_weights(cells: NDArray[np.integer], *, w0: float = 10.0, sigma: float = 5.0) -> NDArray[np.float64]:
    """w0 * exp(-(d1 + d2)^2 / (2 sigma^2)) of background pixels, d1 and d2 the distances to the two nearest cells.

    Args:
        cells: (h, w), 0 for background, another whole number for each cell.
        w0: the weight where two cells touch.
        sigma: how fast it falls, in pixels.

    Returns:
        (h, w), 0 within cells and where there are fewer than two.
    """
    names = [name for name in np.unique(cells) if name != 0]
    if len(names) < 2:
        return np.zeros(cells.shape)
    nearest = np.full((2, *cells.shape), np.inf)
    for name in names:
        distance = distance_transform_edt(cells != name)
        nearest = np.sort(np.stack([*nearest, distance]), axis=0)[:2]
    weights: NDArray[np.float64] = w0 * np.exp(-(nearest.sum(0) ** 2) / (2 * sigma**2)) * (cells == 0)
    return weights


class BorderBCELoss(nn.Module):
    """Binary cross-entropy, each pixel weighed by 1 + `border_weights` of the mask's connected parts.

    The paper adds a weight that balances the classes, too; `bce(pos_weight=...)` or Dice beside it do that here.

    Args:
        w0: the weight where two cells touch, >= 0.
        sigma: how fast it falls, in pixels, > 0.
        ignore_index: target value of pixels that do not count.

    Raises:
        unetzoo.OptionError: for an option outside its values.
    """

    def __init__(self, *, w0: float = 10.0, sigma: float = 5.0, ignore_index: int | None = None) -> None:
        super().__init__()
        for name, value, least in (("w0", w0, 0.0), ("sigma", sigma, 1e-6)):
            if not isinstance(value, int | float) or not math.isfinite(value) or value < least:
                raise unetzoo.OptionError(f"{name} must be a finite number >= {least:g}, got {value!r}")
        self.w0 = w0
        self.sigma = sigma
        self.ignore_index = ignore_index

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss, a scalar >= 0, for logits (b, 1, h, w).

        Args:
            logits: (b, 1, h, w).
            target: (b, h, w) or (b, 1, h, w) of 0 and 1.

        Raises:
            unetzoo.TargetError: for a target that does not fit, or one of several classes.
        """
        pair = make_pair(logits, target, self.ignore_index)
        if pair.mode != "binary":
            raise unetzoo.TargetError(f"border_bce is for masks of one class, got logits {tuple(logits.shape)}")
        arrays = (pair.target[:, 0] > 0).cpu().numpy()
        maps = [border_weights(label(mask)[0], w0=self.w0, sigma=self.sigma) for mask in arrays]
        weights = 1 + torch.from_numpy(np.array(maps).reshape(pair.target.shape)).to(pair.logits)
        losses = F.binary_cross_entropy_with_logits(pair.logits, pair.target, reduction="none")
        return masked_mean(weights * losses, pair.valid)
