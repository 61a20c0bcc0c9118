"""Volumes in files as a source of cases, whole, for networks over three axes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.directions import Directed, grid_along
from unetzoo.data.formats.grid import NO_GRID, Grid
from unetzoo.data.formats.orientation import orientation_of
from unetzoo.data.formats.raster import Window
from unetzoo.data.masks.raw import RawMask
from unetzoo.data.masks.rows import in_rows
from unetzoo.data.sources.files import EntryFiles, FileSource
from unetzoo.data.sources.source import Source
from unetzoo.data.sources.volume_cache import VolumeCache
from unetzoo.data.sources.volumes import Look, look_at, problems_of
from unetzoo.errors import DataError

_WHOLE = (slice(None),) * 3


class CaseSource(Source):
    """Volumes (d, h, w, c) along the directions `z`, `y` and `x`, with their masks, slices below each other.

    Args:
        source: of the volumes.
        looks: at each.
        problems: as of `Source`.
    """

    def __init__(self, source: FileSource, looks: Sequence[Look], problems: Sequence[str]) -> None:
        super().__init__(source.entries, problems=problems, declared=source.declared)
        self.volumes, self.looks = source, tuple(looks)
        self._cache = VolumeCache()

    def shape(self, index: int) -> tuple[int, ...]:
        """(d, h, w) of a volume along the directions."""
        look = self.looks[index]
        return tuple(look.shape[axis] for axis in orientation_of(look.grid).order)

    def image(self, index: int) -> NDArray[Any]:
        """A volume (d, h, w, c)."""
        return _contiguous(self.image_part(index, _WHOLE))

    def raw_mask(self, index: int) -> RawMask:
        """The mask of a volume as it is stored, its slices below each other."""
        return self.mask_part(index, _WHOLE)

    def image_part(self, index: int, window: Window) -> NDArray[Any]:
        """A part of a volume, along the directions."""
        path = self._files(index).image
        with self._cache.opened(path, "image") as raster:
            return Directed(raster, str(path))[window]

    def mask_part(self, index: int, window: Window) -> RawMask:
        """That of its mask, slices below each other."""
        path = self._files(index).mask
        with self._cache.opened(path, "mask") as raster:
            # a mask lies where its image lies, even if its own file says nothing of that
            part = Directed(replace(raster, grid=self.looks[index].grid), str(path))[window]
            pixels = in_rows(_contiguous(part))
            return RawMask(pixels[..., 0] if pixels.shape[2] == 1 else pixels, raster.marks)

    def is_windowed(self, index: int) -> bool:
        """Whether parts of a volume and its mask are read alone."""
        return not (self.looks[index].wrong or self.looks[index].decoded)

    def _files(self, index: int) -> EntryFiles:
        """The files of an entry; raises DataError for a volume that cannot be used."""
        if self.looks[index].wrong:
            raise DataError(self.looks[index].wrong)
        return self.volumes.files[index]

    def image_grid(self, index: int) -> Grid:
        """The grid of a volume along the directions: its steps."""
        return grid_along(self.looks[index].grid)

    def mask_grid(self, index: int) -> Grid:
        """None: that of the file is compared when it is opened."""
        _ = index
        return NO_GRID

    def image_file(self, index: int) -> None:
        """None: the axes of the file may lie otherwise."""

    def file_names(self, index: int) -> Sequence[str]:
        """The paths of the files of an entry."""
        return self.volumes.file_names(index)


def as_cases(source: Source) -> Source:
    """A source of files with whole volumes; one that is open already as it is."""
    if not isinstance(source, FileSource):
        return source
    looks = [look_at(files) for files in source.files]
    names = [entry.name for entry in source.entries]
    return CaseSource(source, looks, [*source.problems, *problems_of(names, looks, is_chosen=True)])


def _contiguous(volume: NDArray[Any]) -> NDArray[Any]:
    return volume if np.ma.isMaskedArray(volume) else np.ascontiguousarray(volume)
