"""Queries over tokens (after Kerssies et al. 2025, arXiv:2503.19108): an encoder's tokens and learned queries as one.

In the paper, queries join the tokens of a plain ViT before its last blocks, and each query has a class and a mask: the
product of the query with the upscaled tokens. Here the blocks in which they meet belong to the decoder, so that any
encoder will do, and the masks of all queries are its output: the 1x1 convolution of the head says how much the mask of
each query counts for each class. The paper's masked attention in training is left out, and so is its matching of
queries to segments, which the classes of pixels do not need.
"""

from collections.abc import Sequence

import torch
from timm.layers.norm import LayerNorm2d
from timm.models.vision_transformer import Block
from torch import Tensor, nn

import unetzoo

_FINEST = 4  # pixels, the reduction of the masks


class Upscale(nn.Sequential):
    """Twice as many rows and columns: a transposed convolution, GELU, a 3x3 convolution by channel, a norm.

    Args:
        width: channels before and after.
    """

    def __init__(self, width: int) -> None:
        super().__init__(
            nn.ConvTranspose2d(width, width, 2, stride=2),
            nn.GELU(),
            nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False),
            LayerNorm2d(width),
        )


class QueryDecoder(unetzoo.Decoder):
    """Blocks of a transformer over queries and the tokens of the deepest level, then a mask for each query.

    Args:
        features: the pyramid; only its deepest level is used.
        queries: how many masks there are.
        width: channels of tokens and queries.
        blocks: of the transformer.
        heads: of attention in each block; they divide `width`.

    Raises:
        unetzoo.OptionError: for a number below 1, or a width that the heads do not divide.
    """

    def __init__(
        self, features: unetzoo.FeatureInfo, *, queries: int = 64, width: int = 256, blocks: int = 3, heads: int = 8
    ) -> None:
        numbers = {"queries": queries, "width": width, "blocks": blocks, "heads": heads}
        for name, number in numbers.items():
            if not isinstance(number, int) or number < 1:
                raise unetzoo.OptionError(f"{name} must be a whole number >= 1, got {number!r}")
        if width % heads:
            raise unetzoo.OptionError(f"width must be a multiple of heads={heads}, got {width}")
        steps, reduction = 0, features.reductions[-1]
        while reduction % 2 == 0 and reduction > _FINEST:
            steps, reduction = steps + 1, reduction // 2
        super().__init__((queries,), (reduction,), used_levels=(len(features) - 1,))
        self.tokens = nn.Conv2d(features.channels[-1], width, 1)
        self.queries = nn.Parameter(torch.randn(1, queries, width))
        self.blocks = nn.Sequential(*(Block(width, heads, qkv_bias=True) for _ in range(blocks)))
        self.norm = nn.LayerNorm(width)
        self.upscale = nn.Sequential(*(Upscale(width) for _ in range(steps)))
        self.mask = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.scale = width**-0.5

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The masks (b, queries, h, w), from 0 to 1, the only output, of a pyramid (shallow first)."""
        tokens = self.tokens(features[-1])
        queries = self.queries.expand(len(tokens), -1, -1)
        number = queries.shape[1]
        both = self.norm(self.blocks(torch.cat([queries, tokens.flatten(2).transpose(1, 2)], dim=1)))
        pixels = self.upscale(both[:, number:].transpose(1, 2).reshape(tokens.shape))
        masks = self.mask(both[:, :number]) * self.scale
        return [torch.einsum("bqc,bchw->bqhw", masks, pixels).sigmoid()]
