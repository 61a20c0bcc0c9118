"""From which size on a transposed convolution beats upsampling first: `python -m benchmarks.upsampling`.

For 3x3 convolutions of maps that are upsampled by 2, 4 or 8, of usual channels and sizes. Both forms are called in
turn; a ratio above 1 says that the transposed convolution, the making of its kernel included, is the faster one.
"""

import time
from collections.abc import Callable
from itertools import product
from statistics import median

import torch
from torch import Tensor
from torch.autograd import backward
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.layers.upsample import transposed_kernel

_CHANNELS = [(512, 256), (256, 128), (64, 32), (32, 16)]
_FACTORS = [2, 4, 8]
_SIZES = [4, 8, 12, 16, 20, 24, 32]
_ROUNDS = 15


def main() -> None:
    """Print a table."""
    print("order             channels   factor  size  inference  training")
    orders = (torch.contiguous_format, torch.channels_last)
    for order, (deep, out), factor, size in product(orders, _CHANNELS, _FACTORS, _SIZES):
        forward, both = _ratios(deep, out, factor, size, order)
        print(f"{str(order)[6:]:<17} {deep:>3} to {out:<3} {factor:>5}  {size:>4}   {forward:>8.2f}  {both:>8.2f}")


def _ratios(deep: int, out: int, factor: int, size: int, order: torch.memory_format) -> tuple[float, float]:
    features = torch.randn(1, deep, size, size).to(memory_format=order).requires_grad_()
    kernel = torch.randn(out, deep, 3, 3).to(memory_format=order).requires_grad_()

    def plain() -> Tensor:
        return F.conv2d(F.interpolate(features, scale_factor=float(factor), mode="nearest"), kernel, padding=1)

    def transposed() -> Tensor:
        return F.conv_transpose2d(features, transposed_kernel(kernel, factor), stride=factor, padding=1)

    with torch.no_grad():
        forward = _ratio(plain, transposed)
    return forward, _ratio(lambda: backward(plain().sum()), lambda: backward(transposed().sum()))


def _ratio(first: Callable[[], object], other: Callable[[], object]) -> float:
    ratios = [_seconds(first) / _seconds(other) for _ in range(_ROUNDS)]
    return median(ratios[2:])


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
