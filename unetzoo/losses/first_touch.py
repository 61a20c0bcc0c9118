"""Why the first loss of a process computes the logarithm of 0."""

from functools import cache

import torch


@cache
def touch_constants() -> None:
    """Let the system load a page of torch's constants that log1p, expm1 and softplus otherwise miss again and again.

    With AVX-512 these functions read what they give for special values, such as log1p(-1), by loads under a mask. While
    no value is special the mask is empty, so that the page with these constants is never loaded, and a processor spends
    hundreds of cycles on every such load of a missing page: a binary cross-entropy takes several times as long
    (`python benchmarks/losses.py` measures it). A single special value loads the page for the rest of the process.
    """
    torch.log1p(torch.full((64,), -1.0, device="cpu"))
