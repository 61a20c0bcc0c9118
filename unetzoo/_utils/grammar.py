"""The language of `name(option=value, ...)`, in which losses, parts of a grid and options are written."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from unetzoo.errors import OptionError

_TOKEN = re.compile(
    r"""(?P<number> (?:\d+\.?\d*|\.\d+) (?:e[+-]?\d+)? (?![\w.:-]) )
    |   (?P<name> \w[\w.-]* (?: : \w[\w.-]* )? )
    |   (?P<text> '[^']*' | "[^"]*" )
    |   (?P<sign> \S )""",
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
_OPENING, _CLOSING = "([{", ")]}"
_JSON = {"true": True, "false": False, "null": None}  # "none" is a word: the name of a norm
_WORD = re.compile(r"[^\W\d][\w-]*")


def read_value(text: str) -> object:
    """The value of an option: a Python literal, `true`, `false` or `null` as in JSON, or a bare word.

    Raises:
        ValueError: for any other text.
    """
    if text in _JSON:
        return _JSON[text]
    try:
        value: object = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):  # the documented errors of literal_eval
        if not _WORD.fullmatch(text):
            raise ValueError(text) from None
        return text
    return value


def parse_call(text: str) -> tuple[str, dict[str, object]]:
    """The name and the options of a part, such as `"unetpp(deep_supervision=True)"`.

    Raises:
        OptionError: for a text of another form.
    """
    name, opening, _ = text.partition("(")
    if not opening:
        return text.strip(), {}
    reader = Reader(text, "part", '"unetpp(norm=group)"', start=len(name))
    options = reader.take_options()
    reader.expect_end("the end")
    return name.strip(), options


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


class Reader:
    """The tokens of a text, one after the other.

    Args:
        text: the whole text.
        noun: what the text describes, for errors.
        example: a text that is valid, for errors.
        start: index of the first character to read.

    Attributes:
        token: the next token.
        last: the text of the token before it.
    """

    def __init__(self, text: str, noun: str, example: str, start: int = 0) -> None:
        self._text, self._noun, self._example = text, noun, example
        self._tokens = _tokens(text, start)
        self.last = ""
        self.token = next(self._tokens)

    def advance(self) -> None:
        """Step over the next token."""
        self.last, self.token = self.token.text, next(self._tokens, self.token)

    def take(self, sign: str) -> bool:
        """Step over a sign, if it is the next token."""
        matches = self.token.kind == "sign" and self.token.text == sign
        if matches:
            self.advance()
        return matches

    def take_name(self, expected: str) -> str:
        """Step over a name."""
        name = self.token.text
        if self.token.kind != "name":
            self.fail(expected)
        self.advance()
        return name

    def take_options(self) -> dict[str, object]:
        """Step over `(option=value, ...)`, if it comes next, and return its options."""
        options: dict[str, object] = {}
        if not self.take("("):
            return options
        while not self.take(")"):
            if self.token.text in options:
                self.fail("each option once")
            option = self.take_name("option=value or ')'")
            if not self.take("="):
                self.fail(f"'=' and a value for {option!r}")
            options[option] = self._take_value()
            if not self.take(",") and self.token.text != ")":
                self.fail("',' or ')'")
        return options

    def expect_end(self, expected: str) -> None:
        """Raise OptionError unless all is read."""
        if self.token.kind != "end":
            self.fail(expected)

    def fail(self, expected: str, token: _Token | None = None) -> NoReturn:
        """Raise OptionError: something else was expected at the token (None: the next one)."""
        start = (token or self.token).start
        rest = self._text[start:].strip()
        place = f"at {rest!r} (character {start + 1})" if rest else "at its end"
        raise OptionError(
            f"cannot read the {self._noun} {self._text!r} {place}: expected {expected}; "
            f"a valid {self._noun} is {self._example}"
        )

    def _take_value(self) -> object:
        """Step over a value, up to the comma or parenthesis that ends it."""
        first, end, depth = self.token, self.token.start, 0
        while self.token.kind != "end" and (depth or self.token.text not in (",", ")")):
            depth += (self.token.text in _OPENING) - (self.token.text in _CLOSING)
            end = self.token.end
            self.advance()
        try:
            return read_value(self._text[first.start : end])
        except ValueError:
            self.fail("a value such as 1, 0.5, true, null, group, 'some text' or [1, 2]", first)


def _tokens(text: str, start: int) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text, start):
        yield _Token(match.lastgroup or "", match[0], match.start(), match.end())
    end = len(text.rstrip())
    yield _Token("end", "", end, end)
