"""Files of volumes: which there are, and what they are called."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from unetzoo import DataError
from unetzoo_medical.dicom import ENDINGS as OF_DICOM

_READ = (".nii.gz", ".nii", ".nrrd", ".mha", ".mhd")


def ending_of(name: str, endings: Sequence[str] = _READ) -> str:
    """The longest of the endings that a name has; empty: none."""
    return max((ending for ending in endings if name.lower().endswith(ending)), key=len, default="")


def name_of(path: Path) -> str:
    """The name of a case: that of its file without the ending, or of its folder."""
    return path.name[: len(path.name) - len(ending_of(path.name))]


def find_volumes(path: Path) -> list[Path]:
    """The volume at a path, or those in a folder and the folders below it: files, and folders with a series of DICOM.

    Raises:
        DataError: there are none.
    """
    if not path.exists():
        raise DataError(f"there is no file or folder {path}")
    volumes = [path] if path.is_file() or _is_series(path) else sorted(_below(path))
    if not volumes:
        raise DataError(f"there are no volumes in the folder {path}: files {', '.join(_READ)}, or series of DICOM")
    return volumes


def _below(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from [path] if _is_series(path) else _below(path)
        elif ending_of(path.name):
            yield path


def _is_series(path: Path) -> bool:
    return path.is_dir() and any(each.suffix.lower() in OF_DICOM for each in path.iterdir())
