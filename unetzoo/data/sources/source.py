"""Where images and masks come from: a folder, a CSV or JSONL file of pairs, a Hugging Face data set, a named part."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from unetzoo.assembly import Split, create_dataset, list_datasets
from unetzoo.data.masks.raw import RawMask
from unetzoo.data.sources.pairs import Pair, doubts_of, read_image_of, read_mask_of, read_pair
from unetzoo.errors import DataError, UnknownNameError

SPLITS: tuple[Split, ...] = ("train", "val", "test")


@dataclass(frozen=True)
class Entry:
    """One image with its mask.

    Attributes:
        name: for people; a file's is its path relative to the source.
        split: one of `SPLITS`; empty: not said.
        group: entries of one group, such as a patient, are kept in one split; empty: a group of its own.
    """

    name: str
    split: str = ""
    group: str = ""


class Source(ABC):
    """Images with their masks as they are stored.

    Args:
        entries: what there is.
        class_names: where the source knows them.
        problems: what is wrong with it, as far as it shows without reading the files.
    """

    def __init__(
        self, entries: Sequence[Entry], *, class_names: Sequence[str] = (), problems: Sequence[str] = ()
    ) -> None:
        self.entries = tuple(entries)
        self.class_names = tuple(class_names)
        self.problems = tuple(problems)

    @abstractmethod
    def image(self, index: int) -> NDArray[Any]:
        """The image (h, w, c) of an entry; raises DataError where it cannot be read."""

    @abstractmethod
    def raw_mask(self, index: int) -> RawMask | NDArray[Any]:
        """The mask of an entry as it is stored, (h, w) or (h, w, c); raises DataError where it cannot be read."""

    def pair(self, index: int) -> tuple[NDArray[Any], RawMask | NDArray[Any]]:
        """Image and mask of an entry; raises DataError where one cannot be read."""
        return self.image(index), self.raw_mask(index)

    def doubts(self, index: int) -> Sequence[str]:
        """What cannot be told of an entry, a sentence each without its name; the pixels are not decoded."""
        _ = index
        return ()


class FileSource(Source):
    """Pairs of files.

    Args:
        entries: what there is.
        pairs: the files of each.
        problems: as of `Source`.
    """

    def __init__(self, entries: Sequence[Entry], pairs: Sequence[Pair], problems: Sequence[str] = ()) -> None:
        super().__init__(entries, problems=problems)
        self.pairs = tuple(pairs)

    def image(self, index: int) -> NDArray[Any]:
        """The image (h, w, c) of an entry."""
        return read_image_of(self.pairs[index])

    def raw_mask(self, index: int) -> RawMask:
        """The mask of an entry as its file has it."""
        return read_mask_of(self.pairs[index])

    def pair(self, index: int) -> tuple[NDArray[Any], RawMask]:
        """Both: the size of the mask tells the channels of an array, and the image how its mask is turned."""
        return read_pair(self.pairs[index])

    def doubts(self, index: int) -> Sequence[str]:
        """What cannot be told of an entry's files."""
        return tuple(doubts_of(self.pairs[index]))


def open_source(source: str | Path) -> Source:
    """The images and masks of a folder, a file that lists them, a Hugging Face data set, or a named part.

    Args:
        source: a folder (see `unetzoo.data.sources.folders`), a `.csv`, `.tsv` or `.jsonl` file (see
            `unetzoo.data.sources.tables`), a folder of `datasets.Dataset.save_to_disk`, `"hf:user/name"` or
            `"hf:user/name:config"`, or a name of `unetzoo.list_datasets`.

    Raises:
        DataError: there is no such thing, or no pair of an image and a mask in it.
    """
    from unetzoo.data.sources.folders import pairs_in_folder
    from unetzoo.data.sources.hub import is_saved_dataset, open_hub_dataset
    from unetzoo.data.sources.tables import TABLES, pairs_in_table

    path, text = Path(source), str(source)
    if text.startswith("hf:") or is_saved_dataset(path):
        return open_hub_dataset(text)
    if path.is_dir():
        return pairs_in_folder(path)
    if path.is_file() and path.suffix.lower() in TABLES:
        return pairs_in_table(path)
    if path.exists():
        raise DataError(f"{path} is no data set: a folder, or a file {', '.join(TABLES)} that lists images and masks")
    return _part(text)


def _part(name: str) -> Source:
    from unetzoo.data.sources.parts import PartSource

    try:
        return PartSource({split: create_dataset(name, split=split) for split in SPLITS})
    except UnknownNameError as error:
        known = ", ".join(list_datasets())
        raise DataError(
            f"there is no folder or file {name!r}, and no data set of that name (there are {known})"
        ) from error
