"""Whether the pixels of an image have the size of those of the training, and how the image is resampled if not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.grid import Grid
from unetzoo.data.formats.orientation import AXES
from unetzoo.data.formats.pixels import pixel_sizes
from unetzoo.inference.choices import Resample
from unetzoo.inference.resample import Resampled, first_row, rows_back
from unetzoo.nn.config import ModelConfig

_SAME = 1.1  # ratio of sizes, up to which they are taken for the same
_MOST = 16.0  # ratio, from which a unit is probably wrong

Rows = Iterator[tuple[int, NDArray[np.float32]]]


class Predict(Protocol):
    """Gives the maps of an image that it is shown from a row on."""

    def __call__(self, image: Any, /, *, start: int) -> Rows:  # noqa: ANN401 - whatever can be sliced
        """The rows, from `start` on."""


@dataclass(frozen=True)
class PixelScale:
    """How an image is shown to a network.

    Attributes:
        seen: (h, w) of the resampled image; None: as it is.
        said: a sentence on its pixels; empty: they are those of the training, or their size is not stated.
    """

    seen: tuple[int, int] | None = None
    said: str = ""


AS_IT_IS = PixelScale()


def scale_of(grid: Grid, size: Sequence[int], config: ModelConfig, resample: Resample = "auto") -> PixelScale:
    """How an image of that grid and size (h, w) is shown to a network; a volume (d, h, w) always as it is.

    Images whose pixels are within 10 % of the size of the training are shown as they are, and so are those whose pixels
    have its proportions and lie between its smallest and its largest ones.
    """
    info = config.info
    sizes, unit = pixel_sizes([grid], info.unit, axes=AXES[-len(size) :])
    if len(info.pixel_size) != len(size) or not unit:
        return AS_IT_IS
    ratios = sizes[0] / np.array(info.pixel_size)
    if (np.maximum(ratios, 1 / ratios) <= _SAME).all() or _is_between(sizes[0], ratios, info.pixel_size_range):
        return AS_IT_IS
    shown, trained = (_shown(each, unit) for each in (sizes[0], np.array(info.pixel_size)))
    said = f"its {'voxels' if len(size) == 3 else 'pixels'} are {shown}, those of the training {trained}"
    if len(size) == 3:
        return PixelScale(None, f"{said}: it is predicted as it is; resample it to those for a better result")
    if resample == "never" or (np.maximum(ratios, 1 / ratios) > _MOST).any():
        return PixelScale(None, f"{said}: it is predicted as it is")
    seen = tuple(max(1, round(length * ratio)) for length, ratio in zip(size, ratios.tolist(), strict=True))
    height, width = seen
    return PixelScale(
        (height, width), f"{said}: it is predicted at {height} x {width} pixels, and the result brought back"
    )


def rows_at(
    scale: PixelScale,
    image: Any,  # noqa: ANN401 - whatever can be sliced
    nodata: tuple[float, ...],
    predict: Predict,
    *,
    start: int = 0,
) -> Rows:
    """The maps (k, rows, w) of an image, predicted at another size if its scale says so.

    Args:
        scale: of the image.
        image: (h, w, c), whatever can be sliced.
        nodata: values that stand for no data.
        predict: gives the maps of an image, `rows_of` with all arguments but the image and `start`.
        start: number of rows that are finished.
    """
    height, width = image.shape[:2]
    if scale.seen is None:
        yield from predict(image, start=start)
    elif start < height:
        rows = predict(Resampled(image, scale.seen, nodata), start=first_row(start, height, scale.seen[0]))
        yield from rows_back(rows, (height, width), scale.seen, start=start)


def _is_between(size: NDArray[np.float64], ratios: NDArray[np.float64], limits: Sequence[float]) -> bool:
    """Whether pixels of the proportions of the training, to whose median they have these ratios, have a size of it."""
    if not limits or ratios.max() > _SAME * ratios.min():
        return False
    return bool(limits[0] / _SAME <= size.min() and size.max() <= limits[1] * _SAME)


def _shown(size: NDArray[np.float64], unit: str) -> str:
    sides = [f"{side:.3g}" for side in size]
    is_square = round(max(size) / min(size), 2) == 1
    return f"{sides[0] if is_square else ' x '.join(sides)} {unit}"
