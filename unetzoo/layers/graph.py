"""Recording of graphs that must hold for images of every size."""

import torch


def is_recorded() -> bool:
    """True while `torch.export` or `torch.jit.trace` runs a network, with sizes that are only an example."""
    return torch.compiler.is_exporting() or bool(torch.jit.is_tracing())  # type: ignore[attr-defined, no-untyped-call]
