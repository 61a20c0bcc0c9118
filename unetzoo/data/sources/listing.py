"""Which files below a folder are images: the same for training, checks and prediction."""

import os
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
    """The images below a folder.

    Attributes:
        images: their paths, sorted.
        left_out: what was not followed, and why, a sentence each.
    """

    images: tuple[Path, ...]
    left_out: tuple[str, ...]


def list_images(folder: Path, endings: Sequence[str]) -> Listing:
    """The images in a folder and in those below it, linked ones among them.

    Left out are hidden files and folders, whose names begin with a dot, and those of file servers and archives, such as
    `@eaDir` and `__MACOSX`. Each folder is read once, however many links lead to it.

    Args:
        folder: where to begin; its own name does not matter.
        endings: of images, in lower case. A folder with such an ending, such as `.zarr`, is an image as a whole.

    Raises:
        DataError: a folder cannot be read.
    """
    images: list[Path] = []
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
            is_image = path.suffix.lower() in endings
            if entry.is_dir() and not is_image:
                waiting.append(path) if entry.is_symlink() else waiting.appendleft(path)
            elif is_image and path.exists():
                images.append(path)
            elif is_image:
                left_out.append(f"{path.relative_to(folder)} is left out: it is a link to nothing")
    return Listing(tuple(sorted(images)), tuple(left_out))


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
