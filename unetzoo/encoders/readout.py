"""Readouts of a ViT's class token: ignore it, add it or concatenate it (arXiv:2103.13413, eqs. 2 to 4)."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from unetzoo.errors import OptionError

ReadoutKind = Literal["ignore", "add", "cat"]


class Readout(nn.Module):
    """Combine the maps of a ViT's blocks with their class tokens.

    Args:
        kind: `"add"` the mean of the tokens, or `"cat"`: concatenate the first token and project.
        backbone: a ViT of timm.
        channels: channels of each map.
        name: name of the backbone, for errors.

    Raises:
        OptionError: the backbone has no such tokens.
    """

    def __init__(self, kind: ReadoutKind, backbone: Any, channels: Sequence[int], name: str) -> None:  # noqa: ANN401 - timm has no types
        super().__init__()
        if not getattr(getattr(backbone, "model", None), "num_prefix_tokens", 0):
            raise OptionError(f"timm's {name} has no class token for readout={kind!r}; use 'ignore'")
        self.kind = kind
        self.projections = nn.ModuleList(
            nn.Sequential(nn.Linear(2 * width, width), nn.GELU()) for width in (channels if kind == "cat" else ())
        )

    def forward(self, backbone: Any, image: Tensor) -> list[Tensor]:  # noqa: ANN401 - as above
        """A map (b, channels[i], h, w) for each block, for an input of the backbone."""
        pairs = backbone.model.forward_intermediates(
            image,
            indices=backbone.out_indices,
            norm=backbone.norm,
            output_fmt="NCHW",
            intermediates_only=True,
            return_prefix_tokens=True,
        )
        if self.kind == "add":
            return [features + tokens.mean(1)[:, :, None, None] for features, tokens in pairs]
        return [
            _with_token(features, tokens[:, :1], project)
            for (features, tokens), project in zip(pairs, self.projections, strict=True)
        ]


def _with_token(features: Tensor, token: Tensor, project: nn.Module) -> Tensor:
    """The projection of each pixel of a map (b, c, h, w) and the token (b, 1, c)."""
    pixels = features.flatten(2).transpose(1, 2)
    projected: Tensor = project(torch.cat([pixels, token.expand_as(pixels)], dim=2))
    return projected.transpose(1, 2).reshape(features.shape)
