"""Measure objects: area, place, form, and the values of the image in each."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.pixel_size import PixelSize, read_pixel_size
from unetzoo.errors import ShapeError
from unetzoo.objects.pixels import ObjectPixels, perimeters, pixels_of

Columns = dict[str, NDArray[Any]]
_LENGTHS = ("centroid_x", "centroid_y", "left", "top", "right", "bottom", "perimeter")


def measure_objects(
    ids: NDArray[np.integer], image: NDArray[Any] | None = None, *, pixel_size: str | None = None
) -> Columns:
    """Measure the objects of an image.

    Places are those of outlines: (0, 0) is the corner of the first pixel, whose center is (0.5, 0.5).

    Args:
        ids: number of each pixel's object (h, w); 0 or less: none.
        image: (h, w) or (h, w, c); its masked values and NaN do not count. None: no columns of channels.
        pixel_size: side of a pixel and its unit, such as `"0.5um"`, for columns in the unit; None: in pixels alone.

    Returns:
        Columns (n,) by name, a row for each object, in the order of their numbers: `id`; `area_px`; `centroid_x_px` and
        `centroid_y_px`; the box `left_px`, `top_px`, `right_px`, `bottom_px`; `perimeter_px`, the length of a line
        through the centers of the pixels at the edge, as scikit-image's `perimeter` estimates it; each of these also in
        the unit, such as `area_um2` and `left_um`; `eccentricity` of the ellipse with the same second moments, 0 for a
        circle to 1; `touches_border`; `mean_c1`, `min_c1`, `max_c1` and `sum_c1` of the first channel and so on, NaN
        for an object without values.

    Raises:
        ShapeError: the ids are not whole numbers (h, w), or the image is not of their size.
        OptionError: `pixel_size` is not a length.
    """
    check_ids(ids, image)
    return measured(pixels_of(ids), image, ids.shape, None if pixel_size is None else read_pixel_size(pixel_size))


def check_ids(ids: NDArray[np.integer], image: NDArray[Any] | None = None) -> None:
    """Raise ShapeError unless ids are whole numbers (h, w), and the image is of their size."""
    if ids.ndim != 2 or ids.dtype.kind not in "iu":
        raise ShapeError(f"ids of objects must be whole numbers (h, w), got {ids.dtype} {ids.shape}")
    if image is not None and (image.ndim not in (2, 3) or image.shape[:2] != ids.shape):
        raise ShapeError(f"the image must be {ids.shape} or {(*ids.shape, 'c')}, as its objects, got {image.shape}")


def measured(
    pixels: ObjectPixels, image: NDArray[Any] | None, shape: tuple[int, ...], pixel_size: PixelSize | None = None
) -> Columns:
    """The columns of `measure_objects`.

    Args:
        pixels: of the objects.
        image: the rows (rows, w) or (rows, w, c) of an image that the pixels were found in.
        shape: of the whole image, (h, w).
        pixel_size: for columns in its unit.
    """
    columns = {"id": pixels.numbers, "area_px": pixels.areas, **_places(pixels), "perimeter_px": perimeters(pixels)}
    touches = (columns["left_px"] == 0) | (columns["top_px"] == 0)
    touches |= (columns["right_px"] == shape[1]) | (columns["bottom_px"] == shape[0])
    if pixel_size:
        columns |= in_unit(columns, pixel_size)
    columns |= {"eccentricity": _eccentricities(pixels), "touches_border": touches}
    if image is not None:
        for number, channel in enumerate(np.ma.atleast_3d(image).transpose(2, 0, 1), start=1):
            columns |= {f"{name}_c{number}": values for name, values in _statistics(pixels, channel).items()}
    return columns


def in_unit(columns: Mapping[str, NDArray[Any]], pixel_size: PixelSize) -> Columns:
    """Areas and lengths in pixels as columns in the unit: `area_px` as `area_um2`, `left_px` as `left_um`."""
    length, unit = pixel_size.length, pixel_size.unit
    lengths = {f"{name}_{unit}": columns[f"{name}_px"] * length for name in _LENGTHS}
    return {f"area_{unit}2": columns["area_px"] * length**2, **lengths}


def _places(pixels: ObjectPixels) -> Columns:
    """The centroid and the box of each object."""
    rows, columns, starts = pixels.rows, pixels.columns, pixels.starts
    return {
        "centroid_x_px": pixels.sums(columns) / pixels.areas + 0.5,
        "centroid_y_px": pixels.sums(rows) / pixels.areas + 0.5,
        "left_px": np.minimum.reduceat(columns, starts) if len(starts) else starts,
        "top_px": rows[starts],
        "right_px": (np.maximum.reduceat(columns, starts) if len(starts) else starts) + 1,
        "bottom_px": rows[pixels.starts + pixels.areas - 1] + 1,
    }


def _eccentricities(pixels: ObjectPixels) -> NDArray[np.float64]:
    """Square root of 1 - the ratio of the second moments along the minor and the major axis."""
    down, right = (axis - (pixels.sums(axis) / pixels.areas)[pixels.owners] for axis in (pixels.rows, pixels.columns))
    moments = [pixels.sums(product) / pixels.areas for product in (down * down, right * right, down * right)]
    half_sum, half_difference = (moments[0] + moments[1]) / 2, (moments[0] - moments[1]) / 2
    spread = np.hypot(half_difference, moments[2])
    major, minor = half_sum + spread, np.maximum(half_sum - spread, 0)
    ratios = np.divide(minor, major, out=np.ones_like(major), where=major > 0)
    return np.asarray(np.sqrt(1 - ratios))


def _statistics(pixels: ObjectPixels, channel: NDArray[Any]) -> Columns:
    """Mean, smallest, largest and sum of the values (rows, w) of each object."""
    values = channel.reshape(-1)[pixels.places]
    is_invalid = np.ma.getmaskarray(values) | np.isnan(np.ma.getdata(values))
    numbers = np.where(is_invalid, np.nan, np.ma.getdata(values).astype(np.float64))
    counts = pixels.sums(~is_invalid)
    sums = np.where(counts > 0, pixels.sums(np.where(is_invalid, 0, numbers)), np.nan)
    low, high = (
        extreme.reduceat(numbers, pixels.starts) if len(pixels.starts) else numbers for extreme in (np.fmin, np.fmax)
    )
    return {"mean": sums / np.maximum(counts, 1), "min": low, "max": high, "sum": sums}
