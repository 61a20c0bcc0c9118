"""The text of a sum of losses, `"0.5*dice(smooth=1) + bce"`, taken apart."""

import ast
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from unetzoo.errors import OptionError

EXAMPLE = '"0.5*dice(smooth=1) + bce"'

_TOKEN = re.compile(
    r"""(?P<number> (?:\d+\.?\d*|\.\d+) (?:e[+-]?\d+)? (?![\w.:-]) )
    |   (?P<name> \w[\w.-]* (?: : \w[\w.-]* )? )
    |   (?P<text> '[^']*' | "[^"]*" )
    |   (?P<sign> \S )""",
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
_OPENING, _CLOSING = "([{", ")]}"


@dataclass(frozen=True)
class Term:
    """One summand.

    Attributes:
        factor: > 0.
        name: of the loss, as a registry finds it.
        options: those of the loss.
    """

    factor: float
    name: str
    options: dict[str, Any]


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def parse_terms(expression: str) -> tuple[Term, ...]:
    """The summands of `[factor *] name [(option=value, ...)] + ...`; values are Python literals.

    Raises:
        OptionError: for a text that is not of that form; quotes the part that does not fit and says what does.
    """
    if not isinstance(expression, str):
        raise OptionError(f"a loss is written such as {EXAMPLE}, got {expression!r}")
    reader = _Reader(expression)
    terms = [_read_term(reader)]
    while reader.take("+"):
        terms.append(_read_term(reader))
    if reader.token.kind != "end":
        reader.fail("'+' and another loss, or the end" if reader.last == ")" else "'+', '(' or the end")
    return tuple(terms)


def _read_term(reader: "_Reader") -> Term:
    factor = 1.0
    if reader.token.kind == "number":
        factor = float(reader.token.text)
        if not (factor > 0 and math.isfinite(factor)):
            reader.fail("a finite factor > 0")
        reader.advance()
        if not reader.take("*"):
            reader.fail("'*' behind the factor")
    name = reader.take_name("the name of a loss" if reader.last == "*" else "a factor > 0 or the name of a loss")
    return Term(factor, name, dict(_read_options(reader)) if reader.take("(") else {})


def _read_options(reader: "_Reader") -> Iterator[tuple[str, Any]]:
    """The options behind the opening parenthesis, up to the closing one."""
    seen: set[str] = set()
    while not reader.take(")"):
        if reader.token.text in seen:
            reader.fail("each option once")
        option = reader.take_name("option=value or ')'")
        seen.add(option)
        if not reader.take("="):
            reader.fail(f"'=' and a value for {option!r}")
        yield option, _read_value(reader)
        if not reader.take(",") and reader.token.text != ")":
            reader.fail("',' or ')'")


def _read_value(reader: "_Reader") -> object:
    """A Python literal, up to the comma or parenthesis that ends it."""
    first, end, depth = reader.token, reader.token.start, 0
    while reader.token.kind != "end" and (depth or reader.token.text not in (",", ")")):
        depth += (reader.token.text in _OPENING) - (reader.token.text in _CLOSING)
        end = reader.token.end
        reader.advance()
    try:
        return ast.literal_eval(reader.expression[first.start : end])
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):  # all that literal_eval is said to raise
        reader.fail("a Python value such as 1, 0.5, True, None, 'text' or [1, 2]", first)


class _Reader:
    """The tokens of an expression, one after the other.

    Attributes:
        expression: the whole text.
        token: that comes next.
        last: the text of the one before.
    """

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self._tokens = _tokens(expression)
        self.last = ""
        self.token = next(self._tokens)

    def advance(self) -> None:
        self.last, self.token = self.token.text, next(self._tokens, self.token)

    def take(self, sign: str) -> bool:
        """Step over a sign, if it is the next token."""
        found = self.token.kind == "sign" and self.token.text == sign
        if found:
            self.advance()
        return found

    def take_name(self, wanted: str) -> str:
        name = self.token.text
        if self.token.kind != "name":
            self.fail(wanted)
        self.advance()
        return name

    def fail(self, wanted: str, token: _Token | None = None) -> NoReturn:
        """Raise OptionError: at the token (the next one where None) something else was expected."""
        start = (token or self.token).start
        rest = self.expression[start:].strip()
        place = f"at {rest!r} (character {start + 1})" if rest else "at its end"
        raise OptionError(
            f"cannot read the loss {self.expression!r} {place}: expected {wanted}; a loss is written such as {EXAMPLE}"
        )


def _tokens(expression: str) -> Iterator[_Token]:
    for found in _TOKEN.finditer(expression):
        yield _Token(found.lastgroup or "", found[0], found.start(), found.end())
    end = len(expression.rstrip())
    yield _Token("end", "", end, end)
