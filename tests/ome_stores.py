"""Stores of OME-Zarr, written by zarr alone."""

import numpy as np
import zarr

UNIT = "micrometer"


def axis(letter):
    kind = {"t": "time", "c": "channel"}.get(letter, "space")
    return {"name": letter, "type": kind} | ({"unit": UNIT} if kind == "space" else {})


def scaling(*steps):
    return {"type": "scale", "scale": [*steps]}


def moving(*shifts):
    return {"type": "translation", "translation": [*shifts]}


def write_store(path, levels, multiscale, version="0.5", chunks=None, **attributes):
    """A group with the arrays of a pyramid."""
    zarr_format = 3 if version == "0.5" else 2
    group = zarr.create_group(path, zarr_format=zarr_format)
    for number, values in enumerate(levels):
        name = {"name": "default" if zarr_format == 3 else "v2", "separator": "/"}
        shape = {"shape": values.shape, "dtype": values.dtype, "chunks": chunks or values.shape}
        group.create_array(str(number), **shape, chunk_key_encoding=name)[...] = values
    if version == "0.5":
        group.attrs["ome"] = {"version": version, "multiscales": [multiscale], **attributes}
    else:
        group.attrs.update({"multiscales": [{"version": version, **multiscale}], **attributes})
    return path


def write_image(path, values, letters, steps=None, version="0.5", chunks=None, **attributes):
    """An image of one level."""
    datasets = [{"path": "0", "coordinateTransformations": [scaling(*(steps or [1] * len(letters)))]}]
    multiscale = {"axes": [axis(letter) for letter in letters], "datasets": datasets}
    return write_store(path, [values], multiscale, version, chunks, **attributes)


def noise(*shape, dtype="uint16"):
    return np.random.default_rng(0).integers(0, 250, shape).astype(dtype)
