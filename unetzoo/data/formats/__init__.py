"""Files of images and masks: formats give a `Raster` with its `Grid`, and write a `ResultArray`.

A format is one file here, and a line in the table of built-in parts; plugins build theirs upon these names.
"""

from unetzoo.data.formats.content import Content, Known
from unetzoo.data.formats.grid import BODY, NO_GRID, Axis, Grid, Key, coarser, grid_of_transform, transform_of
from unetzoo.data.formats.limits import check_backed, check_memory
from unetzoo.data.formats.places import misplaced_volume
from unetzoo.data.formats.raster import Raster, ResultArray, Window, full_palette, is_whole, planes_of
from unetzoo.data.formats.read import open_raster
from unetzoo.data.formats.zarr import check_zarr
from unetzoo.data.masks.forms import Marks

__all__ = [
    "BODY",
    "NO_GRID",
    "Axis",
    "Content",
    "Grid",
    "Key",
    "Known",
    "Marks",
    "Raster",
    "ResultArray",
    "Window",
    "check_backed",
    "check_memory",
    "check_zarr",
    "coarser",
    "full_palette",
    "grid_of_transform",
    "is_whole",
    "misplaced_volume",
    "open_raster",
    "planes_of",
    "transform_of",
]
