"""Attention U-Net and R2U-Net."""

from collections.abc import Iterator

import unetzoo

UNETZOO_HOOKS = 1


@unetzoo.hookimpl
def unetzoo_decoders() -> Iterator[unetzoo.DecoderSpec]:
    """Both decoders."""
    yield unetzoo.DecoderSpec(
        name="attention_unet",
        build=unetzoo.lazy("unetzoo_attention.attention_unet:AttentionUNetDecoder"),
        summary="U-Net whose skips are weighted by additive attention gates",
        paper="arXiv:1804.03999",
        spatial_dims=(2, 3),
    )
    yield unetzoo.DecoderSpec(
        name="r2unet",
        build=unetzoo.lazy("unetzoo_attention.r2unet:R2UNetDecoder"),
        summary="U-Net with recurrent residual blocks",
        paper="arXiv:1802.06955",
    )
