"""The largest patch that fits in the memory, and how many of them a batch has (nnU-Net's planners, version 2.8)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from unetzoo.errors import DataError, OptionError
from unetzoo.planning.estimate import PlannedEncoder, map_values
from unetzoo.planning.topology import Topology, topology_of

_START = {2: 2048, 3: 256}  # side of the square or cube with the pixels of the first patch
_LEAST_BATCH, _LEAST_LEVELS = 2, 2


@dataclass(frozen=True)
class Preset:
    """How much fits in a GPU, as the authors of nnU-Net measured it with mixed precision.

    Attributes:
        memory: of the GPU in GB.
        values: `map_values` of the patches of which a batch of `BATCHES` fits, by the number of axes.
        room: patches that must fit, by the number of axes; the others make way for a larger patch.
        largest_share: of the data set that a batch may show.
    """

    memory: float
    values: Mapping[int, float]
    room: Mapping[int, int]
    largest_share: float


BATCHES = {2: 12, 3: 2}
"""Patches of the batches of which the presets speak, by the number of axes."""
PRESETS: Mapping[PlannedEncoder, tuple[Preset, ...]] = {
    "plain": (Preset(8, {2: 85e6, 3: 560e6}, {2: 2, 3: 2}, 0.05),),
    "resenc": (
        Preset(8, {2: 135e6, 3: 680e6}, BATCHES, 1.0),
        Preset(24, {2: 380e6, 3: 2.1e9}, BATCHES, 1.0),
        Preset(40, {2: 560e6, 3: 3.6e9}, BATCHES, 1.0),
    ),
}
"""Those of nnU-Net: its first planner, and the residual encoders M, L and XL."""


@dataclass(frozen=True)
class Fit:
    """A patch with its levels and batch.

    Attributes:
        topology: levels and patch.
        batch: number of patches.
        values: `map_values` of a patch.
    """

    topology: Topology
    batch: int
    values: int


def fit_patch(
    median: Sequence[float],
    spacing: Sequence[float],
    pixels: float,
    encoder: PlannedEncoder,
    classes: int,
    memory: float,
) -> Fit:
    """The patch, first as large as the median case, or as the square or cube of `_START`; then cut until it fits.

    In each step the axis with the largest share of the median case is cut by the least that its levels allow.

    Args:
        median: size of the median case along each axis.
        spacing: distance between pixels along each axis.
        pixels: of all cases together.
        encoder: of the network.
        classes: number of logits.
        memory: in GB.

    Raises:
        DataError: the median case is too small for a U-Net.
        OptionError: no patch fits.
    """
    preset = preset_for(encoder, memory)
    axes = len(spacing)
    values = preset.values[axes] * memory / preset.memory
    topology = topology_of(_first_patch(median, spacing), spacing)
    if len(topology.strides) < _LEAST_LEVELS:
        sides = " x ".join(f"{size:g}" for size in median)
        raise DataError(
            f"the median case has {sides} pixels, too few for a U-Net, which halves one axis of at least 12 or two of "
            "at least 8"
        )
    while map_values(topology, encoder, classes) * preset.room[axes] > values * BATCHES[axes]:
        topology = _cut(topology, median, spacing, memory)
    taken = map_values(topology, encoder, classes)
    most = round(pixels * preset.largest_share / prod(topology.patch))
    return Fit(topology, max(_LEAST_BATCH, min(round(values / taken * BATCHES[axes]), most)), taken)


def preset_for(encoder: PlannedEncoder, memory: float) -> Preset:
    """The largest preset of an encoder that needs no more memory, else the smallest; `fit_patch` scales it."""
    presets = PRESETS[encoder]
    return next((preset for preset in reversed(presets) if preset.memory <= memory), presets[0])


def _first_patch(median: Sequence[float], spacing: Sequence[float]) -> tuple[float, ...]:
    axes = len(spacing)
    scale = _START[axes] * prod(spacing) ** (1 / axes)
    return tuple(min(round(scale / step), size) for step, size in zip(spacing, median, strict=True))


def _cut(topology: Topology, median: Sequence[float], spacing: Sequence[float], memory: float) -> Topology:
    """The next smaller patch, cut along the axis with the largest share of the median case, of equal ones the last.

    The levels of the shorter patch say by how much, so that no size is left out where it has fewer levels.
    """
    patch = list(topology.patch)
    axis = max(range(len(patch)), key=lambda each: (patch[each] / median[each], each))
    shorter = [side - topology.divisors[axis] * (each == axis) for each, side in enumerate(patch)]
    patch[axis] -= topology_of(shorter, spacing).divisors[axis]
    smaller = topology_of(patch, spacing)
    if len(smaller.strides) < _LEAST_LEVELS:
        raise OptionError(f"no patch fits in {memory:g} GB: give more memory (--memory)")
    return smaller
