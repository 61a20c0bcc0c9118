"""The words of the command line: errors that name Python's options and functions name flags and commands instead."""

import re
from collections.abc import Mapping

_BOTH = re.compile(r"""\b([a-z_]+)(?:=(?:\[[^\]]*\]|'[^']*'|[^\s,;]+))?\ \((--([a-z-]+)[^()]*)\)""", re.VERBOSE)
_LISTED = re.compile(r"\bunetzoo\.list_([a-z]+)\((?:('[^']*'))?\)")
_OPTION = re.compile(r"([a-z_]+)(?= must\b)")
_VALUE = re.compile(r"(?<!create it with )(?<![?&.])\b([a-z_]+)=(True|'[^']*'|\d[\d.e+-]*\b)")


def in_flags(text: str, flags: Mapping[str, str] | None = None) -> str:
    """A message in which `resume=True (--resume)` is `--resume` and `unetzoo.list_losses()` is `unetzoo list losses`.

    Args:
        text: the message.
        flags: the flag of each of Python's options by name: a message that begins with `seed must` begins with
            `--seed must`, and `batch=4` or `pretrained=True` is `--batch 4` or `--pretrained`.
    """
    text = _BOTH.sub(_flag, text)
    text = _LISTED.sub(_listing, text)
    flags = flags or {}
    text = _VALUE.sub(lambda match: _assigned(match, flags), text)
    option = _OPTION.match(text)
    return f"{flags[option[1]]}{text[option.end() :]}" if option and option[1] in flags else text


def _assigned(match: re.Match[str], flags: Mapping[str, str]) -> str:
    name, value = match.groups()
    if name not in flags:
        return match[0]
    return flags[name] if value == "True" else " ".join((flags[name], value.strip("'")))


def _listing(call: re.Match[str]) -> str:
    kind, pattern = call.groups()
    return "unetzoo recipes" if kind == "recipes" else " ".join(filter(None, ("unetzoo list", kind, pattern)))


def _flag(match: re.Match[str]) -> str:
    return match[2] if match[1].replace("_", "-") == match[3].removeprefix("mask-") else match[0]
