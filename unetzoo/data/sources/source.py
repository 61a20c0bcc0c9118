"""What a source of images and masks is: entries by number, each with an image and a mask as it is stored."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from unetzoo.assembly import Split
from unetzoo.data.masks.raw import RawMask

SPLITS: tuple[Split, ...] = ("train", "val", "test")


@dataclass(frozen=True)
class Entry:
    """One image with its mask.

    Attributes:
        name: for people; that of a file is its path relative to the source.
        split: one of `SPLITS`; empty: not stated.
        group: entries of one group, such as a patient, stay in one split; empty: a group of its own.
    """

    name: str
    split: str = ""
    group: str = ""


class Source(ABC):
    """Images with their masks as they are stored.

    Args:
        entries: all of them.
        class_names: if the source knows them.
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
        """The image (h, w, c) of an entry; raises DataError if it cannot be read."""

    @abstractmethod
    def raw_mask(self, index: int) -> RawMask | NDArray[Any]:
        """The mask of an entry as it is stored, (h, w) or (h, w, c); raises DataError if it cannot be read."""

    def pair(self, index: int) -> tuple[NDArray[Any], RawMask | NDArray[Any]]:
        """Image and mask of an entry; raises DataError if one cannot be read."""
        return self.image(index), self.raw_mask(index)

    def doubts(self, index: int) -> Sequence[str]:
        """What the files of an entry leave open, a sentence each without its name; pixels are not decoded."""
        _ = index
        return ()
