"""UNet 3+."""

from collections.abc import Iterator

import unetzoo

UNETZOO_HOOKS = 1


@unetzoo.hookimpl
def unetzoo_decoders() -> Iterator[unetzoo.DecoderSpec]:
    """The decoder."""
    yield unetzoo.DecoderSpec(
        name="unet3p",
        build=unetzoo.lazy("unetzoo_unet3p.decoder:UNet3PlusDecoder"),
        summary="full-scale skips: every node sees every scale",
        paper="arXiv:2004.08790",
    )
