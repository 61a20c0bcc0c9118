"""Values on the command line: `key=value` options and image sizes."""

import re
from collections.abc import Sequence

from unetzoo._utils.grammar import read_value
from unetzoo.errors import OptionError


def read_options(flag: str, texts: Sequence[str]) -> dict[str, object]:
    """The options of a flag that is repeated, each as `key=value`.

    A value is a number, a list such as `64,32,16`, `true`, `false`, `null` or text.

    Raises:
        OptionError: for another form, or a repeated key.
    """
    options: dict[str, object] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (equals and key.isidentifier()):
            raise OptionError(f"{flag} takes key=value, such as norm=group; got {text!r}")
        if key in options:
            raise OptionError(f"{flag} has {key!r} twice")
        options[key] = _read_value(value)
    return options


def read_size(text: str) -> tuple[int, int]:
    """(height, width) of `256` or `256x320`, the value of `--image-size`.

    Raises:
        OptionError: for another form, or a size of 0.
    """
    match = re.fullmatch(r"([1-9]\d*)(?:x([1-9]\d*))?", text.lower())
    if not match:
        raise OptionError(f"--image-size takes pixels as SIZE or HEIGHTxWIDTH, such as 256 or 256x320; got {text!r}")
    height, width = match.groups()
    return int(height), int(width or height)


def read_numbers(text: str | None, flag: str) -> tuple[float, ...]:
    """The numbers of `3,0.8,0.8`, the value of a flag; empty: it is not given.

    Raises:
        OptionError: for another form.
    """
    try:
        return tuple(float(each) for each in text.split(",")) if text else ()
    except ValueError:
        raise OptionError(f"{flag} must be numbers, such as 3,0.8,0.8; got {text!r}") from None


def _read_value(text: str) -> object:
    try:
        return read_value(text)
    except ValueError:
        return text
