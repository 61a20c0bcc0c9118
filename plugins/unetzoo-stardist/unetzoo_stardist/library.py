"""StarDist's library, imported late and without its changes to Python."""

import warnings
from importlib import import_module
from types import ModuleType


def stardist() -> ModuleType:
    """The package `stardist`; its import takes a second, and its change to the text of all warnings is undone."""
    formatter = warnings.formatwarning
    try:
        return import_module("stardist")
    finally:
        warnings.formatwarning = formatter
