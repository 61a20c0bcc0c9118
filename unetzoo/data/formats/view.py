"""An image (h, w, c) of which windows are read, so that a large one never lies in memory as a whole."""

from typing import Any

from numpy.typing import NDArray

from unetzoo.data.formats.content import check_finite
from unetzoo.data.formats.nodata import masked_values
from unetzoo.data.formats.raster import Raster, Window
from unetzoo.errors import DataError, UnetzooError, describe_error


class View:
    """An image (h, w, c), of which `view[rows, columns]`, two slices, is a part.

    Args:
        raster: to read from.
        name: for errors.

    Attributes:
        shape: (h, w, c).
        dtype: of the values.
    """

    def __init__(self, raster: Raster, name: str) -> None:
        self._raster, self._name = raster, name
        self.shape, self.dtype = raster.shape, raster.dtype

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[Any]:
        """The part (rows, columns, c), masked where it holds no data.

        Raises:
            DataError: it cannot be read, or holds infinity.
        """
        bounds = tuple(slice(*part.indices(length)[:2]) for part, length in zip(window, self.shape, strict=False))
        pixels = read_pixels(self._raster, bounds, self._name)
        check_finite(pixels, self._name)
        return pixels


def read_pixels(raster: Raster, window: Window, name: str) -> NDArray[Any]:
    """The part of a window, masked where it holds no data.

    Raises:
        DataError: it cannot be read.
    """
    try:
        pixels = raster.read(window)
    except UnetzooError:
        raise
    except Exception as error:  # the readers raise nearly anything for damaged data
        raise DataError(f"{name} cannot be read: {describe_error(error)}") from error
    expected = (*(part.stop - part.start for part in window), raster.shape[-1])
    if pixels.shape != expected or pixels.dtype != raster.dtype:
        raise DataError(
            f"{name} cannot be read: it has {pixels.dtype} {pixels.shape} where it announces {raster.dtype} {expected}"
        )
    return masked_values(pixels, raster.grid.nodata)
