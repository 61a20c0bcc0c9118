"""UNet 3+ (Huang et al. 2020, arXiv:2004.08790): every node of the decoder sees every scale.

Node De(i) takes the shallower levels En(k), k < i, pooled; its own En(i); and the deeper nodes De(k), k > i, upsampled,
of which the deepest is the encoder's (eq. 1). Each goes through a convolution of its own to `branch_width` channels;
their concatenation is convolved once more. A convolution is linear in its input channels, so that here the last step is
a sum of one convolution a branch, and the concatenation never exists.
"""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

import unetzoo
from unetzoo.layers import Activation, BlockStyle, Norm, UpsampleConcatConv, make_activation, make_norm, norm_act_conv

Upsample = Literal["nearest", "bilinear"]


class Branch(nn.Module):
    """Bring one scale to that of a node, and its share of the node's convolution.

    Args:
        in_channels: of the map.
        width: of the branch.
        out_channels: of the node.
        pooling: by how much a shallower map is reduced first, 1: not at all.
        upsampling: by how much a deeper map is upsampled, 1: not at all.
        mode: of upsampling.
        style: norm and activation.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        out_channels: int,
        *,
        pooling: int,
        upsampling: int,
        mode: Upsample,
        style: BlockStyle,
    ) -> None:
        super().__init__()
        self.pooling = pooling
        bias = style.norm == "none"
        self.bring = UpsampleConcatConv(in_channels, (), width, factor=upsampling, mode=mode, bias=bias)
        self.norm = make_norm(style.norm, width)
        self.activation = make_activation(style.activation)
        self.share = nn.Conv2d(width, out_channels, 3, padding=1, bias=False)

    def forward(self, level: Tensor) -> Tensor:
        """(b, out_channels, h, w) at the node's resolution, for a map at its own."""
        if self.pooling > 1:
            level = F.max_pool2d(level, self.pooling)
        return norm_act_conv(self.norm, self.activation, self.share, self.bring(level))


class Node(nn.Module):
    """The sum of all branches, norm, activation: De(i).

    Args:
        branches: one a level, shallow first.
        channels: of the result.
        style: norm and activation.
    """

    def __init__(self, branches: Sequence[Branch], channels: int, style: BlockStyle) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.norm = make_norm(style.norm, channels)
        self.activation = make_activation(style.activation)

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        """(b, channels, h, w) for one map a level, shallow first."""
        first, *rest = self.branches
        total: Tensor = first(levels[0])
        for branch, level in zip(rest, levels[1:], strict=True):
            total = total + branch(level)
        result: Tensor = self.activation(self.norm(total))
        return result


class UNet3PlusDecoder(unetzoo.Decoder):
    """Nodes with full-scale skips; the outputs stay at their levels' resolutions, where the paper makes logits, too.

    Args:
        features: the pyramid, at least two levels.
        branch_width: channels of each branch; a node has as many for each level (the paper: 64, so 320 for five).
        deep_supervision: give the outputs of all nodes and of the deepest features, deepest first.
        classification_guided: weigh the outputs by the probability that there is anything in the image, which a small
            classifier reads off the deepest features (section 2.3). It learns from the segmentation; the paper trains
            it with labels of its own and rounds it to 0 or 1.
        upsample: nearest or bilinear interpolation (the paper's); with nearest, no upsampled map is made.
        norm: after each convolution: batch, group, instance, layer or none.
        activation: after each norm: relu, leaky_relu, elu, gelu, silu or prelu.

    Raises:
        unetzoo.OptionError: for an option outside its values.
        unetzoo.ShapeError: for a pyramid of one level.
    """

    def __init__(
        self,
        features: unetzoo.FeatureInfo,
        *,
        branch_width: int = 64,
        deep_supervision: bool = False,
        classification_guided: bool = False,
        upsample: Upsample = "nearest",
        norm: Norm = "batch",
        activation: Activation = "relu",
    ) -> None:
        levels = len(features)
        if levels < 2:
            raise unetzoo.ShapeError(f"a decoder needs at least two levels, got {features}")
        if not isinstance(branch_width, int) or branch_width < 1:
            raise unetzoo.OptionError(f"branch_width must be a whole number >= 1, got {branch_width!r}")
        if upsample not in ("nearest", "bilinear"):
            raise unetzoo.OptionError(f"upsample must be one of nearest, bilinear; got {upsample!r}")
        style = BlockStyle(norm=norm, activation=activation)
        width = branch_width * levels
        outputs = range(levels - 1, -1, -1) if deep_supervision else (0,)
        super().__init__(
            [features.channels[-1] if level == levels - 1 else width for level in outputs],
            [features.reductions[level] for level in outputs],
        )
        self.outputs = tuple(outputs)
        self.presence = _presence(features.channels[-1]) if classification_guided else None
        self.nodes = nn.ModuleDict(
            {str(node): _node(features, node, branch_width, upsample, style) for node in reversed(range(levels - 1))}
        )

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The outputs of a pyramid (shallow first), best last."""
        maps = list(features)
        for node in reversed(range(len(maps) - 1)):
            maps[node] = self.nodes[str(node)]([*features[: node + 1], *maps[node + 1 :]])
        outputs = [maps[level] for level in self.outputs]
        if self.presence is None:
            return outputs
        probability = self.presence(features[-1])
        return [output * probability for output in outputs]


def _node(features: unetzoo.FeatureInfo, node: int, branch_width: int, mode: Upsample, style: BlockStyle) -> Node:
    levels, width = len(features), branch_width * len(features)
    branches = []
    for level, (channels, reduction) in enumerate(zip(features.channels, features.reductions, strict=True)):
        deeper_node = node < level < levels - 1
        branch = Branch(
            width if deeper_node else channels,
            branch_width,
            width,
            pooling=max(1, features.reductions[node] // reduction),
            upsampling=max(1, reduction // features.reductions[node]),
            mode=mode,
            style=style,
        )
        branches.append(branch)
    return Node(branches, width, style)


def _presence(channels: int) -> nn.Module:
    """The probability (b, 1, 1, 1) that an image has anything in it (section 2.3: dropout, 1x1, maximum, sigmoid)."""
    return nn.Sequential(nn.Dropout(0.5), nn.Conv2d(channels, 1, 1), nn.AdaptiveMaxPool2d(1), nn.Sigmoid())
