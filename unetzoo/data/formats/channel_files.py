"""Channels of one image in files of their own, as nnU-Net stores them: imagesTr/a_0000.nii.gz, imagesTr/a_0001.nii.gz.

The folder's name makes the rule: elsewhere such numbers may count the frames of a film. The first file stands for the
image, the others belong to it.
"""

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.grid import Grid
from unetzoo.data.formats.orientation import orientation_of
from unetzoo.data.formats.places import corner_distance
from unetzoo.data.formats.raster import Raster, Window
from unetzoo.errors import DataError, describe_error

FOLDERS = ("imagestr", "imagests")
"""The folders of nnU-Net whose files are channels, in lower case."""
DESCRIPTION = "dataset.json"
"""The file beside these folders that names channels and labels."""

_FARTHEST = 1e-3  # of a step, by which the corners of channels may lie apart
_NUMBERED = re.compile(r"(?P<case>.+)_(?P<channel>\d{4})(?P<ending>\.[^/]+)", re.DOTALL)


def image_name(name: str) -> str:
    """The name of an image of such a folder without the number of its first channel, as nnU-Net names its results."""
    return name.removesuffix("_0000")


def channel_files(path: Path) -> tuple[Path, ...]:
    """The files of all channels of an image, the first one first; of an image that is one file this alone."""
    parts = _parts(path)
    if parts is None or int(parts["channel"]):
        return (path,)
    files = [path]
    while (following := _file(path, parts, len(files))).exists():
        files.append(following)
    return tuple(files)


def is_in_channels(path: Path) -> bool:
    """Whether a file is a channel of an image by nnU-Net's rule for names."""
    return _parts(path) is not None


def first_channels(paths: Iterable[Path]) -> list[Path]:
    """The paths without those of further channels of an image.

    Raises:
        DataError: a channel is missing, which other images of its folder have, or which `dataset.json` names.
    """
    kept, channels = list[Path](), defaultdict[Path, dict[Path, set[int]]](lambda: defaultdict(set))
    for path in paths:
        if (parts := _parts(path)) is None:
            kept.append(path)
            continue
        first = _file(path, parts, 0)
        channels[path.parent][first].add(int(parts["channel"]))
        if path == first:
            kept.append(path)
    for folder, images in channels.items():
        _check_channels(folder, images)
    return kept


def _check_channels(folder: Path, images: Mapping[Path, Collection[int]]) -> None:
    """Raise DataError for the first image of a folder that lacks a channel."""
    named = channel_names(folder.parent)
    numbers = set(range(len(named))).union(*images.values())
    for first, present in images.items():
        parts = _parts(first)
        if parts is None or not (absent := sorted(numbers.difference(present))):
            continue
        name = named[absent[0]] if absent[0] < len(named) else ""
        expected = f"{DESCRIPTION} names {len(named)} channels" if name else "other images have this channel"
        raise DataError(
            f"{_file(first, parts, absent[0])} is missing, the channel {name or absent[0]} of {parts['case']}: "
            f"{expected}; add the file, or take the image and its mask out"
        )


def _parts(path: Path) -> re.Match[str] | None:
    return _NUMBERED.fullmatch(path.name) if path.parent.name.lower() in FOLDERS else None


def _file(path: Path, parts: re.Match[str], channel: int) -> Path:
    return path.with_name(f"{parts['case']}_{channel:04d}{parts['ending']}")


def channel_names(folder: Path) -> tuple[str, ...]:
    """The names of the channels by nnU-Net's description of a data set, in their order; empty without one."""
    described = read_description(folder)
    names = described.get("channel_names") or described.get("modality")
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        return ()
    return tuple(names.values())


def is_of_nnunet(folder: Path) -> bool:
    """Whether a folder has images as nnU-Net stores them, so that `dataset.json` beside them is nnU-Net's."""
    return folder.is_dir() and any(child.name.lower() in FOLDERS for child in folder.iterdir())


def read_description(folder: Path) -> dict[str, Any]:
    """What `dataset.json` in a folder says; empty without one, or if it is damaged and not nnU-Net's.

    Raises:
        DataError: that of nnU-Net cannot be read, or is not a JSON object.
    """
    path = folder / DESCRIPTION
    if not path.is_file():
        return {}
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(described, dict):
            return described
        problem = "it is not a JSON object"
    except (OSError, ValueError, RecursionError) as error:
        problem = describe_error(error)
    if is_of_nnunet(folder):
        raise DataError(f"{path}, which describes the data set, cannot be read: {problem}")
    return {}


def joined(rasters: Sequence[Raster], files: Sequence[Path]) -> Raster:
    """One raster with the channels of several, those of the first file first.

    Raises:
        DataError: they have other sizes, lie elsewhere, or differ in what stands for no data.
    """
    first = rasters[0]
    for raster, file in zip(rasters, files, strict=True):
        _check_alike(first, raster, files[0], file)
    counts = [raster.shape[-1] for raster in rasters]
    named = channel_names(files[0].parent.parent)
    bands = named if len(named) == sum(counts) else tuple(name for each in rasters for name in each.grid.bands)
    dtype = np.result_type(*(raster.dtype for raster in rasters))

    def read(window: Window) -> NDArray[Any]:
        parts = [raster.read(window) for raster in rasters]
        join = np.ma.concatenate if any(map(np.ma.isMaskedArray, parts)) else np.concatenate
        pixels: NDArray[Any] = join(parts, axis=-1)
        return pixels.astype(dtype, copy=False)

    return Raster(
        shape=(*first.shape[:-1], sum(counts)),
        dtype=dtype,
        read=read,
        grid=replace(first.grid, bands=bands if len(bands) == sum(counts) else ()),
        block=first.block if all(raster.block == first.block for raster in rasters) else (),
        orientation=first.orientation,
        marks=first.marks,
        is_mapped=all(raster.is_mapped for raster in rasters),
        doubt=next((raster.doubt for raster in rasters if raster.doubt), ""),
    )


def _check_alike(first: Raster, other: Raster, image: Path, channel: Path) -> None:
    """Raise DataError unless the pixels of a channel lie where those of the first one lie."""
    sizes = [" x ".join(map(str, raster.shape[:-1])) for raster in (first, other)]
    if sizes[0] != sizes[1]:
        raise DataError(f"{channel} has {sizes[1]} pixels, the first channel, {image.name}, {sizes[0]}: resample it")
    if other.orientation != first.orientation or other.grid.nodata != first.grid.nodata:
        raise DataError(
            f"{channel} is turned by another orientation tag, or has another value for no data, than the first "
            f"channel, {image.name}: write both alike"
        )
    if apart := _distance(first.grid, other.grid, first.shape[:-1]):
        raise DataError(
            f"{channel} lies up to {apart:.4g} {orientation_of(first.grid).unit} away from the first channel, "
            f"{image.name}, by their headers: resample it, or correct the header that is wrong"
        )


def _distance(first: Grid, other: Grid, shape: tuple[int, ...]) -> float:
    """How far apart two channels lie; 0: not at all, or the files do not say."""
    if not first.affine or len(first.affine) != len(other.affine) or len(first.affine) != len(shape):
        return 0.0
    smallest = min(float(np.linalg.norm(column)) for column in np.array(first.affine, np.float64)[:, :-1].T)
    apart = corner_distance(first, other, shape)
    return apart if apart > _FARTHEST * smallest else 0.0
