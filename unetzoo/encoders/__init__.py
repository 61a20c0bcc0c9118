"""Encoders: each turns an image into a pyramid of features.

Plugins may use what is named here, to make a pyramid of maps that are none. It is imported at its first use, since the
names of encoders are looked up without torch.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unetzoo.encoders.pyramid import PyramidAdapter, plan_levels

__all__ = ["PyramidAdapter", "plan_levels"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attributes are anything
    """Import a public name at its first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'unetzoo.encoders' has no attribute {name!r}")
    from unetzoo.encoders import pyramid

    return getattr(pyramid, name)
