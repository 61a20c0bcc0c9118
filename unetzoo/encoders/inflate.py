"""Convolutional backbones of timm over three axes, with the weights of images (I3D, arXiv:1705.07750, section 3).

Only backbones that consist of classes in `inflatable.json` are used. It is written by `tests/prove_inflation.py`, which
runs all of timm's and keeps those that pass two proofs, since many others run, too, with wrong results.
"""

import json
import warnings
from collections.abc import Collection
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import torch
from torch import nn

from unetzoo.encoders.inflate_blocks import BLOCKS, OfVolumes, class_name, of_volumes
from unetzoo.encoders.inflate_layers import SWAPS, StdConv3d, is_cubic
from unetzoo.errors import OptionError, WeightsWarning

_SHOWN = 3  # classes


def inflate(backbone: nn.Module, *, center: bool = False) -> None:
    """Make a backbone of images one of volumes, in place.

    A kernel is repeated along the depth and divided by its side, so that a volume whose slices are all the same gives
    the maps of a slice. Names of weights stay; kernels (out, in, k, k) become (out, in, k, k, k).

    Args:
        backbone: of images.
        center: a kernel is the middle slice of its new one, which is 0 elsewhere: convolutions see each slice alone.

    Raises:
        OptionError: with `center`, kernels are standardized when they are used, which would make the zeros others.
    """
    _walk(backbone, {})
    if center:
        _center(backbone)


def _center(backbone: nn.Module) -> None:
    kernels = [part for part in backbone.modules() if isinstance(part, nn.Conv3d)]
    if any(isinstance(part, StdConv3d) for part in kernels):
        raise OptionError("kernels that are standardized cannot be inflated with zeros: choose volume='inflated'")
    with torch.no_grad():
        for part in kernels:
            of_images = part.weight.sum(dim=2)
            part.weight.zero_()[:, :, part.kernel_size[0] // 2] = of_images


def inflate_proved(backbone: nn.Module, name: str, *, center: bool = False) -> None:
    """As `inflate`, for a backbone whose classes have been proved right; else raise OptionError.

    A WeightsWarning says that another version of timm than this one was proved.
    """
    check_inflatable(backbone, name)
    if (present := version("timm")) != (proved := _table()["timm"]):
        warnings.warn(
            f"layers of {name} are proved right over volumes for timm {proved}, not for {present}: compare a volume of "
            "equal slices with one of them, or install the other version",
            WeightsWarning,
            stacklevel=2,
        )
    inflate(backbone, center=center)


def check_inflatable(backbone: nn.Module, name: str) -> None:
    """Raise OptionError unless `inflate` is known to be right for a backbone of images."""
    table = _table()
    used = classes_of(backbone)
    reason = ""
    if unproved := sorted(used - {*table["classes"]}):
        shown = ", ".join(kind.removeprefix("timm.") for kind in unproved[:_SHOWN])
        reason = f"it has layers for images only: {shown}{', ...' if unproved[_SHOWN:] else ''}"
    elif name in table["refused"]:
        reason = "it would not compute over volumes what it computes over images"
    if reason:
        raise OptionError(
            f"timm's {name} cannot be inflated to volumes: {reason}; use encoder_options={{'volume': 'slices'}},"
            " which runs it on each slice"
        )


def classes_of(backbone: nn.Module) -> set[str]:
    """The classes of a backbone's modules that the walk reaches, and which convolutions are not square."""
    return {_title(module) for module in _reached(backbone)}


def _walk(module: nn.Module, swapped: dict[nn.Module, nn.Module]) -> None:
    """Change the parts of a module, each once also if it has several names."""
    for name, part in [*module._modules.items()]:
        if part is None or name in _flat_parts(module):
            continue
        if part not in swapped:
            swapped[part] = _changed(part)
            _walk(swapped[part], swapped)
        module._modules[name] = swapped[part]


def _changed(part: nn.Module) -> nn.Module:
    name = _title(part)
    if name in SWAPS:
        return SWAPS[name](part)
    if name in BLOCKS:
        part.__class__ = of_volumes(name)
    return part


def _flat_parts(module: nn.Module) -> Collection[str]:
    kind = type(module) if isinstance(module, OfVolumes) else BLOCKS.get(_title(module), OfVolumes)
    return module._modules if kind.flat_parts is None else kind.flat_parts


def _reached(module: nn.Module) -> list[nn.Module]:
    """The module, and all within that the walk changes or passes."""
    flat = _flat_parts(module)
    parts = [part for name, part in module._modules.items() if part is not None and name not in flat]
    return [module, *(within for part in parts for within in _reached(part))]


def _title(module: nn.Module) -> str:
    """The name of its class; of a convolution or pooling whose numbers differ by axis, another one."""
    name = class_name(type(module))
    return name if is_cubic(module) else f"{name} that is not square"


@cache
def _table() -> Any:  # noqa: ANN401 - {"timm": version, "classes": [...], "refused": [...]}
    return json.loads(files(__package__).joinpath("inflatable.json").read_text(encoding="utf-8"))
