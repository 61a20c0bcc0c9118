"""The kinds of parts as arguments of commands: `decoder` or `decoders`."""

from typing import get_args

from unetzoo.assembly import Kind
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
