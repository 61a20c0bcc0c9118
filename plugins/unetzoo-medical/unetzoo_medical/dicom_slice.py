"""A file of DICOM with one frame: its header, and its pixels."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo import DataError, UnetzooError
from unetzoo.data.formats import check_backed, check_memory
from unetzoo_medical.scaling import Scaling, scaling_of

_NEEDED = ("Rows", "Columns", "BitsAllocated", "PixelRepresentation")
_BITS = (8, 16, 32)
_INVERTED = "MONOCHROME1"


@dataclass(frozen=True, kw_only=True, eq=False)
class Slice:
    """What the header of a slice says.

    Attributes:
        path: of the file.
        series: identifier of its series.
        shape: (h, w, c).
        scaling: of its values.
        position: of the middle of the first pixel, in DICOM's coordinates, mm; None: not stated.
        orientation: unit vectors along a row and along a column, 6 numbers; None: not stated.
        spacing: steps in mm from row to row and from column to column; None: not stated.
        thickness: step in mm to the next slice, by the header of this one; 1 if it is not stated.
        is_inverted: whether viewers show low values white.
    """

    path: Path
    series: str
    shape: tuple[int, int, int]
    scaling: Scaling
    position: Any
    orientation: Any
    spacing: tuple[float, float] | None
    thickness: float
    is_inverted: bool


def read_header(path: Path) -> Slice:
    """The header of a file.

    Raises:
        DataError: it is damaged, or has no pixels, several frames, or pixels of other types.
    """
    header = _dataset(path, stop_before_pixels=True)
    if missing := [name for name in _NEEDED if header.get(name) is None]:
        raise DataError(f"{path} cannot be read: it has no image, since its header lacks {', '.join(missing)}")
    frames = int(header.get("NumberOfFrames") or 1)
    if frames > 1:
        raise DataError(f"{path} has {frames} frames, and files of one are read; convert it to NIfTI, as with dcm2niix")
    shape = (int(header.Rows), int(header.Columns), int(header.get("SamplesPerPixel") or 1))
    bits = int(header.BitsAllocated)
    if bits not in _BITS or min(shape) < 1:
        raise DataError(f"{path} cannot be read: it announces {shape} pixels of {bits} bits")
    check_backed(str(path), int(np.prod(shape, dtype=object)) * bits // 8, path.stat().st_size)
    stored = np.dtype(f"{'i' if header.PixelRepresentation else 'u'}{bits // 8}")
    return Slice(
        path=path,
        series=str(header.get("SeriesInstanceUID", "")),
        shape=shape,
        scaling=_scaling(header, stored, path),
        position=_numbers(header, "ImagePositionPatient", 3, path),
        orientation=_numbers(header, "ImageOrientationPatient", 6, path),
        spacing=_spacing(header, path),
        thickness=float(header.get("SpacingBetweenSlices") or header.get("SliceThickness") or 1),
        is_inverted=header.get("PhotometricInterpretation") == _INVERTED,
    )


def read_pixels(slice_: Slice, shape: tuple[int, int, int]) -> NDArray[Any]:
    """The pixels (h, w, c) of a file; raises DataError if it is damaged, or its compression needs a package."""
    check_memory(str(slice_.path), 4 * int(np.prod(shape, dtype=object)))
    try:
        pixels = _dataset(slice_.path, stop_before_pixels=False).pixel_array
        return slice_.scaling.apply(np.asarray(pixels).reshape(shape))
    except UnetzooError:
        raise
    except Exception as error:  # pydicom and its decoders raise nearly anything
        raise _unreadable(slice_.path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    first, *_ = str(error).splitlines() or [repr(error)]
    return DataError(f"{path} cannot be read: {first}")


def _dataset(path: Path, *, stop_before_pixels: bool) -> Any:  # noqa: ANN401 - pydicom's types say little
    import pydicom

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return pydicom.dcmread(path, stop_before_pixels=stop_before_pixels)
        except Exception as error:  # pydicom raises nearly anything for damaged files
            raise DataError(
                f"{path} cannot be read: {str(error).splitlines()[0] if str(error) else error!r}"
            ) from error


def _scaling(header: Any, stored: np.dtype[Any], path: Path) -> Scaling:  # noqa: ANN401 - as above
    slope, intercept = header.get("RescaleSlope"), header.get("RescaleIntercept")
    slope, intercept = (float(1 if slope is None else slope), float(intercept or 0))
    if not np.isfinite([slope, intercept]).all() or slope == 0:
        raise DataError(f"{path}: its slope {slope} and intercept {intercept} do not tell what values mean")
    return scaling_of(stored, slope, intercept, bits=min(int(header.get("BitsStored") or 0), 8 * stored.itemsize))


def _numbers(header: Any, name: str, count: int, path: Path) -> NDArray[Any] | None:  # noqa: ANN401 - as above
    value = header.get(name)
    if not value:
        return None
    try:
        numbers = np.array([float(number) for number in value])
    except (TypeError, ValueError):
        numbers = np.array([])
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise DataError(f"{path}: {name} must be {count} numbers, but is {value}")
    return numbers


def _spacing(header: Any, path: Path) -> tuple[float, float] | None:  # noqa: ANN401 - as above
    numbers = _numbers(header, "PixelSpacing", 2, path)
    if numbers is None:
        return None
    if numbers.min() <= 0:
        raise DataError(f"{path}: PixelSpacing must be two numbers above 0, but is {numbers.tolist()}")
    return float(numbers[0]), float(numbers[1])
