"""Volumes in files as a source of cases, whole, for networks over three axes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.directions import Directed, grid_along
from unetzoo.data.formats.grid import NO_GRID, Grid
from unetzoo.data.formats.raster import Raster
from unetzoo.data.masks.raw import RawMask
from unetzoo.data.masks.rows import in_rows
from unetzoo.data.sources.files import EntryFiles, FileSource
from unetzoo.data.sources.source import Source, sentences
from unetzoo.data.sources.volume_cache import VolumeCache
from unetzoo.data.sources.volumes import Look, doubts_of, look_at
from unetzoo.errors import DataError


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

    def image(self, index: int) -> NDArray[Any]:
        """A volume (d, h, w, c)."""
        path = self._files(index).image
        with self._cache.opened(path, "image") as raster:
            return _whole(raster, str(path))

    def raw_mask(self, index: int) -> RawMask:
        """The mask of a volume as it is stored, its slices below each other."""
        path = self._files(index).mask
        with self._cache.opened(path, "mask") as raster:
            # a mask lies where its image lies, even if its own file says nothing of that
            pixels = in_rows(_whole(replace(raster, grid=self.looks[index].grid), str(path)))
            return RawMask(pixels[..., 0] if pixels.shape[2] == 1 else pixels, raster.marks)

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
    return CaseSource(source, looks, [*source.problems, *sentences(doubts_of(names, looks, is_chosen=True))])


def _whole(raster: Raster, name: str) -> NDArray[Any]:
    volume = Directed(raster, name)[tuple(slice(None) for _ in range(3))]
    return volume if np.ma.isMaskedArray(volume) else np.ascontiguousarray(volume)
