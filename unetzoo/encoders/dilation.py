"""Backbones that keep the resolution of their last levels: strides become dilations (arXiv:1606.00915, section 3.1)."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from torch import nn

from unetzoo.encoders.timm_build import info_of
from unetzoo.errors import OptionError

Dilation = Literal["gradual", "uniform"]


def check_output_stride(strides: Sequence[int], name: str, output_stride: int) -> None:
    """Raise OptionError if any level's stride exceeds the requested output stride."""
    if max(strides) > output_stride:
        raise OptionError(
            f"timm's {name} cannot keep to output_stride={output_stride}: its levels have the strides {tuple(strides)}"
        )


def dilate_uniformly(backbone: nn.Module) -> None:
    """Give every convolution of a dilated level that level's dilation, in place.

    timm does not dilate the first convolution of such a level, whose input comes from the level before ("gradual");
    other libraries dilate all of them, and their weights need that.

    Raises:
        OptionError: the levels of this backbone are not modules.
    """
    info, rate = info_of(backbone), 1
    for (shallow, deep), ends in zip(pairwise(info.reduction()), pairwise(info.module_name()), strict=True):
        rate = rate * 2 if deep == shallow else rate
        if rate == 1:
            continue
        for name in _after(*ends):
            try:
                part = backbone.get_submodule(name)
            except AttributeError as error:
                raise OptionError(
                    f"dilation='uniform' needs levels that are modules; {name!r} is not a module"
                ) from error
            for module in part.modules():
                if isinstance(module, nn.Conv2d):
                    _dilate(module, rate)


def _after(shallow: str, deep: str) -> list[str]:
    """The modules of a level: those after the last module of the level before, such as `blocks.2`, up to `deep`."""
    parent, _, last = deep.rpartition(".")
    other, _, before = shallow.rpartition(".")
    if parent and parent == other and last.isdecimal() and before.isdecimal():
        return [f"{parent}.{number}" for number in range(int(before) + 1, int(last) + 1)]
    return [deep]


def _dilate(convolution: nn.Conv2d, rate: int) -> None:
    high, wide = convolution.kernel_size
    if (high, wide) != (1, 1):
        convolution.dilation = (rate, rate)
        convolution.padding = (high // 2 * rate, wide // 2 * rate)
