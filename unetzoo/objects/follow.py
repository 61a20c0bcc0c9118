"""Follow flows: Euler steps of all pixels at once, on any device."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from unetzoo.objects.coding import Maps

_BIAS = 0.01  # pixels
_PAUSE = 10  # steps after which pixels that stand still are left where they are
_STILL = 2e-3  # pixels


@torch.inference_mode()
def end_points(maps: Maps | Tensor, threshold: float, steps: int) -> NDArray[np.int64]:
    """The rows and columns (2, n) at which the pixels of the foreground end, in the order of the pixels.

    Where a pixel ends depends on the flows along its way alone: it is the same, bit for bit, in a part of the image.
    So positions are counted from the pixel, and a pixel that stands still stays there, whatever the others do.

    Args:
        maps: y and x component of the flow, and foreground (3, h, w).
        threshold: of the foreground's probability.
        steps: each as long as the flow where a pixel is, at most a pixel; flows between pixels are interpolated, and 0
            beyond the foreground.
    """
    writable = maps if isinstance(maps, Tensor) else np.require(maps, requirements="W")  # torch warns of other arrays
    values = torch.as_tensor(writable, dtype=torch.float32)
    inside = values[2] > threshold
    flows = values[:2] * inside
    flows = pad(flows / flows.square().sum(0).sqrt().clamp_min(1), (0, 1, 0, 1))
    starts = inside.nonzero().T.contiguous()
    last = torch.tensor(inside.shape, device=values.device)[:, None] - 1
    offsets = torch.zeros(starts.shape, device=values.device)
    moving = torch.arange(starts.shape[1], device=values.device)
    for done in range(0, steps, _PAUSE):
        start, offset = starts[:, moving], offsets[:, moving]
        first, step = (-start).float(), torch.zeros_like(offset)
        for _ in range(min(_PAUSE, steps - done)):
            step = _flow_at(flows, start, offset)
            offset = (offset + step).maximum(first).minimum(first + last)
        offsets[:, moving] = offset
        moving = moving[(step.abs() > _STILL).any(0)]
        if not len(moving):
            break
    rounded = (offsets - _BIAS).round().long()  # so that all that end between two pixels end at one of them
    ends: NDArray[np.int64] = (starts + rounded).cpu().numpy()
    return ends


def _flow_at(flows: Tensor, start: Tensor, offset: Tensor) -> Tensor:
    """The flows (2, n) at so many rows and columns from pixels, interpolated between the four pixels around.

    Args:
        flows: (2, h + 1, w + 1); the last row and column are 0.
        start: rows and columns (2, n) of pixels.
        offset: (2, n).
    """
    cell = offset.floor()
    down, right = offset - cell
    row, column = start + cell.long()
    width = flows.shape[2]
    place = row * width + column
    parts = []
    for axis in flows.flatten(1):
        above, below = (
            axis.index_select(0, left) * (1 - right) + axis.index_select(0, left + 1) * right
            for left in (place, place + width)
        )
        parts.append(above * (1 - down) + below * down)
    return torch.stack(parts)
