"""Parts of the images of files, each a window that is read when it is needed: no image is in memory as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unetzoo.data.formats.content import Known, Pixels, check_finite
from unetzoo.data.formats.moments import moments_of
from unetzoo.data.formats.raster import Window
from unetzoo.data.formats.read import open_raster
from unetzoo.data.formats.view import View, read_pixels
from unetzoo.data.masks.raw import RawMask
from unetzoo.data.sources.files import FileSource
from unetzoo.data.sources.source import Entry, Source
from unetzoo.nn.normalization import Moments


@dataclass(frozen=True)
class Block:
    """A part of an image, or all of it.

    Attributes:
        file: number of the entry in the source of files.
        window: rows and columns in the file.
        size: height and width of the whole image; (0, 0): it is not read by windows.
        pixel: bytes of a pixel of the image.
    """

    file: int
    window: Window
    size: tuple[int, int] = (0, 0)
    pixel: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the part."""
        rows, columns = self.window
        return rows.stop - rows.start, columns.stop - columns.start

    @property
    def whole(self) -> Window:
        """The window of all of the block."""
        return tuple(slice(0, length) for length in self.shape)

    def place_of(self, window: Window) -> Window:
        """A window of the block as one of the file."""
        return tuple(
            slice(whole.start + part.start, whole.start + part.stop)
            for whole, part in zip(self.window, window, strict=True)
        )


class BlockSource(Source):
    """Parts of the images of files with those of their masks.

    Args:
        source: of the files.
        blocks: of the entries.
        entries: one for each block.
        problems: as of `Source`.
        is_split: the splits of the entries were made by blocks.
    """

    def __init__(
        self,
        source: FileSource,
        blocks: Sequence[Block],
        entries: Sequence[Entry],
        problems: Sequence[str],
        *,
        is_split: bool,
    ) -> None:
        super().__init__(entries, problems=problems, declared=source.declared)
        self.files = source
        self.blocks = tuple(blocks)
        self.is_split = is_split
        self._moments: dict[tuple[int, tuple[float, ...]], Moments] = {}

    def image(self, index: int) -> Pixels:
        """The part (h, w, c) of an image."""
        block = self.blocks[index]
        return self.image_part(index, block.whole) if block.pixel else self.files.image(block.file)

    def raw_mask(self, index: int) -> RawMask:
        """The part of a mask as it is stored."""
        block = self.blocks[index]
        return self.mask_part(index, block.whole) if block.pixel else self.files.raw_mask(block.file)

    def pair(self, index: int) -> tuple[Pixels, RawMask]:
        """Both parts."""
        block = self.blocks[index]
        return (self.image(index), self.raw_mask(index)) if block.pixel else self.files.pair(block.file)

    def image_part(self, index: int, window: Window) -> Pixels:
        """The pixels (h, w, c) of a window within a block that is read by windows; raises as `image`."""
        block = self.blocks[index]
        path = self.files.files[block.file].image
        with open_raster(path, known=Known(size=block.size)) as raster:
            pixels = read_pixels(raster, block.place_of(window))
        check_finite(pixels, str(path))
        return pixels

    def mask_part(self, index: int, window: Window) -> RawMask:
        """The mask of a window within a block that is read by windows; raises as `raw_mask`."""
        block = self.blocks[index]
        path = self.files.files[block.file].mask
        with open_raster(path, role="mask") as raster:
            pixels = read_pixels(raster, block.place_of(window))
            return RawMask(pixels[..., 0] if pixels.shape[2] == 1 else pixels, raster.marks)

    def moments(self, index: int, nodata: Sequence[float]) -> Moments | None:
        """Those of the image of which an entry is a part, if it is read by windows."""
        block = self.blocks[index]
        if not block.pixel:
            return None
        key = block.file, tuple(nodata)
        if key not in self._moments:
            path = self.files.files[block.file].image
            with open_raster(path, known=Known(size=block.size)) as raster:
                self._moments[key] = moments_of(View(raster, str(path)), nodata)
        return self._moments[key]

    def image_file(self, index: int) -> Path:
        """The path of the image of which an entry is a part."""
        return self.files.image_file(self.blocks[index].file)

    def mask_file(self, index: int) -> Path:
        """The path of the mask of which an entry is a part."""
        return self.files.mask_file(self.blocks[index].file)

    def file_names(self, index: int) -> Sequence[str]:
        """The paths of the files of which an entry is a part."""
        return self.files.file_names(self.blocks[index].file)

    def doubts(self, index: int) -> Sequence[str]:
        """What the files leave open, once for all blocks of an image."""
        block = self.blocks[index]
        is_first = index == 0 or self.blocks[index - 1].file != block.file
        return self.files.doubts(block.file) if is_first else ()
