"""The bands of an open raster as channels: which they are, and their pixels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags

from unetzoo import DataError
from unetzoo.data.formats import Content, Marks, Window, check_memory, is_whole
from unetzoo_geo.handles import Handles

_COLORS = 256
_NOT_BY_VALUE = {MaskFlags.per_dataset, MaskFlags.alpha}


class Bands:
    """The channels of an image or a mask.

    The opacity of an image is no channel: its pixels of opacity 0 hold no data. The palette of an image becomes colors.

    Args:
        handles: of the file, or of one of its overviews.
        content: says whether it is an image or a mask.

    Attributes:
        shape: (h, w, c).
        dtype: of the values.
        numbers: of the bands, from 1.
        nodata: the value that stands for no data in all bands; empty: none does.
        marks: of a mask.

    Raises:
        DataError: the bands have different types.
    """

    def __init__(self, handles: Handles, content: Content) -> None:
        dataset = handles.get()
        self._handles, self._name = handles, content.name
        is_image = content.role == "image"
        self.numbers = _numbers(dataset, without_opacity=is_image)
        palette = _palette(dataset) if dataset.count == 1 else None
        self._colors = palette if is_image else None
        channels = len(self.numbers) if self._colors is None else self._colors.shape[1]
        self.shape = (dataset.height, dataset.width, channels)
        self.dtype = _dtype(dataset, content.name) if self._colors is None else np.dtype(np.uint8)
        self.nodata = _common_nodata(dataset, self.numbers) if is_image and self._colors is None else ()
        self.marks = Marks() if is_image else Marks(palette=_packed(palette), nodata=dataset.nodata)
        self._has_mask = is_image and not self.nodata and _has_mask(dataset, self.numbers)

    def read(self, window: Window) -> NDArray[Any]:
        """The pixels (h, w, c) of a window, masked where a mask, an opacity or a band of its own says: no data.

        Raises:
            DataError: the image needs more memory than there is.
        """
        if is_whole(window, self.shape):
            check_memory(self._name, 2 * int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize)
        bounds = tuple((part.start, part.stop) for part in window)
        pixels = self._handles.get().read(self.numbers, window=bounds, masked=self._has_mask)
        return np.moveaxis(pixels, 0, -1) if self._colors is None else self._colored(pixels[0])

    def _colored(self, indices: NDArray[Any]) -> NDArray[Any]:
        assert self._colors is not None  # noqa: S101 - `read` asked
        colors: NDArray[Any] = self._colors[np.ma.getdata(indices)]
        hidden = np.ma.getmaskarray(indices)
        return np.ma.array(colors, mask=np.broadcast_to(hidden[..., None], colors.shape)) if hidden.any() else colors


def _numbers(dataset: Any, *, without_opacity: bool) -> list[int]:  # noqa: ANN401 - rasterio ships no types
    kinds = dict(enumerate(dataset.colorinterp, start=1))
    numbers = [number for number, kind in kinds.items() if not (without_opacity and kind == ColorInterp.alpha)]
    return numbers or list(kinds)


def _dtype(dataset: Any, name: str) -> np.dtype[Any]:  # noqa: ANN401 - see above
    types = sorted(set(dataset.dtypes))
    if len(types) > 1:
        raise DataError(
            f"{name} has bands of the types {', '.join(types)}; convert them to one, as by gdal_translate -ot"
        )
    dtype: np.dtype[Any] = np.dtype(types[0])
    return dtype


def _common_nodata(dataset: Any, numbers: list[int]) -> tuple[float, ...]:  # noqa: ANN401 - see above
    values = {dataset.nodatavals[number - 1] for number in numbers}
    value = values.pop()
    return () if values or value is None or np.isnan(value) else (float(value),)


def _has_mask(dataset: Any, numbers: list[int]) -> bool:  # noqa: ANN401 - see above
    """Whether there is a mask or an opacity, or bands have values of their own for no data."""
    flags = {flag for number in numbers for flag in dataset.mask_flag_enums[number - 1]}
    return bool(flags & _NOT_BY_VALUE) or (MaskFlags.nodata in flags and any(map(_is_number, dataset.nodatavals)))


def _is_number(value: float | None) -> bool:
    return value is not None and not np.isnan(value)


def _palette(dataset: Any) -> NDArray[np.uint8] | None:  # noqa: ANN401 - see above
    """Colors (256, 3) of a band of indices; None: it holds values."""
    if dataset.colorinterp[0] != ColorInterp.palette or dataset.dtypes[0] != "uint8":
        return None
    colors = np.zeros((_COLORS, 3), np.uint8)
    for index, color in dataset.colormap(1).items():
        colors[index] = color[:3]
    return colors


def _packed(palette: NDArray[np.uint8] | None) -> tuple[int, ...]:
    """Colors as `Marks` has them, 0xRRGGBB."""
    return () if palette is None else tuple((palette.astype(int) @ [1 << 16, 1 << 8, 1]).tolist())
