"""Pictures of three planes through the middle of a volume with the outlines of its objects."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unetzoo._utils.colors import NOTHING, Colors
from unetzoo.data.formats.grid import Grid
from unetzoo.data.formats.nodata import masked_values
from unetzoo.data.formats.orientation import AXES, Orientation, orientation_of
from unetzoo.data.formats.resample import nearest
from unetzoo.data.shown import as_colors, contrast_of
from unetzoo.inference.files.object_overlays import LONGEST, save_overlay
from unetzoo.inference.files.object_tables import Labels

_GAP = 0.02  # between planes, of the longest side


def write_plane_overlay(
    path: Path,
    labels: Labels,
    image: Any,  # noqa: ANN401 - whatever can be sliced
    grid: Grid,
    colors: Colors,
    *,
    nodata: tuple[float, ...] = (),
    longest: int = LONGEST,
    class_names: Sequence[str] = (),
) -> None:
    """Write a picture of three planes through the middle of a volume, with the outlines of its objects, as PNG.

    They are the axial, the coronal and the sagittal one, as `unetzoo.data.formats.orientation` has them: beside each
    other, or the second above the third where both are lower than half of the first. All lengths have one scale, by
    the steps of the voxels.

    Args:
        path: of the file.
        labels: numbers of the objects.
        image: (d, h, w, c) that can be sliced.
        grid: of the volume.
        colors: (n, 3); the object i has the color `i % n`.
        nodata: values of the volume that stand for no data.
        longest: pixels of the longer side of the picture, at most.
        class_names: as for `write_overlay`.
    """
    orientation = orientation_of(grid)
    planes = [
        (
            masked_values(_plane(image, orientation, direction), nodata),
            _plane(labels.image, orientation, direction)[..., 0],
        )
        for direction in range(len(AXES))
    ]
    contrast = contrast_of(np.ma.concatenate([values.reshape(-1, 1, values.shape[-1]) for values, _ in planes]))  # type: ignore[no-untyped-call] # of numpy
    sizes = _sizes([ids.shape for _, ids in planes], orientation.steps)
    (height, width), places = _laid_out(sizes)
    scale = min(1.0, longest / max(height, width))
    shown = np.full((round(height * scale), round(width * scale), 3), NOTHING, np.uint8)
    numbers = np.zeros(shown.shape[:2], planes[0][1].dtype)
    for (values, ids), size, place in zip(planes, sizes, places, strict=True):
        rows, columns = (max(1, int(length * scale)) for length in size)
        top, left = (int(start * scale) for start in place)
        window = slice(top, top + rows), slice(left, left + columns)
        picture = Image.fromarray(np.ascontiguousarray(as_colors(values, contrast)))
        shown[window] = np.asarray(picture.resize((columns, rows), Image.Resampling.BOX))
        numbers[window] = ids[np.ix_(*(nearest(*lengths) for lengths in zip(ids.shape, (rows, columns), strict=True)))]
    save_overlay(path, shown, numbers, colors, class_names)


def _plane(volume: Any, orientation: Orientation, direction: int) -> NDArray[Any]:  # noqa: ANN401 - as above
    """The plane (height, width, c) across a direction, in the middle of a volume (d, h, w, c)."""
    window, axis = [slice(None)] * len(AXES), orientation.order[direction]
    middle = volume.shape[axis] // 2
    window[axis] = slice(middle, middle + 1)
    part: NDArray[Any] = np.moveaxis(orientation.turned(np.asanyarray(volume[tuple(window)])), direction, 0)[0]
    return part


def _sizes(shapes: Sequence[tuple[int, ...]], steps: Sequence[float]) -> list[tuple[float, float]]:
    """Height and width of each plane, in the smallest step."""
    finest = min(steps)
    sizes = []
    for direction, (height, width) in enumerate(shapes):
        down, right = (step / finest for other, step in enumerate(steps) if other != direction)
        sizes.append((height * down, width * right))
    return sizes


def _laid_out(sizes: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], list[tuple[float, float]]]:
    """Height and width of the picture, and the top and the left of each plane."""
    gap = _GAP * max(max(size) for size in sizes)
    (first, second, third), widths = (size[0] for size in sizes), [size[1] for size in sizes]
    right = widths[0] + gap
    if second + gap + third <= first:
        return (first, right + max(widths[1:])), [(0, 0), (0, right), (second + gap, right)]
    last = right + widths[1] + gap
    return (max(first, second, third), last + widths[2]), [(0, 0), (0, right), (0, last)]
