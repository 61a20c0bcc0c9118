"""The parts of a network (levels of the encoder, blocks of the decoder, heads): their cost, and how they are wired."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind = Literal["encoder", "decoder", "head"]
Size: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class Cost:
    """Number of parameters, and of the multiply-adds that one image takes in convolutions and matrix products."""

    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Part:
    """A level of the encoder, a block of the decoder or a head.

    Attributes:
        kind: which of the three.
        name: `"level 0"`, or the path of its module in the decoder or in the list of heads.
        channels: of its output.
        size: (height, width) of its output in its own pixels.
        reduction: pixels of the (padded) image per pixel of its output, along the height.
        cost: what it adds: of a level, all that the shallower levels do not need.
        sources: indices of the parts whose outputs it takes; of a level, the one before if the two share any work.
        column: for a drawing; 0 in the encoder, a head's is its source's, a block's is one more than its last source's,
            or the next one that is free at that reduction.
    """

    kind: Kind
    name: str
    channels: int
    size: Size
    reduction: int
    cost: Cost
    sources: tuple[int, ...]
    column: int


@dataclass(frozen=True)
class Anatomy:
    """The parts of a network, each after its sources.

    Attributes:
        parts: of all kinds.
        total: of the whole network.
        rest: of each kind, what belongs to none of its parts, such as layers that a backbone has but does not use.
    """

    parts: tuple[Part, ...]
    total: Cost
    rest: Mapping[Kind, Cost]
