"""Numbers of things in words; untrusted texts (names of classes, files, providers), made harmless to show.

Jinja2 escapes pages and PyYAML front matter; this module escapes for terminals, Markdown, spreadsheets and charts.
"""

import re

# C0 and C1 controls, line separators, and what reverses the direction of writing
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
_MARKUP = re.compile(r"[\\`*\[\]|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_LINKS = re.compile(r"(?<=[a-z])://|(?<=www)\.|(?<=mailto):", re.IGNORECASE)
_FORMULAS = ("=", "+", "-", "@")


def count_of(count: int, noun: str, plural: str = "") -> str:
    """A number of things: `"1 run"`, `"1,200 runs"`, `"2 classes"`; `plural` where it is not the noun with an s."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def duration(seconds: float) -> str:
    """A duration for people: `40 seconds`, `14 minutes`, `2.5 hours`."""
    for unit, length, places in (("hour", 3600, 1), ("minute", 60, 0)):
        if seconds >= length:
            number = f"{seconds / length:.{places}f}".removesuffix(".0")
            return f"{number} {unit}{'' if number == '1' else 's'}"
    return count_of(round(seconds), "second")


def printable(text: str, keep: str = "") -> str:
    r"""A text in which control characters are written as Python does, such as `\x1b`.

    Args:
        text: untrusted.
        keep: control characters to keep, such as a newline.
    """
    return _CONTROLS.sub(lambda match: match[0] if match[0] in keep else _written(match[0]), text)


def markdown(text: str) -> str:
    """A text in one line that Markdown shows as it is: without markup, links, pictures or HTML."""
    from html import escape

    line = escape(printable(" ".join(text.split())), quote=False)
    return _LINKS.sub(lambda match: f"&#{ord(match[0][0])};{match[0][1:]}", _MARKUP.sub(r"\\\g<0>", line))


def code(text: str) -> str:
    """A text as code in a line of Markdown, also in a table."""
    return f"`{printable(text).replace('`', chr(0x2CB)).replace('|', chr(0x2502))}`"


def cell(text: str) -> str:
    """A text as a cell of a spreadsheet that is not a formula."""
    line = printable(text)
    return f"'{line}" if line.lstrip().startswith(_FORMULAS) else line


def label(text: str) -> str:
    """A text for a chart of Plotly, which reads some HTML."""
    from html import escape

    return escape(printable(text))


def _written(control: str) -> str:
    return control.encode("unicode_escape").decode("ascii")
