"""The text of a sum of losses, such as `"0.5*dice(smooth=1) + bce"`."""

import math
from dataclasses import dataclass

from unetzoo._utils.grammar import Reader
from unetzoo.errors import OptionError

_EXAMPLE = '"0.5*dice(smooth=1) + bce"'


@dataclass(frozen=True)
class Term:
    """One summand.

    Attributes:
        factor: > 0.
        name: the loss's name in the registry.
        options: the loss's options.
    """

    factor: float
    name: str
    options: dict[str, object]


def parse_terms(expression: str) -> tuple[Term, ...]:
    """The summands of `[factor *] name [(option=value, ...)] + ...`.

    Raises:
        OptionError: for a text of another form; quotes the part that does not fit and says what is expected there.
    """
    if not isinstance(expression, str):
        raise OptionError(f"a loss must be a text such as {_EXAMPLE}, got {expression!r}")
    reader = Reader(expression, "loss", _EXAMPLE)
    terms = [_read_term(reader)]
    while reader.take("+"):
        terms.append(_read_term(reader))
    reader.expect_end("'+' and another loss, or the end" if reader.last == ")" else "'+', '(' or the end")
    return tuple(terms)


def _read_term(reader: Reader) -> Term:
    factor = _read_factor(reader) if reader.token.kind == "number" else 1.0
    name = reader.take_name("the name of a loss" if reader.last == "*" else "a factor > 0 or the name of a loss")
    return Term(factor, name, reader.take_options())


def _read_factor(reader: Reader) -> float:
    factor = float(reader.token.text)
    if not (factor > 0 and math.isfinite(factor)):
        reader.fail("a finite factor > 0")
    reader.advance()
    if not reader.take("*"):
        reader.fail("'*' after the factor")
    return factor
