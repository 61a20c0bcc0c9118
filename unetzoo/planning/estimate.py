"""How much memory a U-Net takes, by the number of values of its maps (as nnU-Net estimates it)."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import Literal

from unetzoo.planning.topology import Sides, Topology

PlannedEncoder = Literal["plain", "resenc"]
_FIRST, _WIDEST = 32, {2: 512, 3: 320}  # channels
_PLAIN_CONVOLUTIONS = 2  # of a level
_BLOCKS = (1, 3, 4, 6)  # of residual levels; 6 of the others
_DECODER_CONVOLUTIONS = {"plain": 2, "resenc": 1}  # of a level


def widths_of(levels: int, axes: int) -> tuple[int, ...]:
    """The channels of each level: 32, doubled from level to level, at most 512 of images and 320 of volumes."""
    return tuple(min(_WIDEST[axes], _FIRST * 2**level) for level in range(levels))


def blocks_of(levels: int) -> tuple[int, ...]:
    """The residual blocks of each level of the encoder `resenc`."""
    return tuple(_BLOCKS[min(level, len(_BLOCKS) - 1)] for level in range(levels))


def map_values(topology: Topology, encoder: PlannedEncoder, classes: int) -> int:
    """The number of values of the outputs of all convolutions of nnU-Net's network for one patch.

    It is what `compute_conv_feature_map_size` of the package dynamic-network-architectures sums up: convolutions of the
    encoder, and of the decoder with a transposed one a level, and the logits at full resolution.

    Args:
        topology: levels and patch.
        encoder: `"plain"`: two convolutions a level on both sides; `"resenc"`: residual blocks, and one convolution a
            level of the decoder.
        classes: number of logits.
    """
    widths = widths_of(len(topology.strides), len(topology.patch))
    maps = [width * prod(sides) for width, sides in zip(widths, _sides(topology), strict=True)]
    convolutions = _plain_convolutions(len(maps)) if encoder == "plain" else _residual_convolutions(topology, widths)
    decoder = (_DECODER_CONVOLUTIONS[encoder] + 1) * sum(maps[:-1])
    return (
        sum(count * values for count, values in zip(convolutions, maps, strict=True))
        + decoder
        + classes * prod(topology.patch)
    )


def _sides(topology: Topology) -> Iterator[Sides]:
    """The sides of the map of each level."""
    sides = topology.patch
    for stride in topology.strides:
        sides = tuple(side // step for side, step in zip(sides, stride, strict=True))
        yield sides


def _plain_convolutions(levels: int) -> list[int]:
    return [_PLAIN_CONVOLUTIONS] * levels


def _residual_convolutions(topology: Topology, widths: Sequence[int]) -> list[int]:
    """The convolutions of each level: two a block, that of the stem, and one of a shortcut that changes the map."""
    before = (widths[0], *widths)
    shortcuts = [
        width != previous or max(stride) > 1
        for width, previous, stride in zip(widths, before, topology.strides, strict=False)
    ]
    counts = [2 * blocks + shortcut for blocks, shortcut in zip(blocks_of(len(widths)), shortcuts, strict=True)]
    return [counts[0] + 1, *counts[1:]]
