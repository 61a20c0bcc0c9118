"""ROIs of ImageJ and Fiji: a .zip of the ROI Manager, or a single .roi, for each image."""

import zipfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from unetzoo._utils.extras import need
from unetzoo.data.annotations.images import ImageFiles, split_of
from unetzoo.data.annotations.shapes import AnnotatedImage, Annotations, Polygon, Shape, Size, ellipse, rectangle, ring
from unetzoo.errors import DataError, describe_error

if TYPE_CHECKING:
    from roifile import ImagejRoi

_SIGNATURE = b"Iout"
_LARGEST = 2**24  # bytes of a ROI: 1.4 million corners with fractions
_LARGEST_SET = 2**30  # bytes of all ROIs of a zip


def is_imagej(file: Path) -> bool:
    """Whether a file is a ROI, or a zip that holds some."""
    try:
        if file.suffix.lower() != ".zip":
            with file.open("rb") as stream:
                return stream.read(len(_SIGNATURE)) == _SIGNATURE
        with zipfile.ZipFile(file) as archive:
            return any(name.lower().endswith(".roi") for name in archive.namelist())
    except Exception as error:  # zipfile raises nearly anything for a damaged file
        raise DataError(f"{file} cannot be read: {describe_error(error)}") from error


def read_imagej(files: Sequence[Path], images: ImageFiles) -> Annotations:
    """The ROIs of ImageJ's files, each of which has the name of its image, perhaps with `_RoiSet`.

    Raises:
        DataError: one cannot be read.
        MissingExtraError: roifile is not installed.
    """
    need("objects", "reading ROIs of ImageJ", "roifile")
    pairs, problems = images.by_file(files)
    annotated = [
        AnnotatedImage(image, rois[0], partial(_read, tuple(rois)), split=split_of(image, images.folder))
        for image, rois in pairs.items()
    ]
    return Annotations(tuple(annotated), ("",), tuple(problems))


def _read(files: Sequence[Path], _: Size) -> list[Shape]:
    return [shape for file in files for shape in _shapes(file)]


def _shapes(file: Path) -> list[Shape]:
    from roifile import ImagejRoi

    try:
        return [_shape(ImagejRoi.frombytes(data)) for data in _contents(file)]
    except DataError as error:
        raise DataError(f"{file}: {error}") from error
    except Exception as error:  # roifile raises nearly anything for a damaged file
        raise DataError(f"{file} cannot be read: {describe_error(error)}") from error


def _contents(file: Path) -> Iterator[bytes]:
    """The bytes of each ROI.

    Raises:
        DataError: there are far more than any image has.
    """
    if file.suffix.lower() != ".zip":
        _check_size(file.name, file.stat().st_size, _LARGEST)
        yield file.read_bytes()
        return
    with zipfile.ZipFile(file) as archive:
        members = [member for member in archive.infolist() if member.filename.lower().endswith(".roi")]
        _check_size("its content", sum(member.file_size for member in members), _LARGEST_SET)
        for member in members:
            _check_size(member.filename, member.file_size, _LARGEST)
            yield archive.read(member)


def _check_size(name: str, size: int, largest: int) -> None:
    if size > largest:
        raise DataError(f"{name} has {size:,} bytes, far more than ROIs have ({largest:,} at most)")


def _shape(roi: "ImagejRoi") -> Shape:
    from roifile import ROI_TYPE

    if roi.composite:
        return Shape("", (Polygon(tuple(ring(path) for path in roi.coordinates(multi=True) if len(path) >= 3)),))
    if roi.roitype in (ROI_TYPE.RECT, ROI_TYPE.OVAL):
        left, top, right, bottom = _bounds(roi)
        outline = rectangle(left, top, right, bottom)
        if roi.roitype == ROI_TYPE.OVAL:
            outline = ellipse((left + right) / 2, (top + bottom) / 2, (right - left) / 2, (bottom - top) / 2)
        return Shape("", (Polygon((outline,)),))
    if roi.roitype in (ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED):
        return Shape("", (Polygon((ring(roi.coordinates()),)),))
    return Shape("", (), roi.roitype.name.lower())


def _bounds(roi: "ImagejRoi") -> tuple[float, float, float, float]:
    if roi.subpixelrect:
        return roi.xd, roi.yd, roi.xd + roi.widthd, roi.yd + roi.heightd
    return roi.left, roi.top, roi.right, roi.bottom
