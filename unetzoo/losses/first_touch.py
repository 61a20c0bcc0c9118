"""A work-around for slow logarithms at the start of a process."""

from functools import cache
from math import inf, nan

import torch

_SPECIAL = (-0.0, 0.0, -1.0, -2.0, inf, -inf, nan)
_EACH = 64  # enough for whole vectors


@cache
def touch_constants() -> None:
    """Load the memory page of the constants that torch's log1p, expm1 and softplus read with AVX-512.

    These functions read their results for special values, such as log1p(-0.0), by masked loads. As long as no value is
    special the mask is empty and the page is never loaded, and the processor spends hundreds of cycles on every such
    load of a missing page: a binary cross-entropy takes several times as long (`python -m benchmarks.losses` measures
    it). One call with special values loads the page for the process.
    """
    torch.log1p(torch.tensor(_SPECIAL, device="cpu").repeat(_EACH))
