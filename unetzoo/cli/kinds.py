"""The kinds of parts, as commands take them: `decoder` and `decoders` alike."""

from typing import get_args

from unetzoo.assembly import Kind
from unetzoo.errors import OptionError
from unetzoo.registry.registry import plural


def kind_of(word: str) -> Kind:
    """The kind that a word means.

    Raises:
        OptionError: when it means none.
    """
    for kind in get_args(Kind):
        if word in (kind, plural(kind)):
            found: Kind = kind
            return found
    raise OptionError(
        f"there is no kind of part {word!r}; there are {', '.join(plural(kind) for kind in get_args(Kind))}"
    )
