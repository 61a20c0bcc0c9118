"""Which files below a folder are images: the same for training, checks and prediction."""

import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unetzoo.data.formats import table
from unetzoo.data.formats.channel_files import first_channels
from unetzoo.data.formats.table import ending_of, is_folder_image
from unetzoo.errors import DataError

_OF_SYSTEMS = frozenset(
    {
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        "@__thumb",
        "@eadir",
        "@recycle",
        "__macosx",
        "lost+found",
        "system volume information",
        "thumbs",
    }
)
"""Folders that file servers and archives add, in lower case."""


@dataclass(frozen=True)
class Listing:
    """The files below a folder, such as images.

    Attributes:
        images: their paths, sorted.
        left_out: what was not followed, and why, a sentence each.
    """

    images: tuple[Path, ...]
    left_out: tuple[str, ...]


def list_images(folder: Path) -> Listing:
    """The images in a folder and in those below it, as `list_files`: files with the ending of a format.

    A folder that is an image as a whole, such as one with the ending `.zarr`, is one, too. Of an image whose channels
    are files of their own (see `unetzoo.data.formats.channel_files`) it is the first.

    Raises:
        DataError: a folder cannot be read, or an image lacks a channel.
    """
    listing = list_files(folder, table.endings(), is_file=is_folder_image)
    return replace(listing, images=tuple(first_channels(listing.images)))


def list_files(folder: Path, endings: Sequence[str], *, is_file: Callable[[Path], bool] = lambda _: False) -> Listing:
    """The files with certain endings in a folder and in those below it, linked ones among them.

    Left out are hidden files and folders, whose names begin with a dot, and those of file servers and archives, such as
    `@eaDir` and `__MACOSX`. Each folder is read once, however many links lead to it.

    Args:
        folder: where to begin; its own name does not matter.
        endings: in lower case.
        is_file: whether a folder counts as a file.

    Raises:
        DataError: a folder cannot be read.
    """
    files: list[Path] = []
    left_out: list[str] = []
    seen: dict[tuple[int, int], Path] = {}
    waiting = deque([folder])
    while waiting:
        current = waiting.popleft()
        first = seen.setdefault(_identity(current), current)
        if first is not current:
            same = first.relative_to(folder).as_posix()
            left_out.append(f"{current.relative_to(folder)} is left out: it is the same folder as {same}")
            continue
        for entry in _shown_in(current):
            path = current / entry.name
            is_listed = is_file(path) if entry.is_dir() else bool(ending_of(entry.name, endings))
            if entry.is_dir() and not is_listed:
                waiting.append(path) if entry.is_symlink() else waiting.appendleft(path)
            elif is_listed and path.exists():
                files.append(path)
            elif is_listed:
                left_out.append(f"{path.relative_to(folder)} is left out: it is a link to nothing")
    return Listing(tuple(sorted(files)), tuple(left_out))


def is_hidden(name: str) -> bool:
    """Whether a file or folder of that name is hidden, or made by a file server or an archive."""
    return name.startswith(".") or name.lower() in _OF_SYSTEMS


def _shown_in(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not is_hidden(entry.name)]
    except OSError as error:
        raise DataError(f"the folder {folder} cannot be read: {error.strerror}") from error


def _identity(folder: Path) -> tuple[int, int]:
    state = folder.stat()
    return state.st_dev, state.st_ino
