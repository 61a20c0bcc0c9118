"""U-Net++ (Zhou et al. 2018, arXiv:1807.10165): nested U-Nets of every depth, with dense skips.

Node X(i, j) is at level i (0 is the shallowest) and in column j; column 0 is the encoder. It fuses X(i+1, j-1),
upsampled, with all of X(i, 0..j-1) (eq. 1). X(0, j) is the output of the U-Net of depth j, so each depth can be
supervised and kept.
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from unetzoo.checks import check_widths
from unetzoo.decoders.widths import stage_factors, stage_reductions, stage_widths
from unetzoo.errors import OptionError
from unetzoo.features import FeatureInfo
from unetzoo.layers.block import Attention, BlockStyle, FuseBlock, Upsample
from unetzoo.layers.norm import Activation, Norm
from unetzoo.nn.segmenter import Decoder


class UNetPlusPlusDecoder(Decoder):
    """Nodes X(i, j) in one table; the last node of a level has its stage's width, the others their level's skip width.

    Args:
        features: the pyramid, at least two levels.
        widths: channels of each level's last node, deepest stage first, then of the stages beyond the shallowest level;
            None: as in `UNetDecoder`.
        skip_widths: channels of a first projection of the encoder's features, shallow first, with or without the
            deepest level: dense skips of wide pyramids are costly. None: no projection.
        deep_supervision: also output the nested U-Nets' maps X(0, 1), X(0, 2), ..., shallowest U-Net first.
        norm, activation, upsample, attention, dropout: see `unetzoo.layers.BlockStyle`.
    """

    def __init__(
        self,
        features: FeatureInfo,
        *,
        widths: Sequence[int] | None = None,
        skip_widths: Sequence[int] | None = None,
        deep_supervision: bool = False,
        norm: Norm = "batch",
        activation: Activation = "relu",
        upsample: Upsample = "nearest",
        attention: Attention = "none",
        dropout: float = 0.0,
    ) -> None:
        style = BlockStyle(
            norm=norm,
            activation=activation,
            upsample=upsample,
            attention=attention,
            dropout=dropout,
            spatial_dims=features.spatial_dims,
        )
        outputs = stage_widths(features, widths)
        levels = len(features)
        projected = _projected(features, skip_widths)
        channels = node_channels(projected[:-1], projected[-1], outputs)
        nested = range(1, levels - 1) if deep_supervision else ()
        super().__init__(
            (*(channels[0, column] for column in nested), outputs[-1]),
            (*(features.axis_reductions[0] for _ in nested), stage_reductions(features)[len(outputs) - 1]),
        )
        self.levels = levels
        self.channels = channels
        self.tail_widths = outputs[levels - 1 :]
        self.deep_supervision = deep_supervision
        self.project = nn.ModuleList(
            nn.Identity() if skip_widths is None or level >= len(skip_widths) else style.axes.conv(have, want, 1)
            for level, (have, want) in enumerate(zip(features.channels, projected, strict=True))
        )
        upward = stage_factors(features)
        factors = upward[levels - 2 :: -1]
        self.nodes = nn.ModuleDict(
            {
                _key(level, column): FuseBlock(
                    channels[level + 1, column - 1],
                    [channels[level, earlier] for earlier in reversed(range(column))],
                    channels[level, column],
                    factor=factors[level],
                    style=style,
                )
                for level, column in node_table(levels)
            }
        )
        beyond = zip(pairwise(outputs[levels - 2 :]), upward[levels - 1 :], strict=False)
        self.tail = nn.ModuleList(
            FuseBlock(deep, (), width, factor=factor, style=style) for (deep, width), factor in beyond
        )

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The outputs of a pyramid (shallow first), the deepest U-Net's last."""
        maps = {(level, 0): project(features[level]) for level, project in enumerate(self.project)}
        for level, column in node_table(self.levels):
            dense_skips = [maps[level, earlier] for earlier in reversed(range(column))]
            maps[level, column] = self.nodes[_key(level, column)](maps[level + 1, column - 1], dense_skips)
        best = maps[0, self.levels - 1]
        for block in self.tail:
            best = block(best)
        nested = [maps[0, column] for column in range(1, self.levels - 1)] if self.deep_supervision else []
        return [*nested, best]


def nested_widths(decoder: UNetPlusPlusDecoder, depth: int) -> list[int]:
    """The option `widths` of the nested U-Net of that depth: the channels of X(depth-1, 1), .., X(0, depth)."""
    if depth == decoder.levels - 1:
        return [*(decoder.channels[depth - column, column] for column in range(1, depth + 1)), *decoder.tail_widths]
    return [decoder.channels[depth - column, column] for column in range(1, depth + 1)]


def node_table(levels: int) -> list[tuple[int, int]]:
    """(level, column) of every computed node, each after its inputs."""
    return [(level, column) for column in range(1, levels) for level in range(levels - column)]


def node_channels(skips: Sequence[int], deepest: int, outputs: Sequence[int]) -> dict[tuple[int, int], int]:
    """Channels of every X(level, column), including the encoder's column 0.

    Args:
        skips: channels of the skips, shallow first.
        deepest: channels of the deepest features.
        outputs: channels of the stages, deepest first, which are those of the levels' last nodes.
    """
    levels = len(skips) + 1
    channels = {(levels - 1, 0): deepest}
    for level, skip in enumerate(skips):
        last = levels - 1 - level
        channels |= {(level, column): skip for column in range(last)}
        channels[level, last] = outputs[levels - 2 - level]
    return channels


def _projected(features: FeatureInfo, skip_widths: Sequence[int] | None) -> tuple[int, ...]:
    """Channels of the encoder's features after the projection, shallow first."""
    if skip_widths is None:
        return features.channels
    levels = len(features)
    if len(skip_widths) not in (levels - 1, levels):
        raise OptionError(
            f"this pyramid needs {levels - 1} or {levels} skip_widths, shallow first; got {tuple(skip_widths)}"
        )
    return (*check_widths("skip_widths", skip_widths), *features.channels[len(skip_widths) :])


def _key(level: int, column: int) -> str:
    return f"{level}_{column}"
