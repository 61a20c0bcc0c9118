"""DICOM: a slice, or a folder of slices that are one volume."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo import DataError, Grid, Raster
from unetzoo.data.formats import NO_GRID, Content, Window
from unetzoo_medical.dicom_slice import Slice, read_header, read_pixels
from unetzoo_medical.space import LPS_TO_RAS, body_grid, steps_grid

ENDINGS = (".dcm", ".ima")
_SAME_DIRECTION = 1e-3  # of numbers of an orientation
_TILT = 0.01  # of a step beside the normal, by the step: about half a degree
_EVEN = 0.02  # difference of a step from the median, by the median


@contextmanager
def open_dicom(content: Content) -> Iterator[Raster]:
    """A slice as (1, h, w, c), or a folder as a volume (d, h, w, c), its slices sorted by their positions.

    Values are rescaled by slope and intercept, as to Hounsfield units.

    Raises:
        DataError: a file is damaged or has several frames; the folder has files of several series, or with other sizes
            or orientations; a slice is missing or doubled, or the gantry is tilted.
    """
    path = content.file()
    slices = read_series(path) if path.is_dir() else [read_header(path)]
    first = slices[0]
    dtype = np.result_type(*(each.scaling.dtype for each in slices))

    def read(window: Window) -> NDArray[Any]:
        numbers, rows, columns = window
        planes = [read_pixels(each, first.shape)[rows, columns] for each in slices[numbers]]
        return np.stack([plane.astype(dtype, copy=False) for plane in planes])

    yield Raster(
        shape=(len(slices), *first.shape),
        dtype=dtype,
        read=read,
        grid=_grid(slices, content.name),
        block=(1, *first.shape[:2]),
        doubt="it is MONOCHROME1: its low values are shown white" if first.is_inverted else "",
    )


def read_series(folder: Path) -> list[Slice]:
    """The slices in a folder, in the order of their volume; raises DataError as `open_dicom`."""
    return _in_order([read_header(file) for file in _files(folder)], str(folder))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and path.is_file())


def _in_order(slices: list[Slice], name: str) -> list[Slice]:
    """The slices of a series along its normal, from the patient's right, back or feet on, by the file's own axes.

    Raises:
        DataError: they are not those of one volume.
    """
    first, *others = slices
    if not others:
        return slices
    for other in others:
        _check_alike(first, other)
    normal = np.cross(first.orientation[:3], first.orientation[3:])
    ordered = sorted(slices, key=lambda each: float(each.position @ normal))
    _check_steps(ordered, normal, name)
    return ordered


def _check_alike(first: Slice, other: Slice) -> None:
    """Raise DataError unless two files belong to one volume."""
    for what, one, two, advice in (
        ("series", first.series, other.series, "give each series a folder of its own"),
        ("size", first.shape, other.shape, "remove the file, such as a localizer"),
    ):
        if one != two:
            raise DataError(f"{other.path} has the {what} {two}, but {first.path} has {one}; {advice}")
    for each in (first, other):
        if each.position is None or each.orientation is None:
            raise DataError(
                f"{each.path} has no position and orientation (ImagePositionPatient, ImageOrientationPatient), which "
                "slices of a volume need; convert the series to NIfTI by a tool that knows its order"
            )
    if abs(first.orientation - other.orientation).max() > _SAME_DIRECTION:
        raise DataError(
            f"{other.path} has the orientation {other.orientation.tolist()}, but {first.path} has "
            f"{first.orientation.tolist()}; give slices of each orientation a folder of their own"
        )
    if first.spacing != other.spacing:
        raise DataError(
            f"{other.path} has the spacing {other.spacing}, but {first.path} has {first.spacing}; remove the file"
        )


def _check_steps(ordered: list[Slice], normal: NDArray[Any], name: str) -> None:
    """Raise DataError unless all steps from slice to slice are alike, and along the normal."""
    steps = np.diff([each.position for each in ordered], axis=0)
    along = steps @ normal
    median = float(np.median(along))
    for index in np.flatnonzero(abs(along - median) > _EVEN * median):
        one, two = ordered[index].path, ordered[index + 1].path.name
        if along[index] < median / 2:
            raise DataError(
                f"{one} and {two} lie {along[index]:.4g} mm apart, where {median:.4g} mm are expected: two slices at "
                "one place, as of several times or echoes; give each a folder of its own"
            )
        raise DataError(
            f"{one} and {two} lie {along[index]:.4g} mm apart, where {median:.4g} mm are expected: a slice is missing "
            "between them; add it, or resample the series to even steps"
        )
    beside = np.linalg.norm(steps - np.outer(along, normal), axis=1)
    if (beside > _TILT * abs(along)).any():
        angle = np.degrees(np.arctan2(beside.max(), along[beside.argmax()]))
        raise DataError(
            f"{name}: from {ordered[0].path.name} to {ordered[-1].path.name} slices are shifted by a gantry tilt of "
            f"{angle:.1f} degrees, where 0 are expected; correct it first, for example with dcm2niix"
        )


def _grid(slices: list[Slice], name: str) -> Grid:
    first, last = slices[0], slices[-1]
    if first.spacing is None:
        return NO_GRID
    down, right = first.spacing
    if first.orientation is None or first.position is None:
        return steps_grid([right, down, first.thickness], unit="mm")
    affine = np.eye(4)
    affine[:3, 0] = first.orientation[:3] * right
    affine[:3, 1] = first.orientation[3:] * down
    affine[:3, 2] = np.cross(first.orientation[:3], first.orientation[3:]) * first.thickness
    if len(slices) > 1:
        affine[:3, 2] = (last.position - first.position) / (len(slices) - 1)
    affine[:3, 3] = first.position
    return body_grid(LPS_TO_RAS @ affine, name=name)
