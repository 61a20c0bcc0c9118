"""Small volumes with two channels, on which the contract of formats is checked."""

from pathlib import Path
from typing import Any

import numpy as np
import zarr


def example_ome_zarr(folder: Path) -> Path:
    """A volume of OME-Zarr 0.5 whose steps differ and whose first voxel is not at 0."""
    path = folder / "a.ome.zarr"
    values = np.random.default_rng(0).integers(0, 4000, (1, 2, 2, 20, 14)).astype(np.uint16)
    group = zarr.create_group(path, zarr_format=3)
    for name, pixels in (("0", values), ("1", values[..., ::2, ::2])):
        array = group.create_array(name, shape=pixels.shape, dtype=pixels.dtype, chunks=(1, 1, 2, 16, 8))
        array[...] = pixels
    group.attrs["ome"] = {"version": "0.5", **example_metadata()}
    return path


def example_czi(folder: Path) -> Path:
    """A volume of CZI in two tiles a plane, whose steps differ and whose first voxel is not at 0."""
    from pylibCZIrw import czi

    path = folder / "a.czi"
    values = np.random.default_rng(0).integers(0, 4000, (2, 3, 20, 30, 1)).astype(np.uint16)
    with czi.create_czi(str(path), compression_options="zstd1:") as file:
        for channel, number in np.ndindex(values.shape[:2]):
            for left, right in ((0, 18), (18, 30)):
                tile = values[channel, number, :, left:right]
                file.write(tile, location=(left - 7, 5), plane={"C": channel, "Z": number, "T": 0})
        file.write_metadata("a", {0: "DAPI", 1: "GFP"}, scale_x=0.25e-6, scale_y=0.5e-6, scale_z=2.5e-6)
    return path


def example_metadata() -> dict[str, Any]:
    """The metadata of the example, of 0.4 and 0.5 alike."""
    space = [{"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"]
    axes = [{"name": "t", "type": "time"}, {"name": "c", "type": "channel"}, *space]
    datasets = [
        {
            "path": path,
            "coordinateTransformations": [
                {"type": "scale", "scale": [1, 1, 2.5, 0.5 * factor, 0.25 * factor]},
                {"type": "translation", "translation": [0, 0, 10, -3, 7.5]},
            ],
        }
        for path, factor in (("0", 1), ("1", 2))
    ]
    channels = [{"label": label, "color": "FFFFFF"} for label in ("DAPI", "GFP")]
    return {"multiscales": [{"axes": axes, "datasets": datasets}], "omero": {"channels": channels}}
