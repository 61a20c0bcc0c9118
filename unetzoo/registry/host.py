"""Load the plugins in isolation: a plugin that fails does not affect the others."""

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from importlib.metadata import version
from threading import RLock
from typing import Any, TypeVar

import pluggy

from unetzoo._utils.isolation import run_isolated
from unetzoo._utils.texts import printable
from unetzoo.errors import PluginError, PluginWarning, UnknownNameError, describe_error, did_you_mean
from unetzoo.registry import builtin, hookspecs
from unetzoo.registry.discovery import InstalledPlugin, installed_plugins, is_blocked
from unetzoo.registry.markers import HOOKS_VERSION, PROJECT
from unetzoo.registry.offers import check_distinct, checked_items, forbid_reentry, isolate, label
from unetzoo.registry.registry import KINDS, Offer, Provider, Registry, plural
from unetzoo.specs import EncoderFamily

T = TypeVar("T")
_HOOKS = {kind: f"{PROJECT}_{plural(kind)}" for kind in KINDS}
_SLOW = 1.0  # seconds
_LOADING = RLock()


def _new_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


@dataclass
class Host:
    """The plugins of this process by name, and the parts that they provide by kind.

    Attributes:
        providers: the distribution of each plugin, in the order of loading.
        active: names of the plugins that are registered, at least in part.
        blocked: plugins that the environment disables.
        problems: why a plugin, or a part of it, is disabled.
        remarks: oddities of plugins that work.
        seconds: duration of the import and the hooks.
        offers: the parts of each kind.
    """

    providers: dict[str, Provider] = field(default_factory=dict)
    active: set[str] = field(default_factory=set)
    blocked: dict[str, Provider] = field(default_factory=dict)
    problems: dict[str, list[str]] = field(default_factory=dict)
    remarks: dict[str, list[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    offers: dict[str, list[Offer]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    manager: pluggy.PluginManager = field(default_factory=_new_manager)

    @cached_property
    def registries(self) -> dict[str, Registry[Any]]:
        """The registry of each kind."""
        return {kind: Registry(kind, offers) for kind, offers in self.offers.items()}

    def disable(self, plugin: str, problem: str) -> None:
        """Record why a plugin, or a part of an active plugin, is disabled, and warn once."""
        problems = self.problems.setdefault(plugin, [])
        if problem not in problems:
            problems.append(problem)
            extent = "disabled in part" if plugin in self.active else "disabled"
            _trace(f"{plugin}: {extent}: {problem}")
            warnings.warn(f"plugin {plugin!r} is {extent}: {problem}", PluginWarning, stacklevel=2)

    def run(self, plugin: str, doing: str, function: Callable[[], T]) -> T | None:
        """The result of a plugin's function; if it raises, None, and the plugin is disabled."""
        _trace(f"{plugin}: {doing} ...")
        outcome = run_isolated(function)
        self.seconds[plugin] = self.seconds.get(plugin, 0.0) + outcome.seconds
        _trace(f"{plugin}: {doing} took {outcome.seconds * 1e3:,.1f} ms")
        if outcome.printed:
            self.remark(plugin, f"{doing} printed {outcome.printed!r}")
        if outcome.seconds > _SLOW:
            self.remark(plugin, f"{doing} took {outcome.seconds:.1f} s")
        if outcome.error:
            self.disable(plugin, f"{doing} raised {outcome.error}")
        return outcome.value

    def remark(self, plugin: str, remark: str) -> None:
        """Record an oddity of a plugin that works, and warn."""
        self.remarks.setdefault(plugin, []).append(remark)
        warnings.warn(f"plugin {plugin!r}: {remark}", PluginWarning, stacklevel=2)


def host() -> Host:
    """The host with all plugins, loaded once per process; other threads wait meanwhile."""
    with _LOADING:
        return _loaded()


@cache
def _loaded() -> Host:
    host = Host()
    with forbid_reentry():
        host.providers[PROJECT] = Provider(PROJECT, version(PROJECT))
        _register(host, builtin, PROJECT)
        for installed in installed_plugins():
            if is_blocked(installed.provider):
                _trace(f"{installed.name}: blocked")
                host.blocked[installed.name] = installed.provider
            else:
                _load(host, installed)
        for kind in KINDS:
            _collect(host, kind)
    return host


def _load(host: Host, installed: InstalledPlugin) -> None:
    name, target = installed.name, installed.entry_point.value
    host.providers[name] = installed.provider
    plugin = host.run(name, f"importing {target!r}", installed.entry_point.load)
    if plugin is not None:
        _register(host, plugin, name)
    elif name not in host.problems:
        host.disable(name, f"its entry point {target!r} is None")


def _register(host: Host, plugin: object, name: str) -> None:
    """Register a plugin, or disable it."""
    manager = host.manager
    for other, registered in manager.list_name_plugin():
        if registered is plugin:
            host.disable(name, f"its entry point is the same object as that of plugin {other!r}")
            return
    try:
        _check_contract(plugin)
        manager.register(plugin, name=name)
        manager.check_pending()
    except Exception as error:  # registering reads every attribute of the plugin's object
        if manager.has_plugin(name):
            manager.unregister(name=name)
        hint = f"; the hooks are {', '.join(_HOOKS.values())}, without arguments"
        host.disable(name, describe_error(error) + ("" if isinstance(error, PluginError) else hint))
        return
    if not manager.get_hookcallers(plugin):
        manager.unregister(name=name)
        host.disable(name, "it implements no hook: is each one decorated with unetzoo.hookimpl?")
        return
    host.active.add(name)


def _check_contract(plugin: object) -> None:
    """Raise PluginError if a plugin requires a newer contract than that of this unetzoo."""
    required = getattr(plugin, "UNETZOO_HOOKS", 1)
    if not isinstance(required, int) or required < 1:
        raise PluginError(f"its UNETZOO_HOOKS must be a whole number >= 1, got {required!r}")
    if required > HOOKS_VERSION:
        raise PluginError(
            f"it needs version {required} of the hooks; unetzoo {version(PROJECT)} has version {HOOKS_VERSION}:"
            " upgrade unetzoo"
        )


def _collect(host: Host, kind: str) -> None:
    """Call each implementation of a hook separately, so that results have a provider and errors stay isolated."""
    for implementation in getattr(host.manager.hook, _HOOKS[kind]).get_hookimpls():
        offers = host.run(implementation.plugin_name, _HOOKS[kind], partial(_ask, host, kind, implementation))
        host.offers[kind] += offers or []


def _ask(host: Host, kind: str, implementation: pluggy.HookImpl) -> list[Offer]:
    if implementation.wrapper or implementation.hookwrapper:
        raise PluginError("it must yield its own specs, not wrap other plugins")
    plugin = implementation.plugin_name
    provider = host.providers[plugin]
    items = checked_items(kind, implementation.function())
    check_distinct(kind, items, (offer for offer in host.offers[kind] if offer.provider == provider))
    on_error = partial(host.disable, plugin)
    safe = (isolate(item, on_error) if isinstance(item, EncoderFamily) else item for item in items)
    return [Offer(item, provider, plugin) for item in safe]


def _trace(text: str) -> None:
    """Print a line on standard error if UNETZOO_TRACE is set."""
    if os.environ.get("UNETZOO_TRACE"):
        print(f"unetzoo: {printable(text)}", file=sys.stderr, flush=True)  # noqa: T201 - asked for


@dataclass(frozen=True)
class PluginInfo:
    """One plugin, as `list_plugins` shows it.

    Attributes:
        name: distribution and version, and the entry point's name where the distribution has several.
        distribution: name of the distribution.
        version: version of the distribution.
        status: `"active"`, `"blocked"` (by UNETZOO_BLOCK or UNETZOO_PLUGINS) or `"broken"`.
        parts: the parts that it provides, such as `"decoder unet"` or `"encoders timm:*"`.
        conflicts: parts that another plugin provides, too, such as `"decoder unet"`.
        problems: why it, or a part of it, is disabled.
        remarks: oddities: it prints something, or takes more than a second.
        seconds: duration of its import and its hooks.
    """

    name: str
    distribution: str
    version: str
    status: str
    parts: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    seconds: float = 0.0


def list_plugins() -> list[PluginInfo]:
    """All installed plugins: active and partly broken ones first, beginning with the built-in plugin."""
    loaded = host()
    conflicts = list(_conflicts(loaded))  # lists the names of families, which may reveal problems
    infos = []
    for name in sorted(loaded.providers, key=lambda name: name not in loaded.active):
        problems = tuple(loaded.problems.get(name, ()))
        parts = (label(kind, offer.item) for kind in KINDS for offer in loaded.offers[kind] if offer.plugin == name)
        info = PluginInfo(
            name,
            loaded.providers[name].distribution,
            loaded.providers[name].version,
            "broken" if problems else "active",
            parts=tuple(parts),
            conflicts=tuple(part for plugin, part in conflicts if plugin == name),
            problems=problems,
            remarks=tuple(loaded.remarks.get(name, ())),
            seconds=loaded.seconds.get(name, 0.0),
        )
        infos.append(info)
    blocked = loaded.blocked.items()
    return infos + [PluginInfo(name, one.distribution, one.version, "blocked") for name, one in blocked]


def plugins_of(distribution: str) -> list[PluginInfo]:
    """The plugins of a distribution; raises UnknownNameError if it has none."""
    infos = list_plugins()
    if own := [info for info in infos if info.distribution == distribution]:
        return own
    hint = did_you_mean(distribution, [info.distribution for info in infos])
    raise UnknownNameError(f"no plugin of a distribution {distribution!r}; {hint or '`unetzoo plugins` lists all'}")


def _conflicts(host: Host) -> Iterator[tuple[str, str]]:
    for kind, registry in host.registries.items():
        for name, offers in registry.conflicts().items():
            for offer in offers:
                yield offer.plugin, f"{kind} {name}"
