"""A target at the lower resolution of an output."""

from torch import Tensor

from unetzoo.errors import TargetError


def middle_pixels(target: Tensor, by: tuple[int, int]) -> Tensor:
    """Of each block of `by` pixels of a target (..., h, w) the one in its middle, where that lies inside.

    The first of a block would move what a network learns by half a block, as outputs are resized about their middle.
    """
    rows, columns = by
    return target[..., rows // 2 :: rows, columns // 2 :: columns]


def at_one_resolution(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """An output (b, k, h, w) and a target at its resolution; of both only what has a block with a middle.

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
    """By what a length was divided, rounded up: by a power of two where that can be, as networks reduce images."""
    least = -(-length // max(1, short))
    power = 1 << max(0, least - 1).bit_length()
    return power if -(-length // power) == short else max(1, least)
