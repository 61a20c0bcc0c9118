"""NRRD with its voxels in the same file: `.nrrd`."""

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo import DataError, Grid, Raster
from unetzoo.data.formats import Content, Key, ResultArray
from unetzoo_medical.space import LPS_TO_RAS, affine_of, body_grid, steps_grid, steps_of
from unetzoo_medical.voxels import Stored, planes, reader, values_of

_LONGEST_HEADER = 2**20  # bytes
_TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "f4": ("float",),
    "f8": ("double",),
}
_CODES = {name: code for code, names in _TYPES.items() for name in names}
_TO_RAS = {
    "right-anterior-superior": np.eye(4),
    "left-posterior-superior": LPS_TO_RAS,
    "left-anterior-superior": np.diag([-1.0, 1.0, 1.0, 1.0]),
}
_SHORT = {"ras": "right-anterior-superior", "lps": "left-posterior-superior", "las": "left-anterior-superior"}
_RAS = "right-anterior-superior"
_IN_SPACE = ("domain", "space")  # kinds of axes


@contextmanager
def open_nrrd(content: Content) -> Iterator[Raster]:
    """A volume (d, h, w, c): slices, rows and columns are the file's third, second and first axis of space.

    An axis without a direction, the first or the last, is that of the channels.

    Raises:
        DataError: the header is invalid, the file is shorter than it says, its voxels lie in another file or are stored
            as text, or it has further axes.
    """
    header, beginning = _header(content)
    name = content.name
    sizes = [int(size) for size in header["sizes"]]
    channel = _channel_axis(header, len(sizes), name)
    channels = 1 if channel is None else sizes.pop(channel)
    x, y, z = (*sizes, *[1] * (3 - len(sizes)))
    is_compressed = header["encoding"] in ("gzip", "gz")
    stored = Stored(
        size=(x, y, z),
        dtype=_dtype(header, name),
        channels=channels,
        interleaved=channel == 0,
        offset=0 if is_compressed else beginning,
        compressed_from=beginning if is_compressed else None,
    )
    read = reader(content, stored)
    native = stored.dtype.newbyteorder("=")
    yield Raster(
        shape=(z, y, x, channels),
        dtype=native,
        read=lambda window: read(window).astype(native, copy=False),
        grid=_grid(header, channel, name),
        block=stored.block,
    )


def _header(content: Content) -> tuple[Mapping[str, Any], int]:
    """The fields, and where the voxels begin."""
    import nrrd

    content.stream.seek(0)
    beginning = content.stream.read(_LONGEST_HEADER)
    ends = [(beginning.find(end), end) for end in (b"\n\n", b"\r\n\r\n") if end in beginning]
    if not beginning.startswith(b"NRRD") or not ends:
        raise DataError(f"{content.name} cannot be read: it has no header of NRRD")
    at, end = min(ends)
    header = nrrd.read_header(iter(beginning[:at].splitlines(keepends=True)))
    if missing := [field for field in ("type", "dimension", "sizes", "encoding") if field not in header]:
        raise DataError(f"{content.name} cannot be read: its header lacks {', '.join(missing)}")
    if len(header["sizes"]) != header["dimension"]:
        raise DataError(f"{content.name} cannot be read: sizes and dimension differ in its header")
    _check_place(header, content.name)
    return header, at + len(end)


def _check_place(header: Mapping[str, Any], name: str) -> None:
    """Raise DataError unless voxels follow the header at once, raw or as gzip has compressed them."""
    if "data file" in header or "datafile" in header:
        raise DataError(f"{name} cannot be read: its voxels lie in another file; store both as one .nrrd")
    if header["encoding"] not in ("raw", "gzip", "gz"):
        raise DataError(f"{name} cannot be read: its encoding is {header['encoding']}; store it as raw or gzip")
    skips = [header.get(field, 0) for field in ("line skip", "lineskip", "byte skip", "byteskip")]
    if any(skips):
        raise DataError(f"{name} cannot be read: its header skips lines or bytes; store it without them")


def _dtype(header: Mapping[str, Any], name: str) -> np.dtype[Any]:
    code = _CODES.get(header["type"])
    if code is None:
        raise DataError(f"{name}: voxels must be numbers of up to 32 bits or double, but these are {header['type']}")
    return np.dtype(code).newbyteorder(">" if header.get("endian") == "big" else "<")


def _channel_axis(header: Mapping[str, Any], axes: int, name: str) -> int | None:
    """The number of the axis that is not of space; None: there is none."""
    others = [axis for axis in range(axes) if not _is_of_space(header, axis)]
    if axes - len(others) not in (2, 3) or others not in ([], [0], [axes - 1]):
        raise DataError(
            f"{name} has {axes} axes, and {axes - len(others)} of space by its header; read are two or three, with one "
            "of channels before or after them"
        )
    return others[0] if others else None


def _is_of_space(header: Mapping[str, Any], axis: int) -> bool:
    if (directions := header.get("space directions")) is not None:
        return not np.isnan(np.asarray(directions[axis], float)).any() if directions[axis] is not None else False
    kinds = header.get("kinds")
    return kinds is None or kinds[axis].lower() in _IN_SPACE


def _grid(header: Mapping[str, Any], channel: int | None, name: str) -> Grid:
    """By directions and origin, if they are of the body; else the steps alone."""
    unit = _unit(header)
    directions = header.get("space directions")
    if directions is None:
        steps = [step for axis, step in enumerate(header.get("spacings", ())) if axis != channel]
        return steps_grid([*steps, 1.0, 1.0, 1.0][:3], unit=unit)
    rows = np.array([row for axis, row in enumerate(directions) if axis != channel], float)
    space = str(header.get("space", "")).lower()
    space = _SHORT.get(space, space)
    if space not in _TO_RAS or rows.shape != (3, 3):
        return steps_grid([*np.linalg.norm(rows, axis=1), 1.0][:3], unit=unit)
    affine = np.eye(4)
    affine[:3, :3] = rows.T
    affine[:3, 3] = header.get("space origin", (0, 0, 0))
    return body_grid(_TO_RAS[space] @ affine, name=name, unit=unit, keys=[Key("nrrd", "space", space)])


def _unit(header: Mapping[str, Any]) -> str:
    """Of all axes; millimeters where a space of the body has none, as Slicer writes it; empty: they differ."""
    units = set(header.get("space units", header.get("units", ()))) - {"", "none"}
    if not units:
        return "mm" if "space" in header else ""
    return units.pop() if len(units) == 1 else ""


def write_nrrd(path: Path, result: ResultArray) -> None:
    """Write a result, compressed; planes along the fourth axis; in the coordinates of an NRRD source, else RAS."""
    values = values_of(result)
    lines = [
        "NRRD0004",
        f"type: {_TYPES[values.dtype.str[1:]][-1]}",
        f"dimension: {values.ndim}",
        *_place(result.grid, has_channels=values.ndim == 4),
        f"sizes: {' '.join(map(str, values.shape))}",
        f"kinds: {' '.join(['domain'] * 3 + ['list'] * (values.ndim - 3))}",
        "endian: little",
        "encoding: gzip",
    ]
    compressor = zlib.compressobj(6, wbits=31)
    with path.open("wb") as file:
        file.write("\n".join([*lines, "", ""]).encode("ascii"))
        for plane in planes(values):
            file.write(compressor.compress(plane))
        file.write(compressor.flush())


def _place(grid: Grid, *, has_channels: bool) -> Iterator[str]:
    """Lines of the header that say where the voxels lie."""
    affine = affine_of(grid)
    if affine is None:
        yield f"spacings: {' '.join(map(repr, steps_of(grid)))}{' nan' * has_channels}"
        return
    space = next((str(key.value) for key in grid.keys if (key.format, key.name) == ("nrrd", "space")), _RAS)
    affine = _TO_RAS[space] @ affine  # each is its own inverse
    yield f"space: {space}"
    yield f"space directions: {' '.join(map(_vector, affine[:3, :3].T))}{' none' * has_channels}"
    if unit := grid.axes[-1].unit:
        yield "space units: " + " ".join([f'"{unit}"'] * 3)
    yield f"space origin: {_vector(affine[:3, 3])}"


def _vector(numbers: NDArray[Any]) -> str:
    return f"({','.join(repr(float(number)) for number in numbers)})"
