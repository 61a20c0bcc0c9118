"""Why the first loss of a process computes the logarithms of odd numbers."""

from functools import cache
from math import inf, nan

import torch

_SPECIAL = (-0.0, 0.0, -1.0, -2.0, inf, -inf, nan)
_EACH = 64  # numbers, so that whole vectors of them are computed


@cache
def touch_constants() -> None:
    """Let the system load a page of torch's constants that log1p, expm1 and softplus otherwise miss again and again.

    With AVX-512 these functions read what they give for special values, such as log1p(-0.0), by loads under a mask.
    While no value is special the mask is empty, so that the page with these constants is never loaded, and a processor
    spends hundreds of cycles on every such load of a missing page: a binary cross-entropy takes several times as long
    (`python -m benchmarks.losses` measures it). One call with special values loads the page for the process.
    """
    torch.log1p(torch.tensor(_SPECIAL, device="cpu").repeat(_EACH))
