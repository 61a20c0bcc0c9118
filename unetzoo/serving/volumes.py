"""The answers about a predicted volume: numbers, and a slice of it for the page."""

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.colors import outline_palette
from unetzoo.data.formats.directions import Directed, grid_along
from unetzoo.data.formats.orientation import AXES, grid_of_slice
from unetzoo.data.formats.slices import Slices, open_volume
from unetzoo.inference.choices import check_axes
from unetzoo.inference.files.object_overlays import reduced
from unetzoo.inference.files.object_tables import Labels
from unetzoo.inference.files.predictor import FilePredictor
from unetzoo.inference.files.volumes import volume_file
from unetzoo.inference.pixel_size import scale_of
from unetzoo.inference.thresholds import class_names
from unetzoo.serving.preview import LONGEST, class_colors, hex_color, painted_objects, preview
from unetzoo.serving.results import Result, facts_of, shares_of, table_of

_COLORS = 5  # that tell objects apart


def voxels_of(volume: Path, predictor: FilePredictor) -> tuple[int, int]:
    """The number of voxels of a volume, none of which is decoded, and of those that the network sees."""
    config, options = predictor.config, predictor.options
    with open_volume(volume) as raster:
        own = prod(raster.shape[:3])
        if config.spatial_dims == 3:
            shape = Directed(raster, "the image").shape[:3]
            return own, prod(scale_of(grid_along(raster.grid), shape, config, options.resample).seen or shape)
        seen = own
        for axis in check_axes(options.axes):
            view = Slices(raster, AXES.index(axis))
            grid = grid_of_slice(raster.grid, view.direction)
            slice_ = scale_of(grid, view.size, config, options.resample).seen or view.size
            seen = max(seen, len(view) * prod(slice_))
        return own, seen


def facts_of_volume(result: Result) -> dict[str, Any]:
    """Plain data of a result: the size, and the voxels of each class, or the measures of each object."""
    if result.config.objects:
        return facts_of(result)
    values = _stored(result)
    planes = values == 1 if result.config.labels == "overlapping" else _planes(values[0], result)
    shares = shares_of(planes, result.config)
    return {"warnings": list(result.doubts), "size": list(values.shape[1:]), "classes": shares}


def preview_of_volume(result: Result) -> dict[str, Any]:
    """What the page shows: the slice in the middle of the file, and numbers of the whole volume."""
    config, values, facts = result.config, _stored(result), facts_of_volume(result)
    place = values.shape[1] // 2
    shown = values[:, place]
    if config.objects:
        ids = shown[0].astype(np.int32)
    else:
        planes = shown == 1 if config.labels == "overlapping" else _planes(shown[0], result)
        ids = np.zeros(shown.shape[1:], np.int32)
        for number, plane in enumerate(planes, start=1):
            ids[plane] = number
    with open_volume(volume_file(result.job.image)) as raster:
        _, height, width, _ = raster.shape
        image = raster.read((slice(place, place + 1), slice(0, height), slice(0, width)))[0]
    step = -(-max(ids.shape) // LONGEST)
    picture, ids = reduced(Labels(ids[..., None]), image, tuple(config.info.nodata), step)
    if config.objects:
        counts = [each["class"] for each in facts["objects"]]
        legend: list[dict[str, Any]] = [
            {"name": name, "color": None, "count": counts.count(name)} for name in sorted({*counts})
        ]
        painted = painted_objects(ids, outline_palette(_COLORS))
    else:
        colors = class_colors(config)
        legend = [
            {"name": each["name"], "color": hex_color(color) if color[3] else "", "share": each["share"]}
            for each, color in zip(facts["classes"], colors[1:], strict=True)
        ]
        painted = colors[ids]
    note = f"slice {place + 1} of {values.shape[1]} is shown"
    files = [("objects.csv", "csv", table_of(result))] if config.objects else []
    return {**preview(result, facts, picture, painted, legend, files), "size": list(shown.shape[1:]), "note": note}


def _stored(result: Result) -> NDArray[Any]:
    """The result (k, d, h, w): ids of classes or objects, or planes."""
    with open_volume(result.job.target) as raster:
        return np.moveaxis(np.asarray(raster.read(raster.whole)), -1, 0)


def _planes(ids: NDArray[Any], result: Result) -> list[NDArray[np.bool_]]:
    return [ids == number for number in range(len(class_names(result.config)))]
