"""The distances between the pixels of cases, in one unit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unetzoo._utils.units import meters_of
from unetzoo.data.formats.grid import Grid
from unetzoo.data.formats.orientation import AXES, orientation_of
from unetzoo.data.formats.pixels import check_spacing, pixel_sizes
from unetzoo.data.sources.cases import CaseSource
from unetzoo.data.sources.source import Source
from unetzoo.data.sources.volumes import VolumeSource
from unetzoo.errors import DataError, OptionError


@dataclass(frozen=True)
class Distances:
    """The distances between pixels along each axis, (z, y, x) or (y, x).

    Attributes:
        steps: of each case.
        unit: of all; empty: pixels, or not stated.
    """

    steps: tuple[tuple[float, ...], ...]
    unit: str = ""


def distances_of(source: Source, numbers: Sequence[int], spacing: Sequence[float]) -> Distances:
    """The distances of the cases of some entries of a source.

    Args:
        source: of images or slices.
        numbers: of the entries.
        spacing: of files that state none; empty: not said.

    Raises:
        DataError: a volume states none, or units that cannot be compared.
        OptionError: the spacing is not a positive number for each axis, or all files state theirs.
    """
    if isinstance(source, CaseSource):
        return _of_volumes(source, numbers, check_spacing(spacing, AXES))
    if isinstance(source, VolumeSource):
        files = [*dict.fromkeys(source.places[index][0] for index in numbers)]
        return _of_volumes(source, files, check_spacing(spacing, AXES))
    return _of_images(source, numbers, check_spacing(spacing, AXES[1:]))


def _of_volumes(source: CaseSource | VolumeSource, files: Sequence[int], said: tuple[float, ...]) -> Distances:
    names = [source.volumes.entries[file].name for file in files]
    grids = [source.looks[file].grid for file in files]
    silent = [name for name, grid in zip(names, grids, strict=True) if not orientation_of(grid).unit]
    if silent and not said:
        more = f" (and {len(silent) - 1:,} more)" if silent[1:] else ""
        raise DataError(
            f"{silent[0]}{more} states no distances between its voxels, which a plan needs: say them along z, y and x "
            "with spacing (--spacing 3,0.8,0.8)"
        )
    if said and not silent:
        raise OptionError("spacing is for files that state no distances between voxels, and all of these state theirs")
    factors, unit = _factors(names, grids)
    steps = [
        tuple(step * factor for step in orientation_of(grid).steps) if orientation_of(grid).unit else said
        for grid, factor in zip(grids, factors, strict=True)
    ]
    return Distances(tuple(steps), unit)


def _factors(names: Sequence[str], grids: Sequence[Grid]) -> tuple[list[float], str]:
    """What brings the steps of each grid to the first unit that is stated."""
    units = [next((axis.unit for axis in grid.axes), "") for grid in grids]
    unit = next(filter(None, units), "")
    meters = [meters_of(each or unit) for each in units]
    if len({*units} - {""}) < 2:
        return [1.0] * len(grids), unit
    strange = [name for name, each in zip(names, meters, strict=True) if each is None]
    if strange:
        raise DataError(
            f"{strange[0]} is measured in another kind of unit than {names[0]}: bring the files to one unit"
        )
    return (np.array(meters, float) / meters[units.index(unit)]).tolist(), unit


def _of_images(source: Source, numbers: Sequence[int], said: tuple[float, ...]) -> Distances:
    sizes, unit = pixel_sizes([source.image_grid(index) for index in numbers])
    if not len(sizes):
        return Distances((said or (1.0, 1.0),) * len(numbers))
    if said:
        raise OptionError("spacing is for files that state no size of a pixel, and all of these state theirs")
    return Distances(tuple(map(tuple, sizes.tolist())), unit)
