"""What a plugin's hook gives, checked before anything else sees it."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

from unetzoo.errors import PluginError, describe_error
from unetzoo.registry.builtin import COMMANDS
from unetzoo.registry.registry import SPECS, Offer, Spec
from unetzoo.specs import CommandSpec, EncoderFamily, Lazy

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_asking: ContextVar[bool] = ContextVar("asking", default=False)


@contextmanager
def asking_plugins() -> Iterator[None]:
    """While plugins are asked for names, none of them may ask for names: that would never end.

    Raises:
        PluginError: when one does.
    """
    if _asking.get():
        raise PluginError("a plugin must not look names up while it is imported or asked for its own")
    token = _asking.set(True)
    try:
        yield
    finally:
        _asking.reset(token)


def checked_items(kind: str, given: object) -> tuple[Spec | EncoderFamily, ...]:
    """All that the hook of a kind gave.

    Raises:
        PluginError: when that is not an iterable of the right specs, or one of them cannot be used.
    """
    accepted = (SPECS[kind], EncoderFamily) if kind == "encoder" else (SPECS[kind],)
    wanted = " or ".join(cls.__name__ for cls in accepted)
    if not isinstance(given, Iterable):
        raise PluginError(f"it must yield every {wanted}, but gave {given!r}")
    items = []
    for item in given:
        if not isinstance(item, accepted):
            raise PluginError(f"it yielded {item!r} where {wanted} is due")
        _check_item(item)
        if isinstance(item, CommandSpec) and item.name in COMMANDS:
            raise PluginError(f"{label(kind, item)} is unetzoo's own")
        items.append(item)
    return tuple(items)


def check_distinct(kind: str, items: Iterable[Spec | EncoderFamily], before: Iterable[Offer]) -> None:
    """Raise PluginError when a distribution offers an item that is among these or those `before` twice."""
    seen = {label(kind, offer.item): offer.plugin for offer in before}
    for item in items:
        name = label(kind, item)
        if name in seen:
            first = f", first by plugin {seen[name]!r}" if seen[name] else ""
            raise PluginError(f"{name} is offered twice by one distribution{first}")
        seen[name] = ""


def label(kind: str, item: Spec | EncoderFamily) -> str:
    """How an item is shown, such as `"decoder unet"` or `"encoders timm:*"`."""
    return f"encoders {item.prefix}:*" if isinstance(item, EncoderFamily) else f"{kind} {item.name}"


def guarded(family: EncoderFamily, complain: Callable[[str], None]) -> EncoderFamily:
    """The same family, but when its names cannot be had, there are none, and `complain` is told why."""

    def names() -> frozenset[str]:
        with asking_plugins():
            try:
                found = frozenset(family.names())
                for name in found:
                    _check_name(name)
            except (Exception, SystemExit) as error:  # a stranger's function may raise anything
                complain(f"the names of encoders {family.prefix}:* raised {describe_error(error)}")
                return frozenset()
            return found

    return replace(family, names=names)


def _check_item(item: Spec | EncoderFamily) -> None:
    if isinstance(item, EncoderFamily):
        _check_name(item.prefix)
        if not (callable(item.names) and callable(item.spec)):
            raise PluginError(f"names and spec of encoders {item.prefix}:* must be functions")
        return
    _check_name(item.name)
    if not (isinstance(item.build, Lazy) or callable(item.build)):
        raise PluginError(f"build of {item.name!r} must be a class, a function or lazy(...), but is {item.build!r}")


def _check_name(name: object) -> None:
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise PluginError(f"{name!r} is no name: letters, digits and _.+- are")
