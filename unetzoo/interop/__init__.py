"""Interop: weights that other libraries have trained. `smp` reads those of segmentation_models_pytorch."""

from importlib import import_module
from types import ModuleType

__all__ = ["smp"]


def __getattr__(name: str) -> ModuleType:
    """Import a module at its first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'unetzoo.interop' has no attribute {name!r}")
    return import_module(f"unetzoo.interop.{name}")
