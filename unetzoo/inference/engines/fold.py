"""Fold norms and ReLUs into the convolutions before them, for inference."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias, get_args

import torch
from torch import Tensor, nn

from unetzoo.inference.engines.trace import Follower, follow
from unetzoo.layers.snapshot import is_plain
from unetzoo.layers.upsample import UpsampleConcatConv

Convolution: TypeAlias = nn.Conv2d | nn.Conv3d | UpsampleConcatConv
BatchNorm: TypeAlias = nn.BatchNorm2d | nn.BatchNorm3d


def fold(network: nn.Module, image: Tensor) -> dict[Convolution, bool]:
    """Fold batch norms into the convolutions before them, in place.

    Only a norm that is the single consumer of one convolution is folded: `y = (conv(x) - mean) * scale + shift` is a
    convolution with the weight `W * scale` and the bias `(b - mean) * scale + shift`. Layers of derived classes, and
    layers with hooks, stay unchanged, because they may do something else.

    Args:
        network: in evaluation mode.
        image: an example, to see which layer follows which.

    Returns:
        The convolutions of the forward pass, and whether a ReLU that is the single consumer (after the norm) was
        removed, so that they must apply it.
    """
    follower = _followed(network, image)
    replaced: dict[nn.Module, nn.Module] = {}
    rectified: dict[Convolution, bool] = {}
    for module in network.modules():
        if isinstance(module, Convolution) and follower.calls[module]:
            rectified[module] = is_plain(module, _convolutions()) and _fold_one(module, follower, replaced)
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if child in replaced:
                setattr(parent, name, replaced[child])
    return rectified


def rectify_again(network: nn.Module, rectified: Mapping[Convolution, bool]) -> None:
    """Put the ReLUs that `fold` removed after their convolutions."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, Convolution) and rectified.get(child):
                setattr(parent, name, Rectified(child))


class Rectified(nn.Module):
    """A layer and the ReLU after it."""

    def __init__(self, layer: Convolution) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, *inputs: object) -> Tensor:
        """The output of the layer, not below 0."""
        output: Tensor = self.layer(*inputs)
        return output.relu_()


def _followed(network: nn.Module, image: Tensor) -> Follower:
    """Trace the network with activations that are not in place, so that their output is another tensor."""
    inplace: list[Any] = [module for module in network.modules() if getattr(module, "inplace", False)]
    for activation in inplace:
        activation.inplace = False
    with follow(network, (*get_args(Convolution), *get_args(BatchNorm), nn.ReLU)) as follower:
        network(image)
    for activation in inplace:
        activation.inplace = True
    return follower


def _fold_one(convolution: Convolution, follower: Follower, replaced: dict[nn.Module, nn.Module]) -> bool:
    """Fold the layers after one convolution; True if they include a ReLU."""
    last: nn.Module = convolution
    norm = follower.only_follower(last)
    if isinstance(norm, BatchNorm) and is_plain(norm, _norms()) and _absorb(convolution, norm):
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
    """Classes whose layers are linear in their stored weights."""
    return (*get_args(Convolution), *_of_timm("Conv2dSame"))


def _norms() -> tuple[type[nn.Module], ...]:
    """Classes of batch norm; that of timm includes dropout and an activation."""
    return (*get_args(BatchNorm), *_of_timm("BatchNormAct2d"))


def _of_timm(name: str) -> tuple[type[nn.Module], ...]:
    """A class of timm's layers; empty if timm has not been imported, so that no layer can be of it."""
    layers = sys.modules.get("timm.layers")
    return () if layers is None else (getattr(layers, name),)


def _absorb(convolution: Convolution, norm: BatchNorm) -> bool:
    """Fold the norm into the convolution; False if it has no running statistics."""
    if norm.training or norm.running_mean is None or norm.running_var is None:
        return False
    scale = torch.rsqrt(norm.running_var.double() + norm.eps)
    shift = torch.zeros_like(scale)
    if norm.affine:
        scale, shift = scale * norm.weight.double(), norm.bias.double()
    weight, bias = convolution.weight, convolution.bias
    before = 0 if bias is None else bias.double()
    folded = shift + (before - norm.running_mean.double()) * scale
    scaled = weight.double() * scale.reshape(-1, *(1,) * (weight.ndim - 1))
    convolution.bias = nn.Parameter(folded.to(weight), requires_grad=False)
    convolution.weight = nn.Parameter(scaled.to(weight).contiguous(), requires_grad=False)
    return True


def _rest_of(norm: BatchNorm) -> Iterator[nn.Module]:
    """Dropout and activation of a norm of timm."""
    for name in ("drop", "act"):
        module = getattr(norm, name, None)
        if isinstance(module, nn.Module) and not isinstance(module, nn.Identity):
            yield module
