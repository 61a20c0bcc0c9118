"""The metadata of a multiscale image of OME-Zarr: axes, levels, and where their pixels lie.

https://ngff.openmicroscopy.org/0.5/#multiscale-md
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from unetzoo import DataError

_READ = ("0.1", "0.2", "0.3", "0.4", "0.5")
_FIRST_AXES = "tczyx"  # up to 0.2
_LETTERS = {"time": "t", "channel": "c"}


@dataclass(frozen=True)
class Level:
    """An array of the pyramid.

    Attributes:
        path: of the array in the group.
        scale: step along each axis; empty: not stated.
        translation: of the center of the first pixel, along each axis.
    """

    path: str
    scale: tuple[float, ...]
    translation: tuple[float, ...]


@dataclass(frozen=True)
class Multiscale:
    """A multiscale image.

    Attributes:
        axes: a name each, `"t"` and `"c"` by their type whatever their name is.
        units: of the axes, as OME-Zarr spells them; empty: not stated.
        levels: the finest first.
        channels: their names; empty: not stated.
    """

    axes: tuple[str, ...]
    units: tuple[str, ...]
    levels: tuple[Level, ...]
    channels: tuple[str, ...]


def multiscale_of(attributes: Mapping[str, Any], name: str) -> Multiscale:
    """The first multiscale image of a group.

    Args:
        attributes: of OME-Zarr.
        name: of the image, for errors.

    Raises:
        DataError: they are invalid, of another version, or lead out of the group.
    """
    try:
        return _multiscale(attributes)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{name} cannot be read: its metadata of OME-Zarr are invalid: {error}") from error


def _multiscale(attributes: Mapping[str, Any]) -> Multiscale:
    scales = attributes["multiscales"][0]
    version = scales.get("version", attributes.get("version", _READ[-1]))
    if version not in _READ:
        raise ValueError(f"their version is {version}, and up to {_READ[-1]} are read")
    axes = [axis if isinstance(axis, dict) else {"name": axis} for axis in scales.get("axes", _FIRST_AXES)]
    names = tuple(_LETTERS.get(axis.get("type", ""), str(axis["name"]).lower()) for axis in axes)
    if len(set(names)) < len(names) or not {"y", "x"} <= set(names):
        raise ValueError(f"the axes {', '.join(names)} are not y and x with perhaps t, c and z")
    after = scales.get("coordinateTransformations", ())
    levels = tuple(_level(dataset, after, len(names)) for dataset in scales["datasets"])
    if not levels:
        raise ValueError("there are no datasets")
    return Multiscale(names, tuple(str(axis.get("unit") or "") for axis in axes), levels, _channels(attributes))


def _level(dataset: Mapping[str, Any], after: Sequence[Any], count: int) -> Level:
    path = PurePosixPath(str(dataset["path"]))
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError(f"the path {str(path)!r} leads out of the image")
    transformations = [*dataset.get("coordinateTransformations", ()), *after]
    scale, translation = _combined(transformations, count)
    return Level(str(path), scale if transformations else (), translation)


def _combined(transformations: Iterable[Mapping[str, Any]], count: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The scale and the translation of transformations one after the other."""
    scale, translation = [1.0] * count, [0.0] * count
    for transformation in transformations:
        match transformation["type"]:
            case "scale":
                factors = _numbers(transformation["scale"], count)
                if min(factors) <= 0:
                    raise ValueError(f"the scale {factors} is not above 0")
                scale = [a * b for a, b in zip(scale, factors, strict=True)]
                translation = [a * b for a, b in zip(translation, factors, strict=True)]
            case "translation":
                shifts = _numbers(transformation["translation"], count)
                translation = [a + b for a, b in zip(translation, shifts, strict=True)]
            case kind if kind != "identity":
                raise ValueError(f"the transformation {kind!r} is neither scale nor translation")
    return tuple(scale), tuple(translation)


def _numbers(values: Sequence[Any], count: int) -> list[float]:
    numbers = [float(value) for value in values]
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{numbers} are not {count} finite numbers, one for each axis")
    return numbers


def _channels(attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """The labels of omero's channels; empty unless all have one."""
    channels = (attributes.get("omero") or {}).get("channels") or ()
    labels = [channel.get("label") for channel in channels]
    return tuple(map(str, labels)) if all(labels) else ()
