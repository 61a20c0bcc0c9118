"""An image or a volume of which windows are read, so that a large one never lies in memory as a whole."""

from typing import Any

from numpy.typing import NDArray

from unetzoo.data.formats.content import check_finite
from unetzoo.data.formats.nodata import masked_values
from unetzoo.data.formats.raster import Raster, Window


class View:
    """An image (h, w, c), of which `view[rows, columns]`, two slices, is a part; of a volume (d, h, w, c) three are.

    Args:
        raster: to read from.
        name: for errors.

    Attributes:
        shape: (h, w, c) or (d, h, w, c).
        dtype: of the values.
    """

    def __init__(self, raster: Raster, name: str) -> None:
        self._raster, self._name = raster, name
        self.shape, self.dtype = raster.shape, raster.dtype

    def __getitem__(self, window: tuple[slice, ...]) -> NDArray[Any]:
        """The part (rows, columns, c) or (slices, rows, columns, c), masked where it holds no data.

        Raises:
            DataError: it cannot be read, or holds infinity.
        """
        bounds = tuple(slice(*part.indices(length)[:2]) for part, length in zip(window, self.shape, strict=False))
        pixels = read_pixels(self._raster, bounds)
        check_finite(pixels, self._name)
        return pixels


def read_pixels(raster: Raster, window: Window) -> NDArray[Any]:
    """The part of a window, masked where it holds no data; raises DataError if it cannot be read."""
    return masked_values(raster.read(window), raster.grid.nodata)
