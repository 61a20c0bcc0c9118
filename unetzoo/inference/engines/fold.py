"""Fold norms and ReLUs into the convolutions before them, for inference."""

import sys
from collections.abc import Iterator
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from unetzoo.inference.engines.trace import Follower, follow
from unetzoo.layers.snapshot import is_plain
from unetzoo.layers.upsample import UpsampleConcatConv

Convolution: TypeAlias = nn.Conv2d | UpsampleConcatConv


def fold(network: nn.Module, image: Tensor) -> dict[Convolution, bool]:
    """Change a network in evaluation mode, in place, so that batch norms after convolutions are gone.

    Only a norm that alone takes the output of one convolution is folded: `y = (conv(x) - mean) * scale + shift` is a
    convolution with the weight `W * scale` and the bias `(b - mean) * scale + shift`. Layers of other classes that
    are derived from these, and those with hooks, which may do something else, stay as they are.

    Args:
        network: in evaluation mode.
        image: an example, to see which layer follows which.

    Returns:
        The convolutions that were run, and whether a ReLU that alone takes their output (after its norm) was taken
        out, and must be applied by them.
    """
    follower = _followed(network, image)
    replaced: dict[nn.Module, nn.Module] = {}
    rectified: dict[Convolution, bool] = {}
    for module in network.modules():
        if isinstance(module, nn.Conv2d | UpsampleConcatConv) and follower.calls[module]:
            rectified[module] = is_plain(module, _convolutions()) and _fold_one(module, follower, replaced)
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if child in replaced:
                setattr(parent, name, replaced[child])
    return rectified


def _followed(network: nn.Module, image: Tensor) -> Follower:
    """Run the network, with activations that leave their input as it is, so that their output is another tensor."""
    inplace: list[Any] = [module for module in network.modules() if getattr(module, "inplace", False)]
    for activation in inplace:
        activation.inplace = False
    with follow(network, (nn.Conv2d, UpsampleConcatConv, nn.BatchNorm2d, nn.ReLU)) as follower:
        network(image)
    for activation in inplace:
        activation.inplace = True
    return follower


def _fold_one(convolution: Convolution, follower: Follower, replaced: dict[nn.Module, nn.Module]) -> bool:
    """Fold what follows one convolution; whether that includes a ReLU."""
    last: nn.Module = convolution
    norm = follower.only_follower(last)
    if isinstance(norm, nn.BatchNorm2d) and is_plain(norm, _norms()) and _absorb(convolution, norm):
        rest = list(_rest_of(norm))
        rectified = bool(rest) and is_plain(rest[0], (nn.ReLU,))
        replaced[norm] = nn.Sequential(*rest[rectified:]) if rest[rectified:] else nn.Identity()
        if rest:
            return rectified
        last = norm
    relu = follower.only_follower(last)
    if relu is None or not is_plain(relu, (nn.ReLU,)):
        return False
    replaced[relu] = nn.Identity()
    return True


def _convolutions() -> tuple[type[nn.Module], ...]:
    """Classes whose layers are linear in their weights, as they are stored."""
    return (nn.Conv2d, UpsampleConcatConv, *_of_timm("Conv2dSame"))


def _norms() -> tuple[type[nn.Module], ...]:
    """Classes of batch norm; that of timm has dropout and an activation behind it."""
    return (nn.BatchNorm2d, *_of_timm("BatchNormAct2d"))


def _of_timm(name: str) -> tuple[type[nn.Module], ...]:
    """A class of timm's layers, unless nobody has imported timm: then there are none of it."""
    layers = sys.modules.get("timm.layers")
    return () if layers is None else (getattr(layers, name),)


def _absorb(convolution: Convolution, norm: nn.BatchNorm2d) -> bool:
    """Give a convolution the effect of the norm behind it; False if that has no statistics of its own."""
    if norm.training or norm.running_mean is None or norm.running_var is None:
        return False
    scale = torch.rsqrt(norm.running_var.double() + norm.eps)
    shift = torch.zeros_like(scale)
    if norm.affine:
        scale, shift = scale * norm.weight.double(), norm.bias.double()
    weight, bias = convolution.weight, convolution.bias
    before = 0 if bias is None else bias.double()
    folded = shift + (before - norm.running_mean.double()) * scale
    scaled = weight.double() * scale[:, None, None, None]
    convolution.bias = nn.Parameter(folded.to(weight), requires_grad=False)
    convolution.weight = nn.Parameter(scaled.to(weight).contiguous(), requires_grad=False)
    return True


def _rest_of(norm: nn.BatchNorm2d) -> Iterator[nn.Module]:
    """What a norm of timm does beyond normalizing: dropout and activation."""
    for name in ("drop", "act"):
        module = getattr(norm, name, None)
        if isinstance(module, nn.Module) and not isinstance(module, nn.Identity):
            yield module
