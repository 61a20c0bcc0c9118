"""A sound format, and for each rule of the battery one that breaks it."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np

import unetzoo
from unetzoo.data.formats import Axis

_HEADER = 7  # height, width, channels, levels; two steps in a unit; letter of the type
_MANY = []


def _write(path, array, steps=(0.0, 0.0), levels=()):
    header = [
        *array.shape,
        len(levels),
        *steps,
        "BHIf".index({1: "B", 2: "H"}.get(array.dtype.itemsize, array.dtype.char)),
    ]
    np.array(header, np.float64).tofile(path)
    with path.open("ab") as file:
        file.write(np.ascontiguousarray(array).tobytes())


def write_sound(path, result):
    blocks = [block for _, block in result.blocks(8)]
    array = np.concatenate(blocks, -2)
    array = array[..., None] if array.ndim == 2 else np.moveaxis(array, 0, -1)
    _write(path, array, [axis.step for axis in result.grid.axes] or (0.0, 0.0))


@contextmanager
def open_sound(content):
    with content.path.open("rb") as file:
        header = np.fromfile(file, np.float64, _HEADER)
        pixels = np.frombuffer(file.read(), "BHIf"[int(header[6])]).reshape(header[:3].astype(int))
    yield _raster(pixels, header)


def _raster(pixels, header):
    grid = unetzoo.Grid(axes=(Axis("y", header[4], "um"), Axis("x", header[5], "um")))
    coarse = pixels[::2, ::2]
    level = unetzoo.Raster(shape=coarse.shape, dtype=pixels.dtype, read=lambda window: coarse[window])
    return unetzoo.Raster(
        shape=pixels.shape, dtype=pixels.dtype, read=lambda window: pixels[window], grid=grid, levels=(level,)
    )


def write_example(folder):
    _write(folder / "example.raw", np.arange(48 * 30 * 2, dtype=np.uint16).reshape(48, 30, 2), (0.5, 0.25))
    return folder / "example.raw"


Sound = unetzoo.FormatSpec(
    name="raw",
    endings=(".raw",),
    open=open_sound,
    create=write_sound,
    summary="a header and bytes",
    example=write_example,
    stores=("arrays", "grid"),
)


def _opened(change):
    """The sound format with another raster."""

    @contextmanager
    def open_changed(content):
        with open_sound(content) as raster:
            yield change(raster)

    return replace(Sound, open=open_changed)


def _shifted(raster):
    def read(window):
        pixels = raster.read(window)
        return pixels if window == raster.whole else pixels[::-1]

    return replace(raster, read=read)


@contextmanager
def _leaking(content):
    _MANY.append(content.path.open("rb"))
    with open_sound(content) as raster:
        yield raster


@contextmanager
def _padding(content):
    with content.path.open("rb") as file:
        header = np.frombuffer(file.read(8 * _HEADER).ljust(8 * _HEADER, b"\0"), np.float64)
        shape = header[:3].astype(int)
        dtype = np.dtype("BHIf"[int(header[6])])
        pixels = np.frombuffer(file.read().ljust(shape.prod() * dtype.itemsize, b"\0"), dtype).reshape(shape)
    yield _raster(pixels, header)


def _write_bytes(path, result):
    array = np.concatenate([block for _, block in result.blocks()], -2)
    _write(path, (array[..., None] if array.ndim == 2 else np.moveaxis(array, 0, -1)).astype(np.uint8))


def _write_without_steps(path, result):
    array = np.concatenate([block for _, block in result.blocks()], -2)
    _write(path, array[..., None] if array.ndim == 2 else np.moveaxis(array, 0, -1))


def _write_half(path, result):
    try:
        write_sound(path, result)
    except Exception:
        path.write_bytes(b"")


BREAKERS = {
    "gives_a_raster": _opened(lambda raster: replace(raster, shape=(*raster.shape[:2], raster.shape[2] + 1))),
    "windows_are_parts_of_the_whole": _opened(_shifted),
    "levels_are_coarser": _opened(lambda raster: replace(raster, levels=(*raster.levels, raster))),
    "reading_changes_nothing": replace(Sound, open=_leaking),
    "torn_files_are_refused": replace(Sound, open=_padding),
    "keeps_values": replace(Sound, create=_write_bytes),
    "keeps_the_grid": replace(Sound, create=_write_without_steps),
    "stops_with_an_error": replace(Sound, create=_write_half),
}
