"""Learned queries over the tokens of a transformer."""

from collections.abc import Iterator

import unetzoo

UNETZOO_HOOKS = 1


@unetzoo.hookimpl
def unetzoo_decoders() -> Iterator[unetzoo.DecoderSpec]:
    """The decoder."""
    yield unetzoo.DecoderSpec(
        name="queries",
        build=unetzoo.lazy("unetzoo_queries.decoder:QueryDecoder"),
        summary="learned queries attend to the deepest level, and each draws a mask",
        paper="arXiv:2503.19108",
    )
