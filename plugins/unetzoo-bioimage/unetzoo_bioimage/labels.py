"""A result becomes one of the labels of its image, where viewers look for it."""

import re
import shutil
from pathlib import Path
from typing import Any, Literal

import zarr

from unetzoo import DataError, Raster, UnetzooError
from unetzoo.data.formats import open_raster
from unetzoo_bioimage.multiscales import multiscale_of
from unetzoo_bioimage.stores import image_group, ome_attributes
from unetzoo_bioimage.writing import fill, new_array

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def add_labels(image: Path, result: Path, name: str) -> Path:
    """Copy a label image into the group `labels` of its image, in the version of Zarr of the image.

    Args:
        image: folder of OME-Zarr.
        result: folder of OME-Zarr with ids, of the same rows, columns and slices.
        name: among the labels of the image.

    Returns:
        The folder of the new labels.

    Raises:
        DataError: the result has no ids or another size, the name is invalid or taken, or one cannot be read.
    """
    if not _NAME.fullmatch(name):
        raise DataError(f"invalid name of labels {name!r}: use letters, digits, and any of _ . -")
    with open_raster(image) as pixels, open_raster(result, role="mask") as ids:
        _check(pixels, ids, image, result)
    group = image_group(image, str(image))
    root = image / str(group.path)
    target, draft = root / "labels" / name, root / "labels" / f".{name}.writing"
    if target.exists():
        raise DataError(f"{image} has labels {name!r}; choose another name")
    zarr_format = group.metadata.zarr_format
    labels = zarr.open_group(root / "labels", mode="a", zarr_format=zarr_format)
    shutil.rmtree(draft, ignore_errors=True)
    try:
        _copy(result, draft, zarr_format)
        draft.rename(target)
    except UnetzooError:
        raise
    except Exception as error:  # zarr's own, of many kinds, for damaged chunks
        raise DataError(f"{result} cannot be added to {image}: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    listed = ome_attributes(labels).get("labels", [])
    _put(labels, {"labels": [*listed, name]}, zarr_format)
    return target


def _check(pixels: Raster, ids: Raster, image: Path, result: Path) -> None:
    if ids.dtype.kind not in "iu" or ids.shape[-1] != 1:
        raise DataError(f"{result} has {ids.dtype} in {ids.shape[-1]} channels; labels are ids of one channel")
    if ids.shape[:-1] != pixels.shape[:-1]:
        raise DataError(f"{result} has the size {ids.shape[:-1]}, but {image} has {pixels.shape[:-1]}")


def _copy(result: Path, draft: Path, zarr_format: Literal[2, 3]) -> None:
    source = image_group(result, str(result))
    attributes = ome_attributes(source)
    image = multiscale_of(attributes, str(result))
    group = zarr.create_group(draft, zarr_format=zarr_format)
    for level in image.levels:
        array = source[level.path]
        fill(new_array(group, level.path, array.shape, array.dtype, image.axes, zarr_format), array)
    label = {**attributes.get("image-label", {}), "source": {"image": "../../"}}
    _put(group, {"multiscales": attributes["multiscales"][:1], "image-label": label}, zarr_format)


def _put(group: Any, attributes: dict[str, Any], zarr_format: Literal[2, 3]) -> None:  # noqa: ANN401 - zarr's
    """Set metadata of OME-Zarr: 0.5 in a group of Zarr 3, 0.4 in one of Zarr 2."""
    if zarr_format == 3:
        group.attrs["ome"] = {**ome_attributes(group), "version": "0.5", **attributes}
        return
    for key in attributes.keys() & {"multiscales", "image-label"}:
        value = attributes[key]
        attributes[key] = [{**value[0], "version": "0.4"}] if key == "multiscales" else {**value, "version": "0.4"}
    group.attrs.update(attributes)
