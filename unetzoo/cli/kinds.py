"""The kinds of parts as arguments of commands: `decoder` or `decoders`; names that a shell completes."""

from collections.abc import Callable
from glob import escape
from typing import get_args

from unetzoo.catalog import Kind
from unetzoo.errors import OptionError
from unetzoo.registry.registry import plural


def kind_of(word: str) -> Kind:
    """The kind of a word, in the singular or plural.

    Raises:
        OptionError: for another word.
    """
    for kind in get_args(Kind):
        if word in (kind, plural(kind)):
            known: Kind = kind
            return known
    raise OptionError(
        f"unknown kind of part {word!r}; the kinds are {', '.join(plural(kind) for kind in get_args(Kind))}"
    )


def completing(kind: str) -> Callable[[str], list[str]]:
    """A function of the beginning of a name that gives the names of a kind, for the completion of a shell."""

    def complete(incomplete: str) -> list[str]:
        from unetzoo.registry.host import host

        return host().registries[kind].names(f"{escape(incomplete)}*")

    return complete
