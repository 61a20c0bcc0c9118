"""Measure objects of images and volumes: size, place, form, and the values of the image in each."""

from collections.abc import Iterable, Mapping
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.pixel_size import PixelSize, read_pixel_size
from unetzoo.errors import ShapeError
from unetzoo.objects.pixels import ObjectPixels, perimeters, pixels_of
from unetzoo.objects.surface import surfaces

Columns = dict[str, NDArray[Any]]
EXTENTS = {2: "area", 3: "volume"}
"""How much an object takes, by the number of axes."""
_BOX = {"x": ("left", "right"), "y": ("top", "bottom"), "z": ("front", "back")}
_POWERS = {"area": 2, "surface": 2, "volume": 3}  # of the unit


def measure_objects(
    ids: NDArray[np.integer], image: NDArray[Any] | None = None, *, pixel_size: str | None = None
) -> Columns:
    """Measure the objects of an image or a volume.

    Places are those of outlines: (0, 0) is the corner of the first pixel, whose center is (0.5, 0.5).

    Args:
        ids: number of each pixel's object (h, w), or of each voxel's (d, h, w); 0 or less: none.
        image: (h, w) or (h, w, c), of a volume (d, h, w) or (d, h, w, c); its masked values and NaN do not count. None:
            no columns of channels.
        pixel_size: side of a pixel and its unit, such as `"0.5um"`, for columns in the unit; of a voxel also its sides
            along z, y and x, `"2,0.5,0.5um"`. None: in pixels alone.

    Returns:
        Columns (n,) by name, a row for each object, in the order of their numbers: `id`; `area_px`, of a volume
        `volume_px`; `centroid_x_px`, `centroid_y_px` and `centroid_z_px`; the box `left_px`, `top_px`, `front_px`,
        `right_px`, `bottom_px`, `back_px`; `perimeter_px`, the length of a line through the centers of the pixels at
        the edge, as scikit-image's `perimeter` estimates it, or `surface_px`, the area of its `marching_cubes`;
        `equivalent_diameter_px` of the disk, or ball, of the same size; `major_axis_px`, `middle_axis_px` and
        `minor_axis_px` of the ellipse, or ellipsoid, with the same second moments; each of these also in the unit, such
        as `area_um2`, `volume_um3`, `surface_um2` and `left_um`; `eccentricity` of the longest and the shortest axis, 0
        for a circle to 1; `touches_border`; `mean_c1`, `min_c1`, `max_c1` and `sum_c1` of the first channel and so on,
        NaN for an object without values. Images have no z, front, back and middle axis. Where the size of a voxel is
        given, surface, diameter and axes are in its unit alone, since they mix its sides; otherwise voxels are cubes.

    Raises:
        ShapeError: the ids are not whole numbers (h, w) or (d, h, w), or the image is not of their size.
        OptionError: `pixel_size` is not a length, or has three numbers for an image.
        MissingExtraError: a volume is measured, and the extra `objects` is not installed.
    """
    check_ids(ids, image, axes=(2, 3))
    return measured(pixels_of(ids), image, ids.shape, None if pixel_size is None else read_pixel_size(pixel_size))


def check_ids(ids: NDArray[np.integer], image: NDArray[Any] | None = None, *, axes: Iterable[int] = (2,)) -> None:
    """Raise ShapeError unless ids are whole numbers over so many axes, and the image is of their size."""
    if ids.ndim not in axes or ids.dtype.kind not in "iu":
        sides = " or ".join({2: "(h, w)", 3: "(d, h, w)"}[count] for count in axes)
        raise ShapeError(f"ids of objects must be whole numbers {sides}, got {ids.dtype} {ids.shape}")
    if image is not None and (image.ndim - ids.ndim not in (0, 1) or image.shape[: ids.ndim] != ids.shape):
        raise ShapeError(f"the image must be {ids.shape} or {(*ids.shape, 'c')}, as its objects, got {image.shape}")


def measured(
    pixels: ObjectPixels, image: NDArray[Any] | None, shape: tuple[int, ...], pixel_size: PixelSize | None = None
) -> Columns:
    """The columns of `measure_objects`.

    Args:
        pixels: of the objects.
        image: the rows (rows, w) or (rows, w, c) of an image that the pixels were found in, or slices of a volume.
        shape: of the whole image, (h, w), or volume, (d, h, w).
        pixel_size: for columns in its unit.

    Raises:
        OptionError: it is that of voxels, for an image.
    """
    axes = len(shape)
    steps = pixel_size.along(axes) if pixel_size else (1.0,) * axes
    counted, is_image = _counted(pixels), axes == 2
    forms = _forms(pixels, (1.0, 1.0) if is_image else steps)
    columns = {"id": pixels.numbers, **{_title(name, "px"): values for name, (values, _) in counted.items()}}
    if is_image or not pixel_size:
        columns |= {_title(name, "px"): values for name, values in forms.items()}
    if pixel_size:
        columns |= {
            _title(name, pixel_size.unit): values * np.prod([steps[axis] for axis in along])
            for name, (values, along) in counted.items()
        }
        side = steps[0] if is_image else 1.0
        columns |= {_title(name, pixel_size.unit): values * side for name, values in forms.items()}
    columns |= {"eccentricity": _eccentricities(forms), "touches_border": _touch_border(counted, shape)}
    if image is not None:
        channels = image if image.ndim > axes else image[..., None]
        for number in range(channels.shape[-1]):
            of_channel = _statistics(pixels, channels[..., number])
            columns |= {f"{name}_c{number + 1}": values for name, values in of_channel.items()}
    return columns


def in_space(columns: Mapping[str, NDArray[Any]], matrix: NDArray[np.float64], unit: str) -> Columns:
    """The centroids of the objects of a volume in the coordinate system of its file, as columns such as `world_x_mm`.

    Args:
        columns: of `measured`.
        matrix: (3, 4), maps (slice, row, column, 1), at the centers of voxels, to (x, y, z).
        unit: of the coordinates.
    """
    centers = [columns[f"centroid_{axis}_px"] - 0.5 for axis in "zyx"]
    places = matrix[:, :3] @ np.array(centers) + matrix[:, 3:]
    return {f"world_{axis}_{unit}": values for axis, values in zip("xyz", places, strict=True)}


def _title(name: str, unit: str) -> str:
    """The name of a column in a unit; that of pixels has no power."""
    power = _POWERS.get(name.split("_")[-1], 1)
    return f"{name}_{unit}{power if power > 1 and unit != 'px' else ''}"


def _counted(pixels: ObjectPixels) -> dict[str, tuple[NDArray[Any], tuple[int, ...]]]:
    """The size, the centroid and the box of each object in pixels, with the axes whose steps turn them into lengths."""
    order = range(len(pixels.along))
    names = "zyx"[-len(pixels.along) :]
    last_first = [(names[axis], axis) for axis in reversed(order)]
    starts, has_objects = pixels.starts, len(pixels.starts) > 0
    lowest, beyond = {}, {}
    for name, axis in last_first:
        low, high = _BOX[name]
        indices = pixels.along[axis]
        lowest[low] = (np.minimum.reduceat(indices, starts) if has_objects else starts), (axis,)
        beyond[high] = (np.maximum.reduceat(indices, starts) if has_objects else starts) + 1, (axis,)
    centroids = {
        f"centroid_{name}": (pixels.sums(pixels.along[axis]) / pixels.areas + 0.5, (axis,)) for name, axis in last_first
    }
    return {EXTENTS[len(names)]: (pixels.areas, tuple(order)), **centroids, **lowest, **beyond}


def _touch_border(
    counted: Mapping[str, tuple[NDArray[Any], tuple[int, ...]]], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Whether the box of each object reaches a side of the image."""
    names = "zyx"[-len(shape) :]
    sides = [
        side for name, length in zip(names, shape, strict=True) for side in zip(_BOX[name], (0, length), strict=True)
    ]
    touches: NDArray[np.bool_] = np.logical_or.reduce([counted[side][0] == end for side, end in sides])
    return touches


def _forms(pixels: ObjectPixels, steps: tuple[float, ...]) -> Columns:
    """Perimeter or surface, equivalent diameter, and the axes of the ellipse or ellipsoid, in the unit of the steps."""
    axes = len(steps)
    sizes = pixels.areas * np.prod(steps)
    edge = {"perimeter": perimeters(pixels)} if axes == 2 else {"surface": surfaces(pixels, steps)}
    diameters = 2 * np.sqrt(sizes / np.pi) if axes == 2 else np.cbrt(6 * sizes / np.pi)
    lengths = 2 * np.sqrt((axes + 2) * _variances(pixels, steps))
    names = ("minor_axis", "major_axis") if axes == 2 else ("minor_axis", "middle_axis", "major_axis")
    of_axes = dict(zip(names, lengths, strict=True))
    return {**edge, "equivalent_diameter": diameters, **{name: of_axes[name] for name in reversed(names)}}


def _variances(pixels: ObjectPixels, steps: tuple[float, ...]) -> NDArray[np.float64]:
    """The variances of the places of pixels along the principal axes of each object (axes, n), smallest first."""
    offsets = [
        (indices - (pixels.sums(indices) / pixels.areas)[pixels.owners]) * step
        for indices, step in zip(pixels.along, steps, strict=True)
    ]
    moments = np.zeros((len(pixels.numbers), len(steps), len(steps)))
    for row, column in combinations_with_replacement(range(len(steps)), 2):
        moments[:, row, column] = moments[:, column, row] = pixels.sums(offsets[row] * offsets[column]) / pixels.areas
    return np.asarray(np.linalg.eigvalsh(moments).T.clip(min=0), np.float64)


def _eccentricities(forms: Columns) -> NDArray[np.float64]:
    """Square root of 1 - the squared ratio of the shortest and the longest axis."""
    major, minor = forms["major_axis"], forms["minor_axis"]
    ratios = np.divide(minor, major, out=np.ones_like(major), where=major > 0)
    return np.asarray(np.sqrt(1 - ratios**2))


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
