"""The answers about a predicted image, made of its mask."""

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.read import read_raw_mask
from unetzoo.inference.files.jobs import Job
from unetzoo.inference.files.object_sizes import Metric, metrics_of
from unetzoo.inference.files.object_tables import TableFile, measure_image
from unetzoo.inference.files.object_writer import ImageObjects, Tables, open_objects
from unetzoo.inference.thresholds import class_names
from unetzoo.nn.config import ModelConfig
from unetzoo.objects.geojson import open_geojson

_NAME = "image"  # in tables; the client's own name stays with the client


@dataclass(frozen=True)
class Result:
    """A predicted image.

    Attributes:
        job: the image and its mask.
        config: of the network.
        doubts: why the image is unlike those of the training.
    """

    job: Job
    config: ModelConfig
    doubts: tuple[str, ...]


def facts_of(result: Result) -> dict[str, Any]:
    """Plain data of a result: the size, and the objects or the pixels of each class."""
    facts: dict[str, Any] = {"warnings": list(result.doubts)}
    if result.config.objects:
        with open_objects(result.job, result.config) as objects:
            return {"size": list(objects.labels.shape), "objects": list(_rows(objects, _metric(result))), **facts}
    planes = class_planes(result)
    return {"size": list(planes[0].shape), "classes": shares_of(planes, result.config), **facts}


def shares_of(planes: Sequence[NDArray[np.bool_]], config: ModelConfig) -> list[dict[str, Any]]:
    """Number, name, pixels and their share of each class, by its pixels."""
    counts = [int(np.count_nonzero(plane)) for plane in planes]
    return [
        {"id": number, "name": name, "pixels": count, "share": count / planes[0].size}
        for number, (name, count) in enumerate(zip(class_names(config), counts, strict=True))
    ]


def class_planes(result: Result) -> list[NDArray[np.bool_]]:
    """The pixels (h, w) of each class."""
    config, path = result.config, result.job.target
    if config.labels == "overlapping":
        import tifffile

        planes = tifffile.imread(path)
        return [plane == 1 for plane in planes.reshape(config.classes, *planes.shape[-2:])]
    ids = read_raw_mask(path).pixels
    return [ids == number for number in range(len(class_names(config)))]


def outlines_of(result: Result) -> bytes:
    """The file of `unetzoo predict --outlines`."""
    path = result.job.target.with_name("outlines.geojson")
    with open_objects(result.job, result.config) as objects, open_geojson(path) as file:
        file.add(objects.outlines(), _NAME, objects.class_in_color)
    return path.read_bytes()


def table_of(result: Result) -> bytes:
    """The file of `unetzoo predict --table`."""
    file = io.StringIO()
    with open_objects(result.job, result.config) as objects:
        Tables(TableFile(file), None).add(_NAME, objects, _metric(result))
    return file.getvalue().encode()


def _metric(result: Result) -> Metric:
    """That of the file, for measures in its units, as in the table of `unetzoo predict`."""
    (metric,) = metrics_of([result.job.image], None, result.config.spatial_dims)
    return metric


def _rows(objects: ImageObjects, metric: Metric) -> Iterator[dict[str, Any]]:
    """Number, class and measures of each object; None where there is no number."""
    columns, _ = measure_image(objects.labels, objects.image, nodata=objects.nodata, metric=metric)
    plain = {name: column.tolist() for name, column in columns.items()}
    numbers = plain.pop("id")
    for number, *measures in zip(numbers, *plain.values(), strict=True):
        values = (None if isinstance(value, float) and math.isnan(value) else value for value in measures)
        name = objects.class_names[objects.class_of(number)]
        yield {"id": number, "class": name, **dict(zip(plain, values, strict=True))}
