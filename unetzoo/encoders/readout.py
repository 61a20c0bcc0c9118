"""What becomes of a ViT's class token: it is left out, or given to every pixel (arXiv:2103.13413, eqs. 2 to 4)."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from unetzoo.errors import OptionError

ReadoutKind = Literal["ignore", "add", "cat"]


class Readout(nn.Module):
    """The maps of a ViT's blocks, each with what the tokens beside them hold.

    Args:
        kind: `"add"` the mean of the tokens, or `"cat"`: concatenate the first one and project.
        backbone: of timm, a ViT.
        channels: of each map.
        name: of the backbone, for errors.

    Raises:
        OptionError: when the backbone has no such tokens.
    """

    def __init__(self, kind: ReadoutKind, backbone: Any, channels: Sequence[int], name: str) -> None:  # noqa: ANN401 - timm has no types
        super().__init__()
        if not getattr(getattr(backbone, "model", None), "num_prefix_tokens", 0):
            raise OptionError(f"timm's {name} has no class token that readout={kind!r} could use; take 'ignore'")
        self.kind = kind
        self.projections = nn.ModuleList(
            nn.Sequential(nn.Linear(2 * width, width), nn.GELU()) for width in (channels if kind == "cat" else ())
        )

    def forward(self, backbone: Any, image: Tensor) -> list[Tensor]:  # noqa: ANN401 - as above
        """One map (b, channels[i], h, w) a block, for an image as the backbone sees it."""
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
    """The map (b, c, h, w), projected from each pixel and the token (b, 1, c) together."""
    pixels = features.flatten(2).transpose(1, 2)
    projected: Tensor = project(torch.cat([pixels, token.expand_as(pixels)], dim=2))
    return projected.transpose(1, 2).reshape(features.shape)
