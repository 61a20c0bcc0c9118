"""Find the installed plugins, and those that the environment disables."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from unetzoo.registry.markers import PROJECT
from unetzoo.registry.registry import Provider


@dataclass(frozen=True)
class InstalledPlugin:
    """A plugin that is installed but not imported.

    Attributes:
        name: its distribution and version; with the entry point's name where the distribution has several.
        provider: the distribution.
        entry_point: what `load()` imports.
    """

    name: str
    provider: Provider
    entry_point: EntryPoint


def installed_plugins() -> Iterator[InstalledPlugin]:
    """All installed plugins, ordered by distribution, each with a unique name.

    pluggy drops the second of two plugins with one name, and entry points of two distributions may share a name.
    """
    installed = sorted(
        ((_provider(entry_point), entry_point) for entry_point in entry_points(group=PROJECT)),
        key=lambda pair: (pair[0], pair[1].name),
    )
    providers = [provider for provider, _ in installed]
    for provider, entry_point in installed:
        alone = providers.count(provider) == 1
        yield InstalledPlugin(str(provider) if alone else f"{provider} ({entry_point.name})", provider, entry_point)


def is_blocked(provider: Provider) -> bool:
    """Whether UNETZOO_BLOCK names a distribution, or UNETZOO_PLUGINS is set and does not."""
    blocked, allowed = os.environ.get("UNETZOO_BLOCK", ""), os.environ.get("UNETZOO_PLUGINS")
    if provider.distribution in _listed(blocked):
        return True
    return allowed is not None and provider.distribution not in _listed(allowed)


def _provider(entry_point: EntryPoint) -> Provider:
    """The distribution of an entry point, or the entry point's own name if the metadata cannot be read."""
    try:
        distribution = entry_point.dist
        name, version = (distribution.name, distribution.version) if distribution else (entry_point.name, "")
        return Provider(_canonical(name), version or "")
    except Exception:  # a damaged installation: METADATA that is missing or empty raises errors of several types
        return Provider(_canonical(entry_point.name), "")


def _listed(value: str) -> set[str]:
    return {_canonical(name.strip()) for name in value.split(",") if name.strip()}


def _canonical(distribution: str) -> str:
    """The normalized form of a distribution's name, as on PyPI."""
    return re.sub(r"[-_.]+", "-", distribution).lower()
