"""Read an image and its mask together: each tells what the other means."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unetzoo.data.formats.content import NOTHING_KNOWN, Known, Pixels, Raster, turned
from unetzoo.data.formats.images import Glance, glance, read_raster, upright_image
from unetzoo.data.masks.raw import RawMask
from unetzoo.errors import DataError


@dataclass(frozen=True)
class Pair:
    """The files of an entry.

    Attributes:
        image: of the image.
        mask: of its mask.
        others: of the same image, to be joined with its mask.
    """

    image: Path
    mask: Path
    others: tuple[Path, ...] = ()


def read_pair(pair: Pair) -> tuple[Pixels, RawMask]:
    """The image (h, w, c) and its mask, both upright.

    Raises:
        DataError: one cannot be read, or several masks cannot be joined.
    """
    mask = _read_masks(pair)
    height, width = mask.upright().shape[:2]
    image = read_raster(pair.image, "image", Known(size=(height, width)))
    stored = (image.pixels.shape[0], image.pixels.shape[1])
    aligned = _aligned(mask, Glance(stored, image.orientation))
    return upright_image(image, str(pair.image)), RawMask(aligned, mask.marks)


def read_image_of(pair: Pair) -> Pixels:
    """The image (h, w, c) alone, even where its mask cannot be read."""
    try:
        return read_pair(pair)[0]
    except DataError:
        return upright_image(read_raster(pair.image, "image", NOTHING_KNOWN), str(pair.image))


def read_mask_of(pair: Pair) -> RawMask:
    """The mask alone, upright; of the image its header is read, where it can be."""
    mask = _read_masks(pair)
    try:
        image = glance(pair.image)
    except DataError:
        image = Glance()
    return RawMask(_aligned(mask, image), mask.marks)


def doubts_of(pair: Pair) -> Iterator[str]:
    """What cannot be told of an image and its mask, without decoding them."""
    try:
        image, mask = glance(pair.image), glance(pair.mask)
    except DataError:  # which reading tells
        return
    if image.stack:
        yield f"its {image.stack} are taken for channels"
    turns = image.orientation != 1 and mask.orientation == 1
    if turns and not (image.is_lying and image.size[0] != image.size[1]):
        yield (
            f"its orientation tag ({image.orientation}) turns the image; its mask has none, and is taken for drawn on "
            "the turned image, as viewers show it"
        )


def _read_masks(pair: Pair) -> Raster:
    first = read_raster(pair.mask, "mask")
    if not pair.others:
        return first
    masks = [first.upright(), *(read_raster(path, "mask").upright() for path in pair.others)]
    if not _are_joinable(masks):
        names = ", ".join(path.name for path in (pair.mask, *pair.others))
        raise DataError(
            f"{pair.image} has {len(masks)} masks ({names}), which cannot be joined: only those of one size in which "
            "the same single value, and 0 elsewhere, marks the objects can; keep one mask for each image"
        )
    return Raster(np.maximum.reduce(masks), marks=first.marks)


def _are_joinable(masks: Sequence[Pixels]) -> bool:
    """Whether masks are of one size and hold, besides 0, one and the same value."""
    if len({mask.shape for mask in masks}) > 1:
        return False
    if any(mask.ndim == 3 and (mask != mask[..., :1]).any() for mask in masks):
        return False
    return len(set().union(*(np.unique(mask).tolist() for mask in masks)) - {0}) <= 1


def _aligned(mask: Raster, image: Glance) -> Pixels:
    """A mask turned as its own file says; where that says nothing and it has the size of the stored image, as that."""
    pixels = mask.upright()
    is_as_stored = mask.orientation == 1 and image.is_lying and pixels.shape[:2] == image.size != image.size[::-1]
    return turned(pixels, image.orientation) if is_as_stored else pixels
