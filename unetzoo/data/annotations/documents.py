"""Read JSON, XML and text of strangers: one error names the file and what is wrong."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from unetzoo.data.formats.limits import free_memory
from unetzoo.errors import DataError, describe_error

_GROWTH = 12  # bytes of Python objects by bytes of JSON or XML
_MODEST = 2**28  # bytes of memory that any file may take


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Let errors begin with the name of a file."""
    try:
        yield
    except DataError as error:
        text = str(error)
        raise error if text.startswith(str(path)) else DataError(f"{path}: {text}") from error
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise DataError(f"{path} is not as its format says: {describe_error(error)}") from error


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        DataError: it cannot be read, is not UTF-8, or needs more memory than is free.
    """
    try:
        _check_memory(path)
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} cannot be read: it is not UTF-8") from error


def _check_memory(path: Path) -> None:
    """Raise DataError if reading a file needs more memory than is free."""
    needed = _GROWTH * path.stat().st_size
    if needed > _MODEST and needed > (free := free_memory()):
        raise DataError(
            f"{path} needs about {needed >> 20:,} MiB of memory, but {free >> 20:,} MiB are free: split it into files "
            "of fewer images"
        )


def read_json(path: Path) -> Any:  # noqa: ANN401 - as the file has it
    """The content of a JSON file; raises DataError as `read_text`, or if it is not JSON."""
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} is not valid JSON: {describe_error(error)}") from error


class _WithoutDtd(ElementTree.TreeBuilder):
    """Builds the tree of a document that declares no entities: their expansion can fill the memory, or name files."""

    def doctype(self, name: str, *_: object) -> None:
        """A DTD, before its entities are read."""
        raise DataError(f"it declares the document type {name!r} (DTD), which may hold entities, and is not read")


def read_xml(path: Path) -> ElementTree.Element:
    """The root of an XML file.

    Raises:
        DataError: it cannot be read, is not XML, has a document type, or needs more memory than is free.
    """
    try:
        _check_memory(path)
        return ElementTree.parse(path, ElementTree.XMLParser(target=_WithoutDtd())).getroot()  # noqa: S314 - as above
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        if isinstance(error, DataError):
            raise DataError(f"{path}: {error}") from error
        raise DataError(f"{path} is not valid XML: {error}") from error


def mapping(value: object, what: str) -> Mapping[str, Any]:
    """A value that is a JSON object; raises DataError that begins with what it is for another one."""
    if not isinstance(value, Mapping):
        raise DataError(f"{what} is not a JSON object, but {_shown(value)}")
    return value


def items(value: object, what: str) -> Sequence[Any]:
    """A value that is a JSON array; raises DataError that begins with what it is for another one."""
    if not isinstance(value, list):
        raise DataError(f"{what} is not a list, but {_shown(value)}")
    return value


def text(value: object, what: str) -> str:
    """A value that is a text; raises DataError that begins with what it is for another one."""
    if not isinstance(value, str):
        raise DataError(f"{what} is not a text, but {_shown(value)}")
    return value


def stated_size(height: object, width: object) -> tuple[int, int] | None:
    """The size that a file states; None without one, or for 0.

    Raises:
        DataError: they are not whole numbers from 0 on.
    """
    if not height or not width:
        return None
    try:
        size = int(str(height)), int(str(width))
    except ValueError:
        size = (-1, -1)
    if min(size) < 0:
        raise DataError(f"the size of the image is {height!r} x {width!r}, which are not whole numbers")
    return size


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:60]}..."
