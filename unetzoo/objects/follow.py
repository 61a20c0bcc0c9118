"""Follow flows: Euler steps of all pixels at once, on any device."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample

from unetzoo.objects.coding import Maps

_BIAS = 0.01  # pixels
_PAUSE = 10  # steps after which it is seen whether pixels move on
_STILL = 2e-3  # pixels; positions in an image of 4,096 pixels are rounded to 5e-4


@torch.inference_mode()
def end_points(maps: Maps | Tensor, threshold: float, steps: int) -> NDArray[np.int64]:
    """The rows and columns (2, n) at which the pixels of the foreground end, in the order of the pixels.

    Args:
        maps: y and x component of the flow, and foreground (3, h, w).
        threshold: of the foreground's probability.
        steps: each as long as the flow where a pixel is, at most a pixel; flows between pixels are interpolated, and 0
            beyond the foreground.
    """
    writable = maps if isinstance(maps, Tensor) else np.require(maps, requirements="W")  # torch warns of other arrays
    values = torch.as_tensor(writable, dtype=torch.float32)
    inside = values[2] > threshold
    flows = (values[:2] * inside).flip(0)  # x and y, as grid_sample has them
    flows = flows / flows.square().sum(0).sqrt().clamp_min(1)
    last = torch.tensor([inside.shape[1] - 1, inside.shape[0] - 1], device=values.device)
    points = inside.nonzero().flip(1).float()
    scale = 2 / last.clamp_min(1)
    for index in range(steps):
        step = grid_sample(flows[None], (points * scale - 1)[None, None], padding_mode="border", align_corners=True)
        points = (points + step[0, :, 0].T).clamp_min(0).minimum(last)
        if index % _PAUSE == _PAUSE - 1 and not bool((step.abs() > _STILL).any()):
            break
    points = points - _BIAS  # so that all that end between two pixels end at one of them
    ends: NDArray[np.int64] = points.clamp_min(0).round().long().flip(1).T.cpu().numpy()
    return ends
