"""Load the plugins, each isolated: whatever one does wrong, everything else goes on working."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from importlib.metadata import version
from typing import Any

import pluggy

from unetzoo import builtin, hookspecs
from unetzoo.discovery import InstalledPlugin, installed_plugins, is_blocked
from unetzoo.errors import PluginError, PluginWarning, describe_error
from unetzoo.hookspecs import PROJECT
from unetzoo.offers import asking_plugins, check_distinct, checked_items, guarded, label
from unetzoo.registry import KINDS, Offer, Provider, Registry, plural
from unetzoo.specs import EncoderFamily

_HOOKS = {kind: f"{PROJECT}_{plural(kind)}" for kind in KINDS}


def _new_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


@dataclass
class Host:
    """The plugins of this process, by name, and what they offer, by kind."""

    active: dict[str, Provider] = field(default_factory=dict)
    blocked: list[str] = field(default_factory=list)
    problems: dict[str, list[str]] = field(default_factory=dict)
    offers: dict[str, list[Offer]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    manager: pluggy.PluginManager = field(default_factory=_new_manager)

    @cached_property
    def registries(self) -> dict[str, Registry[Any]]:
        """The registry of each kind."""
        return {kind: Registry(kind, offers) for kind, offers in self.offers.items()}

    def leave_out(self, plugin: str, problem: str) -> None:
        """Record why a plugin, or a part of an active one, is left out, and warn about it once."""
        known = self.problems.setdefault(plugin, [])
        if problem not in known:
            known.append(problem)
            extent = "in part" if plugin in self.active else "as a whole"
            warnings.warn(f"plugin {plugin!r} is left out {extent}: {problem}", PluginWarning, stacklevel=2)


@cache
def host() -> Host:
    """The host with all plugins loaded, once a process; `host.cache_clear()` makes the next call load them anew."""
    host = Host()
    with asking_plugins():
        _register(host, builtin, PROJECT, Provider(PROJECT, version(PROJECT)))
        for installed in installed_plugins():
            if is_blocked(installed.provider):
                host.blocked.append(installed.name)
            else:
                _load(host, installed)
        for kind in KINDS:
            _collect(host, kind)
    return host


def _load(host: Host, installed: InstalledPlugin) -> None:
    try:
        plugin = installed.entry_point.load()
    except (Exception, SystemExit) as error:  # a stranger's module may raise anything
        host.leave_out(installed.name, f"importing {installed.entry_point.value!r} raised {describe_error(error)}")
        return
    if plugin is None:
        host.leave_out(installed.name, f"its entry point {installed.entry_point.value!r} is None")
        return
    _register(host, plugin, installed.name, installed.provider)


def _register(host: Host, plugin: object, name: str, provider: Provider) -> None:
    """Register a plugin, or leave it out as a whole."""
    manager = host.manager
    for other, registered in manager.list_name_plugin():
        if registered is plugin:
            host.leave_out(name, f"its entry point is the same object as that of plugin {other!r}")
            return
    try:
        manager.register(plugin, name=name)
        manager.check_pending()
    except Exception as error:  # registering reads every attribute of a stranger's object
        if manager.has_plugin(name):
            manager.unregister(name=name)
        host.leave_out(name, f"{describe_error(error)}; the hooks are {', '.join(_HOOKS.values())}, without arguments")
        return
    if not manager.get_hookcallers(plugin):
        manager.unregister(name=name)
        host.leave_out(name, "it implements no hook: is each one decorated with unetzoo.hookimpl?")
        return
    host.active[name] = provider


def _collect(host: Host, kind: str) -> None:
    """Ask each implementation of a hook itself, so that every result has a provider and no error reaches the others."""
    for implementation in getattr(host.manager.hook, _HOOKS[kind]).get_hookimpls():
        plugin = implementation.plugin_name
        try:
            offers = _ask(host, kind, implementation)
        except (Exception, SystemExit) as error:  # a stranger's hook may raise anything
            host.leave_out(plugin, f"{_HOOKS[kind]} raised {describe_error(error)}")
        else:
            host.offers[kind] += offers


def _ask(host: Host, kind: str, implementation: pluggy.HookImpl) -> list[Offer]:
    if implementation.wrapper or implementation.hookwrapper:
        raise PluginError("it must yield its own specs, not wrap other plugins")
    plugin = implementation.plugin_name
    provider = host.active[plugin]
    items = checked_items(kind, implementation.function())
    check_distinct(kind, items, (offer for offer in host.offers[kind] if offer.provider == provider))
    complain = partial(host.leave_out, plugin)
    safe = (guarded(item, complain) if isinstance(item, EncoderFamily) else item for item in items)
    return [Offer(item, provider, plugin) for item in safe]


@dataclass(frozen=True)
class PluginInfo:
    """One plugin, as `list_plugins` shows it.

    Attributes:
        name: distribution and version; with the entry point's name where the distribution has several.
        status: `"active"`, `"blocked"` (by UNETZOO_BLOCK or UNETZOO_PLUGINS) or `"broken"`.
        parts: what it offers, such as `"decoder unet"` or `"encoders timm:*"`.
        conflicts: those of its names that another plugin offers too, such as `"decoder unet"`.
        problems: why it, or a part of it, was left out.
    """

    name: str
    status: str
    parts: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def list_plugins() -> list[PluginInfo]:
    """All installed plugins: first the active ones and those broken in part, the built-in one before all others."""
    loaded = host()
    conflicts = list(_conflicts(loaded))  # asks families for their names, which may find further problems
    infos = []
    for name in [*loaded.active, *(name for name in loaded.problems if name not in loaded.active)]:
        problems = tuple(loaded.problems.get(name, ()))
        parts = (label(kind, offer.item) for kind in KINDS for offer in loaded.offers[kind] if offer.plugin == name)
        shared = (part for plugin, part in conflicts if plugin == name)
        infos.append(PluginInfo(name, "broken" if problems else "active", tuple(parts), tuple(shared), problems))
    return infos + [PluginInfo(name, "blocked") for name in loaded.blocked]


def _conflicts(host: Host) -> Iterator[tuple[str, str]]:
    for kind, registry in host.registries.items():
        for name, offers in registry.conflicts().items():
            for offer in offers:
                yield offer.plugin, f"{kind} {name}"
