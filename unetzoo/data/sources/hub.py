"""Hugging Face data sets: local ones, and those of the Hub by name.

Cells are taken as Arrow has them and decoded here: the library datasets would fetch the addresses and open the files
that a cell names, and decode whatever Pillow knows.
"""

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.extras import need
from unetzoo.data.formats.axes import channels_last
from unetzoo.data.formats.content import NOTHING_KNOWN, Content, Decoded, Known, Role
from unetzoo.data.formats.read import check_file, decode, upright_image, upright_mask
from unetzoo.data.masks.raw import RawMask
from unetzoo.data.sources.folders import SPLIT_FOLDERS
from unetzoo.data.sources.source import Entry, Source
from unetzoo.errors import DataError, describe_error

if TYPE_CHECKING:
    from datasets import Dataset as Table

_IMAGES = ("image", "img", "pixel_values")
_MASKS = ("mask", "label", "annotation", "segmentation_mask", "segmentation", "labels")


def is_saved_dataset(path: Path) -> bool:
    """Whether a folder is one of `save_to_disk` of the library datasets."""
    return (path / "dataset_dict.json").is_file() or (path / "state.json").is_file()


def open_hub_dataset(source: str) -> "HubSource":
    """The tables of a folder of `save_to_disk`, or of `"hf:user/name"` or `"hf:user/name:config"` on the Hub.

    Raises:
        MissingExtraError: the library datasets is not installed.
        DataError: there is no such data set, or it has no column of images or of masks.
    """
    need("datasets", "a Hugging Face data set", "datasets")
    import datasets

    try:
        if source.startswith("hf:"):
            name, _, config = source.removeprefix("hf:").partition(":")
            loaded = datasets.load_dataset(name, config or None)
            files = Path(datasets.config.HF_CACHE_HOME)
        else:
            files = Path(source).resolve()
            _check_inside(files)
            loaded = datasets.load_from_disk(str(files))
    except DataError:
        raise
    except Exception as error:  # of the Hub, of the file system, of the formats
        hint = "; a configuration is named as hf:user/name:config" if "onfig name is missing" in str(error) else ""
        raise DataError(f"the data set {source!r} cannot be opened: {describe_error(error)}{hint}") from error
    tables = loaded if isinstance(loaded, Mapping) else {"": loaded}
    by_split = {_split_of(source, str(split), len(tables)): table for split, table in tables.items()}
    return HubSource(source, by_split, files)


def _check_inside(folder: Path) -> None:
    """Raise DataError if a folder of `save_to_disk` names files outside of it."""
    splits = _names(folder / "dataset_dict.json", "splits")
    for part in [folder / split for split in splits] or [folder]:
        for file in [part, *(part / name for name in _names(part / "state.json", "_data_files"))]:
            if not file.resolve().is_relative_to(folder):
                raise DataError(f"the data set {str(folder)!r} names {file}, which is not in it; it is not read")


def _names(file: Path, key: str) -> list[str]:
    """The names of splits or files that a file of `save_to_disk` lists."""
    listed = json.loads(file.read_text(encoding="utf-8"))[key] if file.is_file() else []
    return [entry["filename"] if isinstance(entry, dict) else entry for entry in listed]


def _split_of(source: str, name: str, count: int) -> str:
    """The split that a name stands for; a single one may have any name, and is split later."""
    known = SPLIT_FOLDERS.get(name.lower(), "")
    if not known and count > 1:
        raise DataError(
            f"the data set {source!r} has a split {name!r}, which is not one of {', '.join(SPLIT_FOLDERS)}; keep those "
            "that you want in a folder, by save_to_disk of the library datasets"
        )
    return known


class HubSource(Source):
    """The rows of tables with a column of images and one of masks.

    Args:
        source: as the user named it.
        tables: of each split; one of the name "" is split later.
        files: the folder in which files may lie that cells name.

    Raises:
        DataError: a table has no column of images or of masks.
    """

    def __init__(self, source: str, tables: "Mapping[str, Table]", files: Path) -> None:
        self._files = files.resolve()
        self._rows: list[tuple[Table, int]] = []
        self._columns: list[Mapping[Role, str]] = []
        entries = []
        for split, table in tables.items():
            columns: dict[Role, str] = {
                "image": _column(source, table, _IMAGES),
                "mask": _column(source, table, _MASKS),
            }
            stored = table.select_columns(list(columns.values())).with_format("arrow")
            for row in range(len(table)):
                self._rows.append((stored, row))
                self._columns.append(columns)
                entries.append(Entry(f"{split or 'row'} {row}", split))
        if not entries:
            raise DataError(f"the data set {source!r} has no rows")
        super().__init__(entries)

    def image(self, index: int) -> NDArray[Any]:
        """The image (h, w, c) of a row."""
        return self.pair(index)[0]

    def raw_mask(self, index: int) -> RawMask:
        """The mask of a row as it is stored."""
        return upright_mask(self._decoded(index, self._row(index), "mask"))

    def pair(self, index: int) -> tuple[NDArray[Any], RawMask]:
        """Both, of a row that is read once."""
        row = self._row(index)
        mask = upright_mask(self._decoded(index, row, "mask"))
        image = self._decoded(index, row, "image", Known(size=(mask.shape[0], mask.shape[1])))
        return upright_image(image, self.entries[index].name), mask

    def _row(self, index: int) -> "Mapping[str, Any]":
        """The cells of a row by column."""
        table, row = self._rows[index]
        with self._explained(index):
            cells = table[row]
            return {column: cells.column(column)[0].as_py() for column in cells.column_names}

    def _decoded(self, index: int, row: "Mapping[str, Any]", role: Role, known: Known = NOTHING_KNOWN) -> Decoded:
        column = self._columns[index][role]
        name, cell = f"{self.entries[index].name}, {column!r}", row[column]
        if isinstance(cell, Mapping) and cell.keys() == {"bytes", "path"}:
            cell = cell["bytes"] or self._file(cell["path"], name)
        if isinstance(cell, bytes):
            return decode(Content(io.BytesIO(cell), len(cell), name), role, known)
        with self._explained(index):
            pixels = channels_last(np.asarray(cell), known)
        if pixels.ndim not in (2, 3) or 0 in pixels.shape or pixels.dtype.kind not in "buif":
            raise DataError(f"{name} is not an image, but {pixels.dtype} {pixels.shape}")
        return Decoded(pixels)

    def _file(self, path: str | None, name: str) -> bytes:
        """The bytes of a file that a cell names, which must belong to the data set."""
        if not path:
            raise DataError(f"{name} is empty")
        file = (self._files / path).resolve()
        if "://" in path or not file.is_relative_to(self._files):
            raise DataError(f"{name} names {path}, which is not a file of the data set, and is not read")
        check_file(file)
        return file.read_bytes()

    @contextmanager
    def _explained(self, index: int) -> "Iterator[None]":
        try:
            yield
        except Exception as error:  # a picture may be damaged in many ways
            raise DataError(f"{self.entries[index].name} cannot be read: {describe_error(error)}") from error


def _column(source: str, table: "Table", names: tuple[str, ...]) -> str:
    column = next((name for name in names if name in table.column_names), None)
    if column is None:
        known = ", ".join(table.column_names)
        raise DataError(f"the data set {source!r} has no column {' or '.join(map(repr, names[:2]))}; it has {known}")
    return column
