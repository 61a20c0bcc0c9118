"""MetaImage, as ITK writes it: `.mha`, and `.mhd` with its voxels in a file beside it."""

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from unetzoo import DataError, Grid, Raster
from unetzoo.data.formats import Content, ResultArray
from unetzoo_medical.space import LPS_TO_RAS, affine_of, body_grid, steps_grid, steps_of
from unetzoo_medical.voxels import Stored, planes, reader, values_of

_LONGEST_HEADER = 2**16  # bytes
_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_NAMES = {code: name for name, code in _TYPES.items()}
_HERE = "LOCAL"
_LAST = b"ElementDataFile"  # the field after which the voxels begin
_SAME = {  # names of a field in older files
    "TransformMatrix": ("TransformMatrix", "Rotation", "Orientation"),
    "Offset": ("Offset", "Position", "Origin"),
    "ElementSpacing": ("ElementSpacing", "ElementSize"),
    "BinaryDataByteOrderMSB": ("BinaryDataByteOrderMSB", "ElementByteOrderMSB"),
}


@contextmanager
def open_metaimage(content: Content) -> Iterator[Raster]:
    """A volume (d, h, w, c): slices, rows and columns are the file's third, second and first axis.

    Raises:
        DataError: the header is invalid, the file is shorter than it says, or its voxels lie neither in it nor in one
            file beside it.
    """
    header, beginning = _header(content)
    sizes = [int(size) for size in header["DimSize"].split()]
    if len(sizes) not in (2, 3):
        raise DataError(f"{content.name} has {len(sizes)} axes; two or three of space are read")
    x, y, z = (*sizes, *[1] * (3 - len(sizes)))
    is_compressed = _is_true(header, "CompressedData")
    with _voxels(content, header["ElementDataFile"]) as (voxels, is_here):
        start = beginning if is_here else 0
        stored = Stored(
            size=(x, y, z),
            dtype=_dtype(header, content.name),
            channels=int(header.get("ElementNumberOfChannels", 1)),
            interleaved=True,
            offset=0 if is_compressed else start,
            compressed_from=start if is_compressed else None,
        )
        read = reader(voxels, stored)
        native = stored.dtype.newbyteorder("=")
        yield Raster(
            shape=(z, y, x, stored.channels),
            dtype=native,
            read=lambda window: read(window).astype(native, copy=False),
            grid=_grid(header, len(sizes), content.name),
            block=stored.block,
        )


def _header(content: Content) -> tuple[Mapping[str, str], int]:
    """The fields, and where the voxels begin if they follow."""
    content.stream.seek(0)
    beginning = content.stream.read(_LONGEST_HEADER)
    at = beginning.find(b"\n", max(0, beginning.find(_LAST)))
    at = len(beginning) if at < 0 else at
    lines = beginning[:at].decode("latin-1").splitlines()
    fields = {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in lines)}
    if missing := [name for name in ("NDims", "DimSize", "ElementType", "ElementDataFile") if name not in fields]:
        raise DataError(f"{content.name} cannot be read: its header of MetaImage lacks {', '.join(missing)}")
    if fields.get("HeaderSize", "0") != "0" or not _is_true(fields, "BinaryData", default="True"):
        raise DataError(f"{content.name} cannot be read: its voxels must be binary, and follow its header at once")
    return fields, at + 1


def _is_true(header: Mapping[str, str], name: str, *, default: str = "False") -> bool:
    return _value(header, name, default).lower() in ("true", "1")


def _value(header: Mapping[str, str], name: str, default: str) -> str:
    return next((header[same] for same in _SAME.get(name, (name,)) if same in header), default)


def _dtype(header: Mapping[str, str], name: str) -> np.dtype[Any]:
    code = _TYPES.get(header["ElementType"].removesuffix("_ARRAY"))
    if code is None:
        raise DataError(f"{name}: voxels must be numbers of up to 32 bits or double, not {header['ElementType']}")
    return np.dtype(code).newbyteorder(">" if _is_true(header, "BinaryDataByteOrderMSB") else "<")


@contextmanager
def _voxels(content: Content, place: str) -> Iterator[tuple[Content, bool]]:
    """What holds the voxels: the file itself, or one beside it; and whether it is the file itself."""
    if place.upper() == _HERE:
        yield content, True
        return
    path = content.file().parent / place
    if path.name != place or not path.is_file():
        raise DataError(f"{content.name} says that its voxels lie in {place!r}; there is no such file beside it")
    with path.open("rb") as stream:
        yield replace(content, stream=stream, size=path.stat().st_size, name=str(path), path=path), False


def _grid(header: Mapping[str, str], axes: int, name: str) -> Grid:
    steps = _numbers(header, "ElementSpacing", [1.0] * axes)
    if axes < 3:
        return steps_grid([*steps, 1.0], unit="mm")
    directions = np.reshape(_numbers(header, "TransformMatrix", np.eye(3).ravel().tolist()), (3, 3))
    affine = np.eye(4)
    affine[:3, :3] = directions.T * steps
    affine[:3, 3] = _numbers(header, "Offset", [0.0] * 3)
    return body_grid(LPS_TO_RAS @ affine, name=name)


def _numbers(header: Mapping[str, str], name: str, default: list[float]) -> list[float]:
    numbers = [float(number) for number in _value(header, name, "").split()]
    return numbers or default


def write_metaimage(path: Path, result: ResultArray) -> None:
    """Write a result, compressed; planes are the channels of each voxel."""
    values = values_of(result)
    channels = values.shape[3] if values.ndim == 4 else 1
    compressor = zlib.compressobj(6)
    parts = [compressor.compress(plane) for plane in planes(np.moveaxis(values, 3, 0) if values.ndim == 4 else values)]
    content = b"".join([*parts, compressor.flush()])
    lines = [
        "ObjectType = Image",
        "NDims = 3",
        "BinaryData = True",
        "BinaryDataByteOrderMSB = False",
        "CompressedData = True",
        f"CompressedDataSize = {len(content)}",
        *_place(result.grid),
        f"DimSize = {' '.join(map(str, values.shape[:3]))}",
        f"ElementNumberOfChannels = {channels}",
        f"ElementType = {_NAMES[values.dtype.str[1:]]}",
        f"ElementDataFile = {_HERE}",
    ]
    path.write_bytes("\n".join([*lines, ""]).encode("ascii") + content)


def _place(grid: Grid) -> Iterator[str]:
    """Lines of the header that say where the voxels lie."""
    affine = affine_of(grid)
    if affine is None:
        yield f"ElementSpacing = {_text(steps_of(grid))}"
        return
    affine = LPS_TO_RAS @ affine
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    yield f"TransformMatrix = {_text((affine[:3, :3] / steps).T.ravel())}"
    yield f"Offset = {_text(affine[:3, 3])}"
    yield f"ElementSpacing = {_text(steps)}"


def _text(numbers: Any) -> str:  # noqa: ANN401 - any floats
    return " ".join(repr(float(number)) for number in numbers)
