"""Compute float32 in full precision, whatever the program allows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def full_precision() -> Iterator[None]:
    """No TF32 and no bfloat16 in products and convolutions of float32, within a context.

    The settings of the program are restored. Those that torch 2.9 replaced are not touched by later versions, which
    refuse to read them once both kinds were set.
    """
    before = [(part, name, getattr(part, name)) for part, name, _ in _settings()]
    for part, name, full in _settings():
        setattr(part, name, full)
    try:
        yield
    finally:
        for part, name, value in before:
            setattr(part, name, value)


def float32_settings() -> tuple[object, ...]:
    """How the program has products and convolutions of float32 computed, to compare with later."""
    return tuple(getattr(part, name) for part, name, _ in _settings())


def _settings() -> list[tuple[Any, str, object]]:
    """(owner, attribute, value for full precision) of each setting."""
    backends: Any = torch.backends
    if hasattr(backends, "fp32_precision"):  # since torch 2.9
        parts = (backends.cuda.matmul, backends.cudnn.conv, backends.mkldnn.matmul, backends.mkldnn.conv)
        return [(part, "fp32_precision", "ieee") for part in parts]
    return [(backends.cuda.matmul, "allow_tf32", False), (backends.cudnn, "allow_tf32", False)]
