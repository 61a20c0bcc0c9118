"""Outlines of objects as regions of interest of ImageJ."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np

from unetzoo._utils.extras import need
from unetzoo.errors import DataError
from unetzoo.objects.outlines import Outline, Ring

if TYPE_CHECKING:
    from roifile import ImagejRoi

_LONGEST_SIDE = 60_535  # pixels of the largest images whose places ImageJ's format holds
_MOVE, _LINE, _CLOSE = 0, 1, 4  # steps of a path


def need_rois() -> None:
    """Raise MissingExtraError unless the library is installed that writes regions of interest."""
    need("objects", "writing ROIs", "roifile")


def check_rois(path: Path, shape: Sequence[int]) -> None:
    """Raise DataError if the ROIs in a file are of an image (h, w) whose places ImageJ's format does not hold."""
    if max(shape) > _LONGEST_SIDE:
        raise DataError(
            f"{path}: ImageJ's ROIs hold places up to {_LONGEST_SIDE:,} pixels, and the image has {shape[0]:,} x "
            f"{shape[1]:,} (h x w); leave rois out and write outlines instead"
        )


def write_rois(path: Path, outlines: Iterable[Outline]) -> None:
    """Write a .zip file that ImageJ's ROI manager opens: a region for each object, named by its number.

    A polygon is a traced outline, an object with holes or several parts a composite one; coordinates are those of
    `outline_objects`.

    Args:
        path: of the file.
        outlines: of an image that `check_rois` accepts.

    Raises:
        MissingExtraError: roifile is not installed.
    """
    need_rois()
    with ZipFile(path, "w", ZIP_DEFLATED) as file:
        for outline in outlines:
            roi = _roi(outline)
            file.writestr(ZipInfo(f"{roi.name}.roi"), roi.tobytes(), ZIP_DEFLATED)  # without the time of writing


def _roi(outline: Outline) -> "ImagejRoi":
    """A region of interest; its name is as long for each number up to 99,999, so that names sort as numbers."""
    from roifile import ROI_TYPE, ImagejRoi

    rings = [ring for polygon in outline.polygons for ring in polygon]
    corners = np.concatenate(rings)
    (left, top), (right, bottom) = corners.min(0).tolist(), corners.max(0).tolist()
    roi = ImagejRoi(name=f"{outline.number:05d}", left=left, top=top, right=right, bottom=bottom)
    if len(rings) == 1:
        roi.roitype = ROI_TYPE.TRACED
        roi.integer_coordinates = (corners - (left, top)).astype(np.int32)
        roi.n_coordinates = len(corners)
    else:
        roi.roitype = ROI_TYPE.RECT
        roi.multi_coordinates = np.array(_path(rings), np.float32)
        roi.shape_roi_size = len(roi.multi_coordinates)
    return roi


def _path(rings: Sequence[Ring]) -> list[int]:
    """Steps of a path around all rings: its kind, and where it goes."""
    steps: list[int] = []
    for ring in rings:
        for kind, corner in zip((_MOVE, *(_LINE,) * (len(ring) - 1)), ring.tolist(), strict=True):
            steps += [kind, *corner]
        steps.append(_CLOSE)
    return steps
