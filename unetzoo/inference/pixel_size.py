"""Whether the pixels of an image have the size of those of the training, and how the image is resampled if not."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.grid import Grid
from unetzoo.data.formats.limits import check_memory
from unetzoo.data.formats.orientation import AXES
from unetzoo.data.formats.pixels import MOST, SAME, differ, pixel_sizes, size_at
from unetzoo.data.formats.resample import Limits, Resampled, thick_axes
from unetzoo.inference.choices import Resample
from unetzoo.inference.normalize import Normalize
from unetzoo.inference.resample import Rows, first_row, rows_back
from unetzoo.nn.config import ModelConfig

_MOST_SLICES = 256  # whose probabilities are kept at once: those of a block and the one below


class Predict(Protocol):
    """Gives the maps of an image that it is shown from a row on."""

    def __call__(self, image: Any, /, *, start: int) -> Rows:  # noqa: ANN401 - whatever can be sliced
        """The rows, from `start` on."""


@dataclass(frozen=True)
class PixelScale:
    """How an image is shown to a network.

    Attributes:
        seen: (h, w) of the resampled image, of a volume (d, h, w); None: as it is.
        said: a sentence on its pixels; empty: they are those of the training, or their size is not stated.
        stepped: axes along which pixels are repeated where there are more of them, see `thick_axes`.
    """

    seen: tuple[int, ...] | None = None
    said: str = ""
    stepped: tuple[int, ...] = ()


AS_IT_IS = PixelScale()


def scale_of(grid: Grid, size: Sequence[int], config: ModelConfig, resample: Resample = "auto") -> PixelScale:
    """How an image of that grid and size (h, w), or a volume (d, h, w), is shown to a network.

    Images whose pixels are within 10 % of the size of the training are shown as they are, and so are those whose pixels
    have its proportions and lie between its smallest and its largest ones.
    """
    info = config.info
    sizes, unit = pixel_sizes([grid], info.unit, axes=AXES[-len(size) :])
    if len(info.pixel_size) != len(size) or not unit:
        return AS_IT_IS
    steps = sizes[0]
    ratios = steps / np.array(info.pixel_size)
    if not differ(ratios) or _is_between(steps, ratios, info.pixel_size_range):
        return AS_IT_IS
    pixels = "voxels" if len(size) == 3 else "pixels"
    shown, trained = (_shown(each, unit) for each in (steps, np.array(info.pixel_size)))
    said = f"its {pixels} are {shown}, those of the training {trained}"
    if resample == "never" or (np.maximum(ratios, 1 / ratios) > MOST).any():
        return PixelScale(None, f"{said}: it is predicted as it is")
    seen = size_at(size, ratios)
    return PixelScale(
        seen,
        f"{said}: it is predicted at {' x '.join(map(str, seen))} {pixels}, and the result brought back",
        thick_axes(steps.tolist(), info.pixel_size),
    )


def check_size(scale: PixelScale, classes: int, name: str) -> None:
    """Raise DataError if the probabilities of a block's slices of a resampled volume do not fit in memory."""
    if scale.seen is None or len(scale.seen) == 2:
        return
    depth, height, width = scale.seen
    check_memory(
        f"{name}, at {depth} x {height} x {width} voxels of the size of the training,",
        4 * classes * min(depth, _MOST_SLICES) * height * width,
        "predict parts of it, or predict it as it is with resample='never' (--resample never)",
    )


def resampled(
    scale: PixelScale,
    image: Any,  # noqa: ANN401 - whatever can be sliced
    normalizations: Sequence[Normalize],
) -> Any:  # noqa: ANN401 - likewise
    """An image as its scale says, before each network normalizes it; values that count for none are cut before."""
    if scale.seen is None:
        return image
    nodata = tuple(normalizations[0].info.nodata)
    return Resampled(image, scale.seen, nodata, stepped=scale.stepped, limits=_common_limits(normalizations))


def _common_limits(normalizations: Sequence[Normalize]) -> Limits | None:
    """Those within which all values lie that count for any network."""
    limits = [each.limits for each in normalizations]
    lows, highs = ([each[end] for each in limits if each is not None] for end in (0, 1))
    return (reduce(np.minimum, lows), reduce(np.maximum, highs)) if None not in limits else None


def rows_at(
    scale: PixelScale,
    image: Any,  # noqa: ANN401 - whatever can be sliced
    normalizations: Sequence[Normalize],
    predict: Predict,
    *,
    start: int = 0,
) -> Rows:
    """The maps (k, rows, w) of an image, predicted at another size if its scale says so; of a volume its slices.

    Args:
        scale: of the image.
        image: (h, w, c) or (d, h, w, c), whatever can be sliced.
        normalizations: what normalizes it for each network.
        predict: gives the maps of an image, `rows_of` with all arguments but the image and `start`.
        start: number of rows that are finished.
    """
    height = image.shape[0]
    if scale.seen is None:
        yield from predict(image, start=start)
    elif start < height:
        size = image.shape[: len(scale.seen)]
        rows = predict(resampled(scale, image, normalizations), start=first_row(start, height, scale.seen[0]))
        yield from rows_back(rows, size, scale.seen, start=start, stepped=scale.stepped)


def _is_between(size: NDArray[np.float64], ratios: NDArray[np.float64], limits: Sequence[float]) -> bool:
    """Whether pixels of the proportions of the training, to whose median they have these ratios, have a size of it."""
    if not limits or ratios.max() > SAME * ratios.min():
        return False
    return bool(limits[0] / SAME <= size.min() and size.max() <= limits[1] * SAME)


def _shown(size: NDArray[np.float64], unit: str) -> str:
    sides = [f"{side:.3g}" for side in size]
    is_square = round(max(size) / min(size), 2) == 1
    return f"{sides[0] if is_square else ' x '.join(sides)} {unit}"
