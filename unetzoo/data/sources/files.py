"""Pairs of files: an image and its mask are read together, because each tells what the other means."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unetzoo.data.formats.content import NOTHING_KNOWN, Decoded, Glance, Known, Pixels, turned
from unetzoo.data.formats.read import glance, read_decoded, upright_image
from unetzoo.data.masks.forms import Marks
from unetzoo.data.masks.options import MaskOptions
from unetzoo.data.masks.raw import RawMask
from unetzoo.data.sources.source import Entry, Source
from unetzoo.errors import DataError
from unetzoo.nn.coding import UNKNOWN


@dataclass(frozen=True)
class EntryFiles:
    """The files of an entry.

    Attributes:
        image: of the image.
        mask: of its mask.
        others: further masks of the same image, to be joined with its mask.
        classes: the class of each mask, which is a plane of its own; empty: masks are joined.
    """

    image: Path
    mask: Path
    others: tuple[Path, ...] = ()
    classes: tuple[str, ...] = ()


class FileSource(Source):
    """Pairs of files.

    Args:
        entries: all of them.
        files: of each entry.
        problems: as of `Source`.
        declared: as of `Source`.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        files: Sequence[EntryFiles],
        problems: Sequence[str] = (),
        declared: MaskOptions | None = None,
    ) -> None:
        self.files = tuple(files)
        self._planes = tuple(sorted({name for each in self.files for name in each.classes}))
        own = MaskOptions(("background", *self._planes)) if self._planes else None
        super().__init__(entries, problems=problems, declared=declared or own)

    def image(self, index: int) -> Pixels:
        """The image (h, w, c) alone, even if its mask cannot be read."""
        try:
            return self.pair(index)[0]
        except DataError:
            path = self.files[index].image
            return upright_image(read_decoded(path, "image", NOTHING_KNOWN), str(path))

    def raw_mask(self, index: int) -> RawMask:
        """The mask alone, upright; only the header of its image is read."""
        files = self.files[index]
        mask = self._read_mask(files)
        try:
            image = glance(files.image)
        except DataError:
            image = Glance()
        return RawMask(_aligned(mask, image), mask.marks)

    def pair(self, index: int) -> tuple[Pixels, RawMask]:
        """The image (h, w, c) and its mask, both upright.

        The size of the mask tells the channels of an array, and the image how its mask is turned.

        Raises:
            DataError: one cannot be read, or several masks cannot be joined.
        """
        files = self.files[index]
        mask = self._read_mask(files)
        height, width = mask.upright().shape[:2]
        image = read_decoded(files.image, "image", Known(size=(height, width)))
        stored = (image.pixels.shape[0], image.pixels.shape[1])
        aligned = _aligned(mask, Glance(stored, image.orientation))
        return upright_image(image, str(files.image)), RawMask(aligned, mask.marks)

    def _read_mask(self, files: EntryFiles) -> Decoded:
        return read_planes(files, self._planes) if files.classes else _read_masks(files)

    def image_file(self, index: int) -> Path:
        """The path of an entry's image."""
        return self.files[index].image

    def mask_file(self, index: int) -> Path:
        """The path of an entry's mask."""
        return self.files[index].mask

    def file_names(self, index: int) -> Sequence[str]:
        """The paths of an entry's files."""
        files = self.files[index]
        return tuple(map(str, (files.image, files.mask, *files.others)))

    def doubts(self, index: int) -> Sequence[str]:
        """What the files of an entry leave open."""
        return tuple(_doubts(self.files[index]))


def _doubts(files: EntryFiles) -> Iterator[str]:
    try:
        mask = glance(files.mask)
        image = glance(files.image, Known(size=mask.size[::-1] if mask.is_lying else mask.size))
    except DataError:  # reading reports it
        return
    if image.doubt:
        yield image.doubt
    turns = image.orientation != 1 and mask.orientation == 1
    if turns and not (image.is_lying and image.size[0] != image.size[1]):
        yield (
            f"its orientation tag ({image.orientation}) turns the image; its mask has none, and is taken for drawn on "
            "the turned image, as viewers show it"
        )


def read_planes(files: EntryFiles, classes: Sequence[str]) -> Decoded:
    """Masks of one class each as planes (h, w, classes); a class without a file is nowhere.

    Raises:
        DataError: they have different sizes, or hold several values beside 0 and 255.
    """
    paths = (files.mask, *files.others)
    masks = {name: _plane(path) for name, path in zip(files.classes, paths, strict=True)}
    shapes = {mask.shape for mask in masks.values()}
    if len(shapes) > 1:
        names = ", ".join(path.name for path in paths)
        raise DataError(f"{files.image}: the masks of its classes ({names}) have different sizes")
    (shape,) = shapes
    planes = [masks.get(name, np.zeros(shape, np.uint8)) for name in classes]
    return Decoded(np.stack(planes, axis=-1), marks=Marks(are_planes=True))


def _plane(path: Path) -> Pixels:
    """The mask (h, w) of one class: 0, the class, and perhaps 255 for unknown."""
    pixels = read_decoded(path, "mask").upright()
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    values = {*np.unique(pixels).tolist()} - {0} if pixels.ndim == 2 else {None}
    if not values <= {1, UNKNOWN} and (len(values) > 1 or None in values):
        raise DataError(f"{path} is not the mask of one class: it holds more than one value beside 0")
    plane: Pixels = (pixels if values <= {1, UNKNOWN} else pixels != 0).astype(np.uint8)
    return plane


def _read_masks(files: EntryFiles) -> Decoded:
    first = read_decoded(files.mask, "mask")
    if not files.others:
        return first
    masks = [first.upright(), *(read_decoded(path, "mask").upright() for path in files.others)]
    if not _are_joinable(masks):
        names = ", ".join(path.name for path in (files.mask, *files.others))
        raise DataError(
            f"{files.image} has {len(masks)} masks ({names}), which cannot be joined: only masks of one size in which "
            "the same single value, and 0 elsewhere, marks the objects can; keep one mask for each image"
        )
    return Decoded(np.maximum.reduce(masks), marks=first.marks)


def _are_joinable(masks: Sequence[Pixels]) -> bool:
    """Whether masks have one size and hold, besides 0, one and the same value."""
    if len({mask.shape for mask in masks}) > 1:
        return False
    if any(mask.ndim == 3 and (mask != mask[..., :1]).any() for mask in masks):
        return False
    return len(set().union(*(np.unique(mask).tolist() for mask in masks)) - {0}) <= 1


def _aligned(mask: Decoded, image: Glance) -> Pixels:
    """A mask turned by its own tag; without one, if it has the size of the stored image, turned like the image."""
    pixels = mask.upright()
    is_as_stored = mask.orientation == 1 and image.is_lying and pixels.shape[:2] == image.size != image.size[::-1]
    return turned(pixels, image.orientation) if is_as_stored else pixels
