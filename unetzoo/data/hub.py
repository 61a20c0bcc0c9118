"""Hugging Face data sets: local ones, and those of the Hub by name."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.folders import SPLIT_FOLDERS
from unetzoo.data.images import channels_last, check_finite, picture_codes, picture_pixels
from unetzoo.data.sources import Entry, Source
from unetzoo.errors import DataError, describe_error
from unetzoo.extras import need

if TYPE_CHECKING:
    from datasets import Dataset as Table
    from PIL.Image import Image

_IMAGES = ("image", "img", "pixel_values")
_MASKS = ("mask", "label", "annotation", "segmentation_mask", "segmentation", "labels")


def is_saved_dataset(path: Path) -> bool:
    """Whether a folder is one of `save_to_disk` of the library datasets."""
    return (path / "dataset_dict.json").is_file() or (path / "state.json").is_file()


def open_hub_dataset(source: str) -> "TableSource":
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
        else:
            loaded = datasets.load_from_disk(source)
    except Exception as error:  # of the Hub, of the file system, of the formats
        hint = "; a configuration is named as hf:user/name:config" if "onfig name is missing" in str(error) else ""
        raise DataError(f"the data set {source!r} cannot be opened: {describe_error(error)}{hint}") from error
    tables = loaded if isinstance(loaded, Mapping) else {"": loaded}
    return TableSource(source, {_split_of(source, str(split), len(tables)): table for split, table in tables.items()})


def _split_of(source: str, name: str, count: int) -> str:
    """What a split of that name is; a single one may have any name, and is split later."""
    known = SPLIT_FOLDERS.get(name.lower(), "")
    if not known and count > 1:
        raise DataError(
            f"the data set {source!r} has a split {name!r}, which is none of {', '.join(SPLIT_FOLDERS)}; keep those "
            "that you want in a folder, by save_to_disk of the library datasets"
        )
    return known


class TableSource(Source):
    """The rows of tables with a column of images and one of masks.

    Args:
        source: as the user named it.
        tables: of each split; one of the name "" is split later.

    Raises:
        DataError: a table has no column of images or of masks.
    """

    def __init__(self, source: str, tables: "Mapping[str, Table]") -> None:
        self._rows: list[tuple[Table, int, str, str]] = []
        entries = []
        for split, table in tables.items():
            image, mask = (_column(source, table, names) for names in (_IMAGES, _MASKS))
            for row in range(len(table)):
                self._rows.append((table, row, image, mask))
                entries.append(Entry(f"{split or 'row'} {row}", split))
        if not entries:
            raise DataError(f"the data set {source!r} has no rows")
        super().__init__(entries)

    def image(self, index: int) -> NDArray[Any]:
        """The image (h, w, c) of a row."""
        return self._image(index, self._cells(index))

    def raw_mask(self, index: int) -> NDArray[Any]:
        """The mask of a row as it is stored."""
        return self._mask(index, self._cells(index))

    def pair(self, index: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Both, of a row that is decoded once."""
        cells = self._cells(index)
        return self._image(index, cells), self._mask(index, cells)

    def _image(self, index: int, cells: "Mapping[str, Any]") -> NDArray[Any]:
        pixels = self._pixels(index, cells, self._rows[index][2], picture_pixels)
        check_finite(pixels, self.entries[index].name)
        return pixels if pixels.ndim == 3 else pixels[..., None]

    def _mask(self, index: int, cells: "Mapping[str, Any]") -> NDArray[Any]:
        return self._pixels(index, cells, self._rows[index][3], picture_codes)

    def _cells(self, index: int) -> "Mapping[str, Any]":
        """Those of a row by column."""
        table, row, *_ = self._rows[index]
        with self._explained(index):
            cells: Mapping[str, Any] = table[row]
            return cells

    def _pixels(
        self, index: int, cells: "Mapping[str, Any]", column: str, from_picture: "Callable[[Image], Image]"
    ) -> NDArray[Any]:
        from PIL.Image import Image

        cell = cells[column]
        with self._explained(index):
            pixels = np.asarray(from_picture(cell)) if isinstance(cell, Image) else channels_last(np.asarray(cell))
        if pixels.ndim not in (2, 3) or 0 in pixels.shape or pixels.dtype.kind not in "buif":
            raise DataError(f"{self.entries[index].name}: {column!r} is no image, but {pixels.dtype} {pixels.shape}")
        return pixels

    @contextmanager
    def _explained(self, index: int) -> "Iterator[None]":
        try:
            yield
        except Exception as error:  # a picture may be damaged in many ways
            raise DataError(f"{self.entries[index].name} cannot be read: {describe_error(error)}") from error


def _column(source: str, table: "Table", names: tuple[str, ...]) -> str:
    found = next((name for name in names if name in table.column_names), None)
    if found is None:
        known = ", ".join(table.column_names)
        raise DataError(f"the data set {source!r} has no column {' or '.join(map(repr, names[:2]))}; it has {known}")
    return found
