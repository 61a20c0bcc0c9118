"""Tables of the objects of images and volumes, measured window by window."""

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.atomic import whole_file
from unetzoo._utils.pixel_size import PixelSize
from unetzoo._utils.texts import cell
from unetzoo.data.formats.nodata import masked_values, with_data
from unetzoo.inference.files.object_sizes import IN_PIXELS, Metric
from unetzoo.objects.measure import EXTENTS, Columns, in_space, measured
from unetzoo.objects.pixels import pixels_of
from unetzoo.objects.windows import object_windows

_MILLION = 10**6
_EXACT = 2**53  # up to which floating numbers hold each whole one


@dataclass(frozen=True)
class Labels:
    """The numbers of objects (h, w) in an open label image (h, w, 1), read row by row.

    Those of a volume (d, h, w, 1) are read slice by slice.
    """

    image: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """(h, w) or (d, h, w)."""
        return tuple(self.image.shape[:-1])

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        """Some rows (rows, w), or slices (slices, h, w)."""
        return np.asarray(_rows(self.image, rows))[..., 0]


def measure_image(
    labels: Labels,
    image: Any,  # noqa: ANN401 - whatever can be sliced
    *,
    nodata: Sequence[float] = (),
    metric: Metric = IN_PIXELS,
    rows: int | None = None,
) -> tuple[Columns, int]:
    """The columns of `measure_objects` of an image or a volume of any size, and the number of its pixels with data.

    Args:
        labels: numbers of the objects.
        image: (h, w, c) or (d, h, w, c) that can be sliced.
        nodata: values that stand for no data.
        metric: for columns in its units.
        rows: see `object_windows`.
    """
    parts, count = [], 0
    for window in object_windows(labels, rows=rows):
        within = slice(window.top, window.top + len(window.ids))
        pixels = masked_values(np.asanyarray(_rows(image, within)), nodata)
        is_data = with_data(pixels[: window.own])
        count += window.own * math.prod(labels.shape[1:]) if is_data is None else int(is_data.sum())
        parts.append(measured(pixels_of(window.ids, window.top), pixels, labels.shape, metric.pixel_size))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    if metric.to_space is not None:
        columns |= in_space(columns, metric.to_space, metric.unit)
    order = np.argsort(columns["id"])
    return {name: values[order] for name, values in columns.items()}, count


def _rows(image: Any, rows: slice) -> Any:  # noqa: ANN401 - whatever can be sliced
    """Some rows of an image (h, w, c), or slices of a volume (d, h, w, c)."""
    return image[(rows, *(slice(None),) * (len(image.shape) - 2))]


def summary_of(columns: Columns, count: int, pixel_size: PixelSize | None) -> dict[str, float]:
    """The number of objects of an image with `count` pixels of data, their density, and their mean area.

    Of a volume these are voxels, and the mean volume.
    """
    axes = next(axes for axes, size in EXTENTS.items() if f"{size}_px" in columns)
    objects, name = len(columns["id"]), EXTENTS[axes]
    size = float(columns[f"{name}_px"].mean()) if objects else math.nan
    per_pixel = objects / count if count else math.nan
    row = {
        "count": objects,
        f"image_{name}_px": count,
        f"density_per_mega{'pixel' if axes == 2 else 'voxel'}": _MILLION * per_pixel,
        f"mean_{name}_px": size,
    }
    if pixel_size:
        of_pixel, unit = math.prod(pixel_size.along(axes)), f"{pixel_size.unit}{axes}"
        row |= {
            f"image_{name}_{unit}": count * of_pixel,
            f"density_per_{unit}": per_pixel / of_pixel,
            f"mean_{name}_{unit}": size * of_pixel,
        }
    return row


class TableFile:
    """A .csv file that grows by rows.

    Args:
        file: to write into.
    """

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file, lineterminator="\n")
        self._has_header = False

    def add(self, name: str, columns: Mapping[str, Iterable[Any]]) -> None:
        """Add a row for each element of the columns; in the first column it has the name of the image."""
        if not self._has_header:
            self._writer.writerow(["image", *columns])
            self._has_header = True
        for values in zip(*columns.values(), strict=True):
            self._writer.writerow([cell(name), *map(_text, values)])


@contextmanager
def open_table(path: Path) -> Iterator[TableFile]:
    """A table that appears at the end, as a whole; raises WriteError as `whole_file`."""
    with (
        whole_file(path) as draft,
        # names of files may be of other bytes
        draft.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        yield TableFile(file)


def _text(value: object) -> str:
    """A value as text: whole numbers without a point, others with 10 digits, nothing for NaN."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, float):
        return cell(value) if isinstance(value, str) else str(value)
    if math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < _EXACT else f"{value:.10g}"
