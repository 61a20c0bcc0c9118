"""Rasters that formats give, checked, and errors of their readers with the names of file, format and plugin."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.grid import Grid
from unetzoo.data.formats.raster import Raster, Window
from unetzoo.data.formats.table import plugin_of, say_format
from unetzoo.data.masks.forms import Marks
from unetzoo.errors import DataError, PluginError, UnetzooError, describe_error
from unetzoo.specs import FormatSpec

_TYPES: dict[str, type] = {
    "shape": tuple,
    "dtype": np.dtype,
    "grid": Grid,
    "block": tuple,
    "levels": tuple,
    "orientation": int,
    "marks": Marks,
    "doubt": str,
}
_GRID_TYPES: dict[str, type] = {
    "axes": tuple,
    "affine": tuple,
    "crs": str,
    "nodata": tuple,
    "bands": tuple,
    "keys": tuple,
}


@contextmanager
def explained(name: str, spec: FormatSpec) -> Iterator[None]:
    """Raise DataError for whatever the reader of a format raises, but for errors of the project.

    Args:
        name: of the image.
        spec: of its format.
    """
    try:
        yield
    except UnetzooError:
        raise
    except Exception as error:  # the readers raise nearly anything for a damaged file
        raise DataError(f"{name} cannot be read{_by(spec)}: {describe_error(error)}") from error


def sound(raster: Any, name: str, spec: FormatSpec) -> Raster:  # noqa: ANN401 - whatever a plugin gives
    """What a format gives, if it is a sound raster; its `read` raises DataError where it fails, or gives other pixels.

    Args:
        raster: to check, with its levels.
        name: of the image.
        spec: of its format.

    Raises:
        PluginError: it is not a `Raster`, or has attributes of a wrong type.
        DataError: it is not an image (h, w, c) or a volume (d, h, w, c) of numbers.
    """
    if not isinstance(raster, Raster):
        raise PluginError(f"{name}: its {say_format(spec)} must give a Raster, but gives {raster!r}")
    _check_types("Raster", raster, _TYPES, name, spec)
    _check_types("Grid", raster.grid, _GRID_TYPES, name, spec)
    if len(raster.shape) not in (3, 4) or min(raster.shape) < 1:
        raise DataError(f"{name}: an image must be (h, w) or (h, w, channels), but this is {tuple(raster.shape)}")
    if raster.dtype.kind not in "buif":
        raise DataError(f"{name}: pixels must be numbers, but these are {raster.dtype}")

    def read(window: Window) -> NDArray[Any]:
        expected = (*(part.stop - part.start for part in window), raster.shape[-1])
        with explained(name, spec):
            pixels = raster.read(window)
            if pixels.shape != expected or pixels.dtype != raster.dtype:
                stored, announced = f"{pixels.dtype} {pixels.shape}", f"{raster.dtype} {expected}"
                raise DataError(f"{name} cannot be read{_by(spec)}: it has {stored} where it announces {announced}")
        return pixels

    return replace(raster, read=read, levels=tuple(sound(level, name, spec) for level in raster.levels))


def _check_types(what: str, item: Raster | Grid, types: dict[str, type], name: str, spec: FormatSpec) -> None:
    for attribute, expected in types.items():
        if not isinstance(value := getattr(item, attribute), expected):
            raise PluginError(
                f"{name}: its {say_format(spec)} gives a {what} whose {attribute} must be a {expected.__name__}, but "
                f"is {value!r}"
            )


def _by(spec: FormatSpec) -> str:
    """Who cannot read it, if that is a plugin: built-in formats fail because of the file."""
    return f" by {say_format(spec)}" if plugin_of(spec) else ""
