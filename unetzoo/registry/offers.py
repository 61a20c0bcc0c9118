"""Check what a hook of a plugin yields before anything else sees it."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import get_args

from unetzoo.errors import PluginError, describe_error
from unetzoo.registry.builtin_commands import COMMANDS
from unetzoo.registry.registry import SPECS, Offer, Spec
from unetzoo.specs import Builder, CommandSpec, Dtype, EncoderFamily, EngineSpec, FormatSpec, Lazy, RecipeSpec

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_ENDING = re.compile(r"(\.[a-z0-9][a-z0-9_+-]*)+")
LONGEST_SIGNATURE = 16  # bytes
_entered: ContextVar[bool] = ContextVar("entered", default=False)


@contextmanager
def forbid_reentry() -> Iterator[None]:
    """Refuse look-ups of names while plugins are loaded or list their names: the recursion would not end.

    Raises:
        PluginError: a plugin looks a name up.
    """
    if _entered.get():
        raise PluginError("a plugin must not look names up while it is imported or lists its own")
    token = _entered.set(True)
    try:
        yield
    finally:
        _entered.reset(token)


def checked_items(kind: str, result: object) -> tuple[Spec | EncoderFamily, ...]:
    """The specs that the hook of a kind returned.

    Raises:
        PluginError: the result is not an iterable of the right specs, or a spec is invalid.
    """
    accepted = (SPECS[kind], EncoderFamily) if kind == "encoder" else (SPECS[kind],)
    expected = " or ".join(_with_article(cls.__name__) for cls in accepted)
    if not isinstance(result, Iterable):
        raise PluginError(f"expected an iterable from the hook, each item {expected}, got {result!r}")
    items = []
    for item in result:
        if not isinstance(item, accepted):
            raise PluginError(f"expected {expected} from the hook, got {item!r}")
        _check_item(item)
        if isinstance(item, CommandSpec) and item.name in COMMANDS:
            raise PluginError(f"{label(kind, item)} is unetzoo's own")
        items.append(item)
    return tuple(items)


def check_distinct(kind: str, items: Iterable[Spec | EncoderFamily], before: Iterable[Offer]) -> None:
    """Raise PluginError if an item repeats among `items` and those that the same distribution offered `before`."""
    seen = {label(kind, offer.item): offer.plugin for offer in before}
    for item in items:
        name = label(kind, item)
        if name in seen:
            first = f", first by plugin {seen[name]!r}" if seen[name] else ""
            raise PluginError(f"one distribution provides {name} twice{first}")
        seen[name] = ""


def label(kind: str, item: Spec | EncoderFamily) -> str:
    """How an item is shown, such as `"decoder unet"` or `"encoders timm:*"`."""
    return f"encoders {item.prefix}:*" if isinstance(item, EncoderFamily) else f"{kind} {item.name}"


def isolate(family: EncoderFamily, on_error: Callable[[str], None]) -> EncoderFamily:
    """The same family, but without names where listing them fails; `on_error` gets the reason."""
    valid: frozenset[str] = frozenset()

    def names() -> frozenset[str]:
        nonlocal valid
        with forbid_reentry():
            try:
                listed = frozenset(family.names())
                for name in listed - valid:
                    _check_name(name)
                valid = listed
            except (Exception, SystemExit) as error:  # a plugin's function may raise anything
                on_error(f"the names of encoders {family.prefix}:* raised {describe_error(error)}")
                return frozenset()
            return listed

    return replace(family, names=names)


def _check_item(item: Spec | EncoderFamily) -> None:
    if isinstance(item, EncoderFamily):
        _check_name(item.prefix)
        if not (callable(item.names) and callable(item.spec)):
            raise PluginError(f"names and spec of encoders {item.prefix}:* must be functions")
        return
    _check_name(item.name)
    if isinstance(item, FormatSpec):
        _check_format(item)
    elif isinstance(item, EngineSpec):
        _check_engine(item)
    elif isinstance(item, RecipeSpec):
        _check_recipe(item)
    else:
        _check_callable("build", item.name, item.build)


def _check_format(item: FormatSpec) -> None:
    _check_callable("open", item.name, item.open)
    for what in ("create", "check", "example"):
        if getattr(item, what) is not None:
            _check_callable(what, item.name, getattr(item, what))
    invalid = [ending for ending in item.endings if not _ENDING.fullmatch(ending)]
    if invalid or not (item.endings or item.folders):
        raise PluginError(f"endings of {item.name!r} must be such as '.tif', in lower case, but are {item.endings!r}")
    if not all(0 < len(signature) <= LONGEST_SIGNATURE for signature in item.signatures):
        raise PluginError(f"signatures of {item.name!r} must have 1 to {LONGEST_SIGNATURE} bytes")


def _check_engine(item: EngineSpec) -> None:
    for what in ("convert", "start", "check"):
        if what != "check" or item.check is not None:
            _check_callable(what, item.name, getattr(item, what))
    if not item.dtypes or not set(item.dtypes) <= set(get_args(Dtype)):
        raise PluginError(f"dtypes of {item.name!r} must be some of {', '.join(get_args(Dtype))}; got {item.dtypes!r}")


def _check_recipe(item: RecipeSpec) -> None:
    if not isinstance(item.path, Path) or item.path.suffix != ".toml":
        raise PluginError(f"path of {item.name!r} must be a Path that ends in .toml, but is {item.path!r}")
    for what in ("summary", "domain"):
        if not isinstance(getattr(item, what), str):
            raise PluginError(f"{what} of {item.name!r} must be a text, but is {getattr(item, what)!r}")


def _check_callable(what: str, name: str, value: Lazy | Builder) -> None:
    if not (isinstance(value, Lazy) or callable(value)):
        raise PluginError(f"{what} of {name!r} must be a class, a function or lazy(...), but is {value!r}")


def _check_name(name: object) -> None:
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise PluginError(f"invalid name {name!r}: use letters, digits, and any of _ . + -")


def _with_article(name: str) -> str:
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"
