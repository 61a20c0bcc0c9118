"""Volumes in files as a source of images: their slices. A case, a volume with its mask, stays in one split."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from numpy.typing import NDArray

from unetzoo._utils.texts import count_of
from unetzoo.data.formats.grid import NO_GRID, Grid
from unetzoo.data.formats.moments import moments_of
from unetzoo.data.formats.orientation import AXES, grid_of_slice, orientation_of
from unetzoo.data.formats.places import misplaced_volume
from unetzoo.data.formats.read import open_raster
from unetzoo.data.formats.slices import Slices, Slicing, direction_of, open_volume
from unetzoo.data.formats.view import View
from unetzoo.data.masks.raw import RawMask
from unetzoo.data.sources.files import EntryFiles, FileSource
from unetzoo.data.sources.source import Entry, Finding, Source, sentences
from unetzoo.data.sources.volume_cache import KEPT_BYTES, VolumeCache, is_windowed
from unetzoo.errors import DataError, OptionError
from unetzoo.nn.normalization import Moments


class Look(NamedTuple):
    """What the headers of a volume and its mask say.

    Attributes:
        shape: (d, h, w) of the volume.
        grid: of the volume.
        mask_grid: of its mask.
        wrong: why it cannot be used; empty: it can.
        decoded: bytes of both, as far as they are decoded as a whole.
        stored: bytes of both.
    """

    shape: tuple[int, ...] = (1, 1, 1)
    grid: Grid = NO_GRID
    mask_grid: Grid = NO_GRID
    wrong: str = ""
    decoded: int = 0
    stored: int = 0

    def count(self, direction: int) -> int:
        """The number of slices along a direction."""
        return self.shape[orientation_of(self.grid).order[direction]]


class VolumeSource(Source):
    """The slices of volumes with those of their masks.

    Args:
        source: of the volumes.
        looks: at each.
        direction: along which slices follow one another, a number of `AXES`.
        slicing: has the number of neighboring slices.
        problems: as of `Source`.
    """

    def __init__(
        self, source: FileSource, looks: Sequence[Look], direction: int, slicing: Slicing, problems: Sequence[str]
    ) -> None:
        self.volumes, self.looks = source, tuple(looks)
        self.direction = direction
        self.slicing = Slicing(slicing.count, AXES[direction])
        self.places = [
            (file, number)
            for file, look in enumerate(looks)
            for number in range(1 if look.wrong else look.count(direction))
        ]
        entries = [self._entry(source.entries[file], number, looks[file]) for file, number in self.places]
        super().__init__(entries, problems=problems, declared=source.declared)
        self._cache = VolumeCache()
        self._moments: dict[tuple[int, tuple[float, ...]], Moments] = {}

    def _entry(self, entry: Entry, number: int, look: Look) -> Entry:
        name = entry.name if look.wrong else f"{entry.name} [{AXES[self.direction]}={number}]"
        return Entry(name, entry.split, entry.group or entry.name)

    def image(self, index: int) -> NDArray[Any]:
        """A slice (h, w, c) with its neighbors as channels."""
        file, number = self._place(index)
        path = self.volumes.files[file].image
        with self._cache.opened(path, "image") as raster:
            return Slices(raster, self.direction, count=self.slicing.count, name=str(path))[number]

    def raw_mask(self, index: int) -> RawMask:
        """The slice of a mask as it is stored."""
        file, number = self._place(index)
        with self._cache.opened(self.volumes.files[file].mask, "mask") as raster:
            # a mask lies where its image lies, even if its own file says nothing of that
            pixels = Slices(replace(raster, grid=self.looks[file].grid), self.direction)[number]
            return RawMask(pixels[..., 0] if pixels.shape[2] == 1 else pixels, raster.marks)

    def moments(self, index: int, nodata: Sequence[float]) -> Moments:
        """Those of the volume of which an entry is a slice."""
        key = file, _ = self._place(index)[0], tuple(nodata)
        if key not in self._moments:
            path = self.volumes.files[file].image
            with self._cache.opened(path, "image") as raster:
                self._moments[key] = moments_of(View(raster, str(path)), nodata, axes=3)
        return self._moments[key]

    def _place(self, index: int) -> tuple[int, int]:
        """File and slice of an entry; raises DataError for a volume that cannot be used."""
        file, number = self.places[index]
        if self.looks[file].wrong:
            raise DataError(self.looks[file].wrong)
        return file, number

    def case(self, index: int) -> str:
        """The name of the volume of which an entry is a slice."""
        return self.volumes.entries[self.places[index][0]].name

    def image_grid(self, index: int) -> Grid:
        """The grid of a slice."""
        return grid_of_slice(self.looks[self.places[index][0]].grid, self.direction)

    def mask_grid(self, index: int) -> Grid:
        """None: that of the whole volume is compared when it is opened."""
        _ = index
        return NO_GRID

    def image_file(self, index: int) -> None:
        """None: no file holds the slice alone."""

    def file_names(self, index: int) -> Sequence[str]:
        """The paths of the files of which an entry is a slice."""
        return self.volumes.file_names(self.places[index][0])


def in_slices(source: Source, slicing: Slicing) -> Source:
    """A source whose volumes are read slice by slice; the source itself if it has images.

    Args:
        source: of files; any other one is returned as it is.
        slicing: how; if it says nothing, images are volumes if the first file that can be read holds one.

    Raises:
        OptionError: images that are not files are to be read as volumes.
        DataError: the largest steps of the volumes lie along different axes.
    """
    if not isinstance(source, FileSource):
        if slicing.is_said:
            raise OptionError("slices and axis are for volumes in files: leave them out for this data set")
        return source
    if not slicing.is_said and not holds_volumes(source):
        return source
    looks = [look_at(files) for files in source.files]
    direction = direction_of(slicing.axis) if slicing.axis else _common_direction(source, looks)
    names = [entry.name for entry in source.entries]
    looks = [_thick_enough(look, direction, slicing, files) for look, files in zip(looks, source.files, strict=True)]
    problems = [*source.problems, *problems_of(names, looks, is_chosen=bool(slicing.axis))]
    return VolumeSource(source, looks, direction, slicing, problems)


def holds_volumes(source: FileSource) -> bool:
    """Whether the first file that can be read says itself that it holds several slices."""
    for files in source.files:
        with suppress(DataError), open_raster(files.image) as raster:
            return len(raster.shape) == 4 and raster.shape[0] > 1
    return False  # reading reports what is wrong


def look_at(files: EntryFiles) -> Look:
    """The headers of a volume and its mask."""
    if files.others or files.classes:
        return Look(wrong=f"{files.image}: volumes with several masks are not read; join them in one file")
    try:
        with open_volume(files.image) as image, open_volume(files.mask, "mask") as mask:
            shape, grid, mask_grid = image.shape[:3], image.grid, mask.grid
            if mask.shape[:3] != shape:
                sizes = (" x ".join(map(str, each.shape[:3])) for each in (image, mask))
                wrong = ": the volume has {} voxels, its mask {}; resample one to the other".format(*sizes)
            else:
                wrong = misplaced_volume(grid, mask_grid, shape)
            pairs = ((files.image, image), (files.mask, mask))
            decoded = sum(raster.nbytes for path, raster in pairs if not is_windowed(path, raster))
            stored = image.nbytes + mask.nbytes
            return Look(shape, grid, mask_grid, f"{files.image}{wrong}" if wrong else "", decoded, stored)
    except DataError as error:
        return Look(wrong=str(error))


def _thick_enough(look: Look, direction: int, slicing: Slicing, files: EntryFiles) -> Look:
    count = look.count(direction)
    if look.wrong or count >= slicing.count:
        return look
    return look._replace(
        wrong=f"{files.image} has {count_of(count, 'slice')} along {AXES[direction]}, fewer than the {slicing.count} "
        "that are read at once: choose fewer slices, or another axis"
    )


def _common_direction(source: FileSource, looks: Sequence[Look]) -> int:
    """The direction with the largest step, if it is that of all volumes."""
    directions: dict[int, str] = {}
    for entry, look in zip(source.entries, looks, strict=True):
        if not look.wrong:
            directions.setdefault(orientation_of(look.grid).thickest, entry.name)
    if len(directions) > 1:
        listed = ", ".join(f"of {name} along {AXES[each]}" for each, name in directions.items())
        raise DataError(f"the largest steps of the volumes differ: {listed}; choose with axis (--axis)")
    return next(iter(directions), 0)


def problems_of(names: Sequence[str], looks: Sequence[Look], *, is_chosen: bool) -> list[str]:
    """What the headers of volumes leave open, and that they are slow to read; `is_chosen`: the axis of slices is."""
    problems = sentences(_doubts(names, looks, is_chosen=is_chosen))
    if sum(look.decoded for look in looks) > KEPT_BYTES:
        problems.append(
            "the volumes are compressed, or stored without blocks, and more than 512 MB, so that a training decodes "
            "them again and again: store them without compression, as .nii, .nrrd or .npy"
        )
    return problems


def _doubts(names: Sequence[str], looks: Sequence[Look], *, is_chosen: bool) -> list[Finding]:
    """What the headers leave open."""
    unknown = [
        name for name, look in zip(names, looks, strict=True) if not (look.wrong or orientation_of(look.grid).unit)
    ]
    axis = "" if is_chosen else "slices follow one another along z, the first axis, and "
    text = f" states no distances between its voxels: {axis}lengths are in voxels"
    findings = [Finding(name, text) for name in unknown]
    for name, look in zip(names, looks, strict=True):
        if not look.wrong and look.grid.affine and not look.mask_grid.affine and len(look.grid.affine) == 3:
            findings.append(Finding(name, ": its mask does not state where it lies, and is taken to lie where it does"))
    return findings
