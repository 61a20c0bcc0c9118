"""A target at the lower resolution of an output."""

from torch import Tensor

from unetzoo.errors import TargetError


def middle_pixels(target: Tensor, by: tuple[int, int]) -> Tensor:
    """The middle pixel of each block of `by` pixels of a target (..., h, w), if it lies inside.

    The first pixel of a block would shift the training target by half a block, as outputs are resized about their
    center.
    """
    rows, columns = by
    return target[..., rows // 2 :: rows, columns // 2 :: columns]


def at_one_resolution(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """An output (b, k, h, w) and the target at its resolution, without blocks whose middle lies outside the target.

    Raises:
        TargetError: the output is neither as large as the target nor smaller by whole factors.
    """
    (height, width), (rows, columns) = target.shape[-2:], output.shape[-2:]
    if (height, width) == (rows, columns):
        return output, target
    by = _factor(height, rows), _factor(width, columns)
    if (-(-height // by[0]), -(-width // by[1])) != (rows, columns):
        raise TargetError(
            f"an output of {rows} x {columns} pixels does not fit a target of {height} x {width}: it must have the "
            "target's size, or be smaller by whole factors (rounded up)"
        )
    small = middle_pixels(target, by)
    return output[..., : small.shape[-2], : small.shape[-1]], small


def _factor(length: int, short: int) -> int:
    """The divisor of a length, whose quotient is rounded up: a power of two if possible, as networks have."""
    least = -(-length // max(1, short))
    power = 1 << max(0, least - 1).bit_length()
    return power if -(-length // power) == short else max(1, least)
