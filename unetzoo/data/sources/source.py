"""What a source of images and masks is: entries by number, each with an image and a mask as it is stored."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from unetzoo.assembly import Split
from unetzoo.data.formats.grid import NO_GRID, Grid
from unetzoo.data.formats.read import read_grid
from unetzoo.data.masks.options import MaskOptions
from unetzoo.data.masks.raw import RawMask
from unetzoo.nn.normalization import Moments

SPLITS: tuple[Split, ...] = ("train", "val", "test")

_MOST_NAMES = 3  # that a sentence shows beside the first


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


class Finding(NamedTuple):
    """Something to say of a file: its name, then the rest of the sentence.

    Attributes:
        name: of a file or an entry; empty: the sentence is about the whole source.
        text: what follows the name.
    """

    name: str
    text: str


def sentences(findings: Iterable[Finding]) -> list[str]:
    """Findings in words, equal ones of several files once: `a.png is empty (and 2 more: b.png, c.png)`."""
    names: dict[str, list[str]] = {}
    for name, text in dict.fromkeys(findings):
        names.setdefault(text, []).append(name)
    return [f"{first}{text}{_more(others)}" for text, (first, *others) in names.items()]


def _more(names: Sequence[str]) -> str:
    shown = ", ".join([*names[:_MOST_NAMES], *["..."] * (len(names) > _MOST_NAMES)])
    return f" (and {len(names):,} more: {shown})" if any(names) else ""


class Source(ABC):
    """Images with their masks as they are stored.

    Args:
        entries: all of them.
        class_names: if the source knows them.
        problems: what is wrong with it, as far as it shows without reading the files.
        declared: what it says itself of its masks; None: nothing.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        *,
        class_names: Sequence[str] = (),
        problems: Sequence[str] = (),
        declared: MaskOptions | None = None,
    ) -> None:
        self.entries = tuple(entries)
        self.class_names = tuple(class_names)
        self.problems = tuple(problems)
        self.declared = declared

    @abstractmethod
    def image(self, index: int) -> NDArray[Any]:
        """The image (h, w, c) of an entry; raises DataError if it cannot be read."""

    @abstractmethod
    def raw_mask(self, index: int) -> RawMask | NDArray[Any]:
        """The mask of an entry as it is stored, (h, w) or (h, w, c); raises DataError if it cannot be read."""

    def pair(self, index: int) -> tuple[NDArray[Any], RawMask | NDArray[Any]]:
        """Image and mask of an entry; raises DataError if one cannot be read."""
        return self.image(index), self.raw_mask(index)

    def instances(self, index: int) -> NDArray[Any] | None:
        """The numbers (h, w) of an entry's objects, where they are known beside its mask."""
        _ = index
        return None

    @property
    def knows_objects(self) -> bool:
        """Whether `instances` has all that is known of objects, so that masks have classes alone."""
        return False

    def shape(self, index: int) -> tuple[int, ...]:
        """(d, h, w) of an entry that is a whole volume, with the slices of its mask below each other; (): an image."""
        _ = index
        return ()

    def numbered(self) -> "Source":
        """The same entries with masks that number objects, where they are known beside the masks; else this source."""
        return self

    def in_planes(self) -> "Source":
        """The same entries with masks of a plane a class, where classes overlap beside the masks; else this source."""
        return self

    def moments(self, index: int, nodata: Sequence[float]) -> Moments | None:
        """The moments of the image or volume of which an entry is a part; None: it is a whole one.

        Raises:
            DataError: the file cannot be read.
        """
        _ = index, nodata
        return None

    def case(self, index: int) -> str:
        """What an entry is a part of: the name of a volume, of its slices; else that of the entry."""
        return self.entries[index].name

    def image_grid(self, index: int) -> Grid:
        """Where the pixels of an image lie; raises DataError if its file cannot be read."""
        file = self.image_file(index)
        return read_grid(file) if file else NO_GRID

    def mask_grid(self, index: int) -> Grid:
        """Where the pixels of a mask lie; nowhere if its file does not have the size of the image."""
        file = self.mask_file(index)
        return read_grid(file) if file else NO_GRID

    def image_file(self, index: int) -> Path | None:
        """The file that holds the image of an entry; None without one."""
        _ = index
        return None

    def mask_file(self, index: int) -> Path | None:
        """The file that holds the mask of an entry on the grid of its image; None without one."""
        _ = index
        return None

    def file_names(self, index: int) -> Sequence[str]:
        """How errors begin that are about a file of an entry."""
        return (self.entries[index].name,)

    def doubts(self, index: int) -> Sequence[str]:
        """What the files of an entry leave open, a sentence each without its name; pixels are not decoded."""
        _ = index
        return ()
