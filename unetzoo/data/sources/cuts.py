"""Which images are read by blocks of ground, and which blocks are for training, validation and the test.

Blocks take the place of images in statistics, training and evaluation. Where splits are made of them, those that are
held out lose a strip at each side, so that no pixel of a split touches one of another.
"""

import math
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import pairwise, product
from typing import Literal, NamedTuple, TypeAlias

from unetzoo.checks import check_choice
from unetzoo.data.formats.content import Known
from unetzoo.data.formats.limits import WHOLE_BYTES
from unetzoo.data.formats.raster import Raster, Window
from unetzoo.data.formats.read import open_raster
from unetzoo.data.sources.blocks import Block, BlockSource
from unetzoo.data.sources.files import EntryFiles, FileSource
from unetzoo.data.sources.source import Entry, Finding, Source, sentences
from unetzoo.errors import DataError, OptionError

SplitBy: TypeAlias = Literal["auto", "images", "blocks"]
"""What is divided among splits that the data does not state: whole images, blocks of their ground, or what suits."""

_SIDES = (1024, 512, 256)  # pixels of a block; the first of which there are enough
_ENOUGH, _FEWEST = 10, 3  # blocks to divide among splits
_HELD_OUT = 0.2  # of the blocks are for validation, and as many for the test
_STRIP = 16  # part of the side of a block that is left out around those that are held out
_LARGE_FILE = 2**24  # bytes; the headers of smaller files are not looked at
_LARGEST_CHUNK = 2**26  # bytes of the pixels that must be decoded together


class Look(NamedTuple):
    """What the headers of an image and its mask say.

    Attributes:
        size: height and width; (0, 0): the image is not to be cut.
        pixel: bytes of a pixel of the image.
        why_not: why an image cannot be cut; empty: it can, or is small.
    """

    size: tuple[int, int] = (0, 0)
    pixel: int = 0
    why_not: str = ""


def in_blocks(source: Source, split_by: SplitBy = "auto") -> Source:
    """A source whose large images are read by blocks, and divided by them among splits where that is asked for.

    Large are images that are never read as a whole, of over 128 MiB of pixels. If there are several, or splits are
    stated, each stays in one split.

    Args:
        source: of files; any other one is returned as it is.
        split_by: `"auto"`: blocks are divided among splits if there is a single image, and it is large; `"images"`:
            they are not; `"blocks"`: images of any size are cut and divided.

    Raises:
        OptionError: `split_by` is none of these, or images that are not files, or have splits, are to be cut.
        DataError: they are too small for that, or cannot be cut.
    """
    check_choice("split_by", split_by, SplitBy)
    is_asked = split_by == "blocks"
    if not isinstance(source, FileSource):
        if is_asked:
            raise OptionError(
                "split_by='blocks' cuts images in files, not volumes or data that is in no files: leave it out"
            )
        return source
    has_splits = any(entry.split for entry in source.entries)
    if is_asked and has_splits:
        raise OptionError("the data has splits already, so that split_by='blocks' has nothing to divide: leave it out")
    looks = [_look(files, least=0 if is_asked else WHOLE_BYTES) for files in source.files]
    if is_asked:
        _check_all(source, looks)
        return _split(source, looks, note="")
    if split_by == "auto" and len(looks) == 1 and not has_splits and looks[0].pixel:
        return _split(source, looks, note=": the only image is large, and is split by blocks of its ground")
    return _cut(source, looks)


def _look(files: EntryFiles, *, least: int) -> Look:
    """The headers of the files of an entry, unless it has less than so many bytes of pixels."""
    try:
        if least and files.image.is_file() and files.image.stat().st_size < _LARGE_FILE:
            return Look()
        with open_raster(files.mask, role="mask") as mask:
            size = (mask.shape[0], mask.shape[1])
            with open_raster(files.image, known=Known(size=size)) as image:
                return Look() if image.nbytes < least else _look_at(image, mask, files)
    except (DataError, OSError) as error:
        return Look(why_not=f" cannot be cut into blocks: {error}") if not least else Look()  # reading reports it


def _look_at(image: Raster, mask: Raster, files: EntryFiles) -> Look:
    height, width = image.shape[:2]
    for name, raster in ((files.image.name, image), (files.mask.name, mask)):
        pixel = raster.shape[-1] * raster.dtype.itemsize
        if raster.nbytes > WHOLE_BYTES and not (
            raster.is_mapped or 0 < math.prod(raster.block) * pixel * bool(raster.block) <= _LARGEST_CHUNK
        ):
            return Look(why_not=f" is read as a whole, since {name} is not stored in blocks: save it as a tiled TIFF")
        if raster.orientation != 1 or len(raster.shape) != 3:
            return Look(why_not=f" cannot be cut into blocks, since {name} is turned by its orientation tag")
    if files.others or files.classes:
        return Look(why_not=" cannot be cut into blocks, since it has several masks, or one for each class: join them")
    if mask.shape[:2] != image.shape[:2]:
        sizes = (" x ".join(map(str, raster.shape[:2])) for raster in (image, mask))
        return Look(why_not=": the image has {} pixels, its mask {}".format(*sizes))
    return Look((height, width), image.shape[2] * image.dtype.itemsize)


def _check_all(source: FileSource, looks: Sequence[Look]) -> None:
    reasons = [
        Finding(entry.name, look.why_not)
        for entry, look in zip(source.entries, looks, strict=True)
        if look.why_not or not look.pixel
    ]
    if reasons:
        raise DataError(sentences(reasons)[0])


def _cut(source: FileSource, looks: Sequence[Look]) -> Source:
    """Large images as blocks, each image in one split; the source itself if none is large."""
    notes = [Finding(entry.name, look.why_not) for entry, look in zip(source.entries, looks, strict=True)]
    problems = [*source.problems, *sentences(note for note in notes if note.text)]
    if not any(look.pixel for look in looks):
        return FileSource(source.entries, source.files, problems, source.declared)
    blocks, entries, counts = [], [], list[Finding]()
    for file, (entry, look) in enumerate(zip(source.entries, looks, strict=True)):
        if not look.pixel:
            blocks.append(Block(file, ()))
            entries.append(entry)
            continue
        windows = list(_windows(look.size, _SIDES[0]))
        blocks += [Block(file, window, look.size, look.pixel) for window in windows]
        group = entry.group or entry.name
        entries += [Entry(_name(entry, window), entry.split, group) for window in windows]
        counts.append(Finding(entry.name, f" is large, and is read as {len(windows):,} images, blocks of it"))
    return BlockSource(source, blocks, entries, [*problems, *sentences(counts)], is_split=False)


def _split(source: FileSource, looks: Sequence[Look], note: str) -> BlockSource:
    """Blocks of all images, divided among splits."""
    side = next((each for each in _SIDES if _count(looks, each) >= _ENOUGH), _SIDES[-1])
    blocks = [
        Block(file, window, look.size, look.pixel)
        for file, look in enumerate(looks)
        for window in _windows(look.size, side)
    ]
    names = [_name(source.entries[block.file], block.window) for block in blocks]
    if len(blocks) < _FEWEST:
        height, width = looks[0].size
        raise DataError(
            f"{source.entries[0].name} has {height} x {width} pixels, too few to be split by blocks of {side} x {side} "
            f"pixels: {_FEWEST} are needed; give more images, or split them by hand (train/, val/, test/)"
        )
    split_of = _divided(names)
    strip = side // _STRIP
    kept = [
        block if split_of[name] == "train" else _inset(block, strip) for block, name in zip(blocks, names, strict=True)
    ]
    entries = [
        Entry(_name(source.entries[block.file], block.window), split_of[n])
        for block, n in zip(kept, names, strict=True)
    ]
    notes = [f"{source.entries[0].name}{note}"] if note else []
    return BlockSource(source, kept, entries, [*source.problems, *notes], is_split=True)


def _count(looks: Sequence[Look], side: int) -> int:
    return sum(len(list(_windows(look.size, side))) for look in looks)


def _windows(size: tuple[int, int], side: int) -> Iterator[Window]:
    """Blocks that cover an image, from the top left; the last ones are up to half a side smaller or larger."""
    edges = [[*range(0, length - side // 2, side)] or [0] for length in size]
    rows, columns = (pairwise([*starts, length]) for starts, length in zip(edges, size, strict=True))
    yield from ((slice(*row), slice(*column)) for row, column in product(rows, columns))


def _divided(names: Sequence[str]) -> dict[str, str]:
    """The split of each block; which it is depends on the names alone."""
    held_out = max(1, round(_HELD_OUT * len(names)))
    order = sorted(names, key=lambda name: blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest())
    splits = ["test"] * held_out + ["val"] * held_out
    return dict(zip(order, splits + ["train"] * (len(names) - len(splits)), strict=True))


def _inset(block: Block, strip: int) -> Block:
    """A block without a strip at each side at which there is another block."""
    sides = zip(block.window, block.size, strict=True)
    window = tuple(
        slice(part.start + strip * (part.start > 0), part.stop - strip * (part.stop < length)) for part, length in sides
    )
    return Block(block.file, window, block.size, block.pixel)


def _name(entry: Entry, window: Window) -> str:
    rows, columns = window
    return f"{entry.name} [{rows.start}:{rows.stop}, {columns.start}:{columns.stop}]"
