"""A target at the lower resolution of an output."""

from collections.abc import Sequence

from torch import Tensor

from unetzoo.errors import TargetError
from unetzoo.layers.axes import of_last_axes


def middle_pixels(target: Tensor, by: Sequence[int]) -> Tensor:
    """The middle pixel of each block of a target (..., h, w) or (..., d, h, w), if it lies inside.

    A block has `by` pixels along each of the last axes.

    The first pixel of a block would shift the training target by half a block, as outputs are resized about their
    center.
    """
    return target[of_last_axes(slice(step // 2, None, step) for step in by)]


def at_one_resolution(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """An output (b, k, h, w) or (b, k, d, h, w), and the target at its resolution.

    Blocks whose middle lies outside the target are left out.

    Raises:
        TargetError: the output is neither as large as the target nor smaller by whole factors.
    """
    axes = max(2, output.ndim - 2)
    size, own = tuple(target.shape[-axes:]), tuple(output.shape[-axes:])
    if size == own:
        return output, target
    by = [_factor(length, short) for length, short in zip(size, own, strict=True)]
    if tuple(-(-length // step) for length, step in zip(size, by, strict=True)) != own:
        raise TargetError(
            f"an output of {_times(own)} pixels does not fit a target of {_times(size)}: it must have the "
            "target's size, or be smaller by whole factors (rounded up)"
        )
    small = middle_pixels(target, by)
    return output[of_last_axes(map(slice, small.shape[-axes:]))], small


def _times(size: Sequence[int]) -> str:
    return " x ".join(map(str, size))


def _factor(length: int, short: int) -> int:
    """The divisor of a length, whose quotient is rounded up: a power of two if possible, as networks have."""
    least = -(-length // max(1, short))
    power = 1 << max(0, least - 1).bit_length()
    return power if -(-length // power) == short else max(1, least)
