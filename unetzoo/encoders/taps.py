"""Backbones of timm whose levels are the maps of named layers, and padding as for one image size."""

from collections.abc import Sequence

from timm.layers.conv2d_same import Conv2dSame  # noqa: TID253 - this module is imported when an encoder of timm is built
from timm.models._features import FeatureInfo, FeatureListNet  # noqa: TID253 - as above
from timm.models.efficientnet import EfficientNetFeatures  # noqa: TID253 - as above
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from unetzoo.errors import OptionError


class Tapped(nn.Module):
    """The layers of a model of timm up to the last tap, in sequence; the output of each tapped layer is a level.

    Args:
        model: a chain of layers, which are moved out of it.
        taps: names of layers, in their order; also of layers within an `nn.Sequential`, such as `"blocks.4.0"`.
        levels: channels and reduction of each tap.

    Raises:
        OptionError: there is no such layer, or the order is wrong.
    """

    def __init__(self, model: nn.Module, taps: Sequence[str], levels: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        self.chain = _chain(model, taps)
        self.taps = frozenset(taps)
        self.grad_checkpointing = False
        _prune(model, "", self.chain)
        for name, child in model.named_children():
            self.add_module(name, child)
        infos = [
            {"module": name, "num_chs": channels, "reduction": reduction}
            for name, (channels, reduction) in zip(taps, levels, strict=True)
        ]
        self.feature_info = FeatureInfo(infos, tuple(range(len(taps))))

    def forward(self, image: Tensor) -> list[Tensor]:
        """The levels of images (b, c, h, w), shallow first."""
        levels, features = [], image
        for name in self.chain:
            layer = self.get_submodule(name)
            if self.grad_checkpointing and features.requires_grad:
                features = checkpoint(layer, features, use_reentrant=False)
            else:
                features = layer(features)
            if name in self.taps:
                levels.append(features)
        return levels

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Recompute layers in the backward pass."""
        self.grad_checkpointing = enable


def check_chain(backbone: nn.Module, name: str) -> None:
    """Raise OptionError unless timm runs the layers of a backbone in sequence."""
    is_chain = isinstance(backbone, FeatureListNet) and not backbone.concat
    if not (is_chain or isinstance(backbone, EfficientNetFeatures)):
        raise OptionError(f"timm's {name} is not a chain of layers, so it takes no taps")


def pad_as_for(backbone: nn.Module, side: int) -> None:
    """Make strided convolutions that pad by the image size pad as for `side` pixels, at every size.

    TensorFlow pads even sides only at the end, odd sides at both ends.
    """
    for parent in list(backbone.modules()):
        for name, child in parent.named_children():
            if isinstance(child, Conv2dSame) and child.stride[0] > 1:
                if side % child.stride[0]:
                    setattr(parent, name, _padded_at_both_ends(child))
                side = -(-side // child.stride[0])


def _chain(model: nn.Module, taps: Sequence[str]) -> tuple[str, ...]:
    """The names of the layers up to the last tap; an `nn.Sequential` that contains a tap is split."""
    names = [name for child, module in model.named_children() for name in _apart(child, module, taps)]
    missing = [tap for tap in taps if tap not in names]
    if missing:
        raise OptionError(f"there is no layer {missing[0]!r} to tap; there are {', '.join(names)}")
    places = [names.index(tap) for tap in taps]
    if places != sorted(set(places)):
        raise OptionError(f"taps must be in the order of the layers, each once; got {[*taps]}")
    return tuple(names[: places[-1] + 1])


def _apart(name: str, module: nn.Module, taps: Sequence[str]) -> list[str]:
    if not isinstance(module, nn.Sequential) or not any(_is_part(tap, name) and tap != name for tap in taps):
        return [name]
    return [part for child, inner in module.named_children() for part in _apart(f"{name}.{child}", inner, taps)]


def _prune(module: nn.Module, name: str, chain: Sequence[str]) -> None:
    """Remove the modules that contain no layer of a chain."""
    for last, child in list(module.named_children()):
        place = f"{name}.{last}" if name else last
        if not any(_is_part(layer, place) for layer in chain):
            del module._modules[last]
        elif place not in chain:
            _prune(child, place, chain)


def _is_part(name: str, whole: str) -> bool:
    return name == whole or name.startswith(f"{whole}.")


def _padded_at_both_ends(convolution: nn.Conv2d) -> nn.Conv2d:
    fixed = nn.Conv2d(
        convolution.in_channels,
        convolution.out_channels,
        convolution.kernel_size,  # type: ignore[arg-type] # it has two sides
        convolution.stride,  # type: ignore[arg-type] # as above
        tuple(side // 2 for side in convolution.kernel_size),  # type: ignore[arg-type] # as above
        convolution.dilation,  # type: ignore[arg-type] # as above
        convolution.groups,
        bias=convolution.bias is not None,
        device="meta",
    )
    fixed.weight, fixed.bias = convolution.weight, convolution.bias
    return fixed
