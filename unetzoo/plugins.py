"""Find, load, isolate and block plugins: whatever a plugin does wrong, everything else goes on working."""

import os
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points, version

import pluggy

from unetzoo import builtin, hookspecs
from unetzoo.errors import PluginError, PluginWarning
from unetzoo.hookspecs import PROJECT
from unetzoo.registry import KINDS, Offer, Provider, plural
from unetzoo.specs import DecoderSpec, EncoderFamily, EncoderSpec, LossSpec

_ACCEPTED: dict[str, tuple[type, ...]] = {
    "encoder": (EncoderSpec, EncoderFamily),
    "decoder": (DecoderSpec,),
    "loss": (LossSpec,),
}
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")


@dataclass(frozen=True)
class BrokenPlugin:
    """A plugin that was left out, or one of whose hooks was, and why."""

    name: str
    provider: Provider
    problem: str


@dataclass
class Host:
    """The plugins of this process and what they offer."""

    providers: dict[str, Provider] = field(default_factory=dict)
    broken: list[BrokenPlugin] = field(default_factory=list)
    blocked: dict[str, Provider] = field(default_factory=dict)
    offers: dict[str, list[Offer]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    manager: pluggy.PluginManager = field(default_factory=lambda: _new_manager())

    def leave_out(self, name: str, provider: Provider, problem: str) -> None:
        """Record a broken plugin and warn about it."""
        self.broken.append(BrokenPlugin(name, provider, problem))
        warnings.warn(f"plugin {name!r} is left out: {problem}", PluginWarning, stacklevel=2)


@cache
def host() -> Host:
    """The host with all plugins loaded, once a process; `host.cache_clear()` makes the next call load them anew."""
    host = Host()
    _register(host, builtin, PROJECT, Provider(PROJECT, version(PROJECT)))
    for name, provider, entry_point in _found():
        if _is_blocked(provider.distribution):
            host.blocked[name] = provider
        else:
            _load(host, name, provider, entry_point)
    for kind in KINDS:
        _collect(host, kind)
    return host


def _new_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def _found() -> Iterator[tuple[str, Provider, EntryPoint]]:
    """All installed plugins, each with a name of its own.

    pluggy drops the second of two plugins with one name, so they are named by distribution and version; a distribution
    with several entry points adds theirs.
    """
    found = []
    for entry_point in entry_points(group=PROJECT):
        distribution = entry_point.dist
        if distribution is not None:
            found.append((Provider(_canonical(distribution.name), distribution.version), entry_point))
    found.sort(key=lambda pair: (pair[0], pair[1].name))
    owners = [provider.distribution for provider, _ in found]
    for provider, entry_point in found:
        several = owners.count(provider.distribution) > 1
        yield f"{provider} ({entry_point.name})" if several else str(provider), provider, entry_point


def _is_blocked(distribution: str) -> bool:
    blocked, allowed = os.environ.get("UNETZOO_BLOCK", ""), os.environ.get("UNETZOO_PLUGINS")
    if distribution in _listed(blocked):
        return True
    return allowed is not None and distribution not in _listed(allowed)


def _listed(value: str) -> set[str]:
    return {_canonical(name.strip()) for name in value.split(",") if name.strip()}


def _canonical(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _load(host: Host, name: str, provider: Provider, entry_point: EntryPoint) -> None:
    try:
        plugin = entry_point.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's module may raise anything
        host.leave_out(name, provider, f"importing {entry_point.value!r} raised {_say(error)}")
        return
    if plugin is None:
        host.leave_out(name, provider, f"its entry point {entry_point.value!r} is None")
        return
    _register(host, plugin, name, provider)


def _register(host: Host, plugin: object, name: str, provider: Provider) -> None:
    """Register a plugin, or leave it out as a whole."""
    try:
        host.manager.register(plugin, name=name)
        host.manager.check_pending()
    except Exception as error:  # noqa: BLE001 - registering reads every attribute of a stranger's object
        if host.manager.is_registered(plugin) and host.manager.get_name(plugin) == name:
            host.manager.unregister(plugin)
        host.leave_out(name, provider, f"{_say(error)}; the hooks are {', '.join(_hook_names())}")
        return
    if not host.manager.get_hookcallers(plugin):
        host.manager.unregister(plugin)
        host.leave_out(name, provider, "it implements no hook: is each one decorated with unetzoo.hookimpl?")
        return
    host.providers[name] = provider


def _hook_names() -> list[str]:
    return [f"{PROJECT}_{plural(kind)}" for kind in KINDS]


def _collect(host: Host, kind: str) -> None:
    """Ask each implementation of a hook itself, so that every result has a provider and no error reaches the others."""
    caller = getattr(host.manager.hook, f"{PROJECT}_{plural(kind)}")
    for implementation in caller.get_hookimpls():
        name = implementation.plugin_name
        provider = host.providers[name]
        try:
            if implementation.wrapper or implementation.hookwrapper:
                raise PluginError(f"{caller.name} must yield specs; it must not wrap other plugins")
            items = tuple(implementation.function())
            _check(kind, items)
            _check_new(kind, items, (offer.item for offer in host.offers[kind] if offer.provider == provider))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's hook may raise anything
            host.leave_out(name, provider, f"{caller.name} raised {_say(error)}")
        else:
            host.offers[kind] += [Offer(item, provider) for item in items]


def _check(kind: str, items: tuple[object, ...]) -> None:
    accepted = _ACCEPTED[kind]
    for item in items:
        if not isinstance(item, accepted):
            wanted = " or ".join(cls.__name__ for cls in accepted)
            raise PluginError(f"yielded {item!r} where {wanted} is due")
        name = _label(item)
        if not _NAME.fullmatch(name):
            raise PluginError(f"{name!r} is no name: letters, digits and _.+- are")


def _check_new(kind: str, items: tuple[object, ...], before: Iterable[object]) -> None:
    seen = {(type(item), _label(item)) for item in before}
    for item in items:
        key = (type(item), _label(item))
        if key in seen:
            raise PluginError(f"{kind} {key[1]!r} is offered twice by one distribution")
        seen.add(key)


def _label(item: object) -> str:
    return str(item.prefix if isinstance(item, EncoderFamily) else getattr(item, "name", ""))


def _say(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


@dataclass(frozen=True)
class PluginInfo:
    """One plugin, as `list_plugins` shows it.

    Attributes:
        name: distribution and version; with the entry point's name where the distribution has several.
        status: `"active"`, `"blocked"` (by UNETZOO_BLOCK or UNETZOO_PLUGINS) or `"broken"`.
        parts: what it offers, such as `"decoder unet"` or `"encoders timm:*"`.
        conflicts: those of its names that another plugin offers too, such as `"decoder unet"`.
        problems: why it, or a hook of it, was left out.
    """

    name: str
    status: str
    parts: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def list_plugins() -> list[PluginInfo]:
    """All installed plugins, the built-in one first: active, blocked and broken."""
    loaded = host()
    registries = {kind: Registry[EncoderSpec](kind, offers) for kind, offers in loaded.offers.items()}
    problems: dict[str, list[str]] = {}
    for broken in loaded.broken:
        problems.setdefault(broken.name, []).append(broken.problem)
    infos = []
    for name, provider in loaded.providers.items():
        parts = [_part(kind, offer.item) for kind in KINDS for offer in loaded.offers[kind] if offer.provider == provider]
        crowded = [
            f"{kind} {part}"
            for kind, registry in registries.items()
            for part, providers in registry.conflicts().items()
            if provider in providers
        ]
        found = problems.pop(name, [])
        infos.append(PluginInfo(name, "broken" if found else "active", tuple(parts), tuple(crowded), tuple(found)))
    infos += [PluginInfo(name, "broken", problems=tuple(found)) for name, found in problems.items()]
    return infos + [PluginInfo(name, "blocked") for name in loaded.blocked]


def _part(kind: str, item: object) -> str:
    return f"{plural(kind)} {_label(item)}:*" if isinstance(item, EncoderFamily) else f"{kind} {_label(item)}"
