"""A volume along its three directions, whatever the order of the axes in its file, of which windows are read."""

from typing import Any

from numpy.typing import NDArray

from unetzoo.data.formats.content import check_finite
from unetzoo.data.formats.grid import Axis, Grid
from unetzoo.data.formats.orientation import AXES, orientation_of
from unetzoo.data.formats.raster import Raster
from unetzoo.data.formats.view import read_pixels


def grid_along(grid: Grid) -> Grid:
    """The grid of a volume along the directions: its steps, if they are stated."""
    orientation = orientation_of(grid)
    unit = grid.axes[0].unit if orientation.unit else ""
    axes = tuple(Axis(name, step, unit) for name, step in zip(AXES, orientation.steps, strict=True))
    return Grid(axes=axes if orientation.unit else (), nodata=grid.nodata, bands=grid.bands)


class Directed:
    """A volume (d, h, w, c) along `z`, `y` and `x`, of which `volume[z, y, x]`, three slices, is a part.

    Args:
        raster: to read from.
        name: for errors.

    Attributes:
        orientation: how the axes of the file lie.
        shape: (d, h, w, c) along the directions.
        dtype: of the values.
    """

    def __init__(self, raster: Raster, name: str) -> None:
        self._raster, self._name = raster, name
        self.orientation = orientation_of(raster.grid)
        self.shape = (*(raster.shape[axis] for axis in self.orientation.order), raster.shape[-1])
        self.dtype = raster.dtype

    def __getitem__(self, window: tuple[slice, ...]) -> NDArray[Any]:
        """The part (z, y, x, c), masked where it holds no data.

        Raises:
            DataError: it cannot be read, or holds infinity.
        """
        places = [slice(0)] * 3
        for part, axis, is_flipped, length in zip(
            window, self.orientation.order, self.orientation.flips, self.shape, strict=False
        ):
            start, stop, _ = part.indices(length)
            places[axis] = slice(length - stop, length - start) if is_flipped else slice(start, stop)
        pixels: NDArray[Any] = self.orientation.turned(read_pixels(self._raster, tuple(places)))
        check_finite(pixels, self._name)
        return pixels
