"""NIfTI, versions 1 and 2, in one file: `.nii` and `.nii.gz`."""

import gzip
import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np

from unetzoo import DataError, Grid, Raster
from unetzoo.data.formats import Content, Key, ResultArray
from unetzoo_medical.scaling import Scaling, scaling_of
from unetzoo_medical.space import affine_of, body_grid, steps_grid, steps_of
from unetzoo_medical.voxels import Stored, inflate, planes, reader, values_of

_GZIP = b"\x1f\x8b"
_SIZES = {348: "Nifti1Header", 540: "Nifti2Header"}  # bytes of the header
_MAGIC = (b"n+1", b"n+2")
_UNITS = {1: "m", 2: "mm", 3: "um"}
_OF_SPACE = 7  # bits of the units
_PIXDIMS = 4  # that are of space, with the handedness before them
_PLACE = (
    *("qform_code", "quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z"),
    *("sform_code", "srow_x", "srow_y", "srow_z", "dim_info"),
)
_SCANNER = 1  # code of the coordinates of a scanner
_LONGEST = 2**15 - 1  # axis of version 1
_SHEAR = 1e-5  # cosine between axes, above which a rotation does not tell where voxels lie


@contextmanager
def open_nifti(content: Content) -> Iterator[Raster]:
    """A volume (d, h, w, c): slices, rows and columns are the file's third, second and first axis.

    The fourth axis is that of the channels, such as the sequences of a scan, in a mask that of the classes; further
    axes must have one element.

    Raises:
        DataError: the header is invalid, the file is shorter than it says, or voxels are not numbers.
    """
    content.stream.seek(0)
    is_compressed = content.stream.read(2) == _GZIP
    header = _header(content, is_compressed=is_compressed)
    size, channels = _shape(header, content)
    stored = Stored(
        size=size,
        dtype=_dtype(header, content.name),
        channels=channels,
        offset=int(header.get_data_offset()),
        compressed_from=0 if is_compressed else None,
    )
    read, scaling = reader(content, stored), _scaling(header, stored.dtype)
    yield Raster(
        shape=(*size[::-1], channels),
        dtype=scaling.dtype,
        read=lambda window: scaling.apply(read(window)),
        grid=_grid(header, content.name),
        block=stored.block,
        doubt=f"its {channels} volumes (the fourth axis) are taken for channels" if channels > 1 else "",
    )


def _header(content: Content, *, is_compressed: bool) -> Any:  # noqa: ANN401 - nibabel's types say little
    """The header, as nibabel checks it."""
    import nibabel
    from nibabel.imageglobals import LoggingOutputSuppressor

    def beginning_of(count: int) -> bytes:
        content.stream.seek(0)
        return bytes(inflate(content.stream, 0, count)) if is_compressed else content.stream.read(count)

    beginning = beginning_of(4)
    orders: tuple[Literal["little", "big"], ...] = ("little", "big")
    order = next((order for order in orders if int.from_bytes(beginning, order) in _SIZES), None)
    size = int.from_bytes(beginning, order) if order else 0
    if not order or len(beginning_of(size)) < size:
        raise DataError(f"{content.name} cannot be read: its content is not NIfTI")
    with LoggingOutputSuppressor():
        header = getattr(nibabel, _SIZES[size])(beginning_of(size))
    if bytes(header["magic"])[:3] not in _MAGIC:
        raise DataError(f"{content.name} cannot be read: its voxels lie in another file (.img); store both as one .nii")
    return header


def _shape(header: Any, content: Content) -> tuple[tuple[int, int, int], int]:  # noqa: ANN401 - see above
    """Numbers of voxels along x, y and z, and of channels."""
    lengths = [int(length) for length in header.get_data_shape()]
    x, y, z, *others = (*lengths, *[1] * (3 - len(lengths)))
    channels = math.prod(others)
    if len([length for length in others if length > 1]) > 1:
        raise DataError(
            f"{content.name} has the axes {tuple(lengths)}; only three of space and one of channels are read"
        )
    return (x, y, z), channels


def _dtype(header: Any, name: str) -> np.dtype[Any]:  # noqa: ANN401 - see above
    dtype: np.dtype[Any] = header.get_data_dtype()
    if dtype.kind not in "iuf":
        content = f"colors ({''.join(dtype.names)})" if dtype.names else str(dtype)
        raise DataError(f"{name}: voxels must be numbers, but these are {content}; store channels along a fourth axis")
    return dtype


def _scaling(header: Any, dtype: np.dtype[Any]) -> Scaling:  # noqa: ANN401 - see above
    slope, intercept = header.get_slope_inter()
    return scaling_of(dtype, 1.0 if slope is None else float(slope), float(intercept or 0.0))


def _grid(header: Any, name: str) -> Grid:  # noqa: ANN401 - see above
    """By the sform if it has a code, else by the qform if that has one; without codes the steps alone."""
    unit = _UNITS.get(int(header["xyzt_units"]) & _OF_SPACE, "")
    keys = tuple(_keys(header))
    if int(header["sform_code"]) > 0:
        return body_grid(header.get_sform(), name=name, unit=unit, keys=keys)
    if int(header["qform_code"]) > 0:
        return body_grid(header.get_qform(), name=name, unit=unit, keys=keys)
    return steps_grid(header["pixdim"][1:_PIXDIMS].tolist(), unit=unit, keys=keys)


def _keys(header: Any) -> Iterator[Key]:  # noqa: ANN401 - see above
    """The fields that say where the voxels lie."""
    yield Key("nifti", "pixdim", tuple(header["pixdim"][:_PIXDIMS].tolist()))
    yield Key("nifti", "xyzt_units", int(header["xyzt_units"]) & _OF_SPACE)
    for name in _PLACE:
        value = header[name].tolist()
        yield Key("nifti", name, tuple(value) if isinstance(value, list) else value)


def write_nifti(path: Path, result: ResultArray) -> None:
    """Write a result: planes along the fourth axis; the place, its codes and units are those of the source."""
    with path.open("wb") as file:
        _write(file, result)


def write_compressed_nifti(path: Path, result: ResultArray) -> None:
    """As `write_nifti`, compressed; equal results give equal files."""
    with path.open("wb") as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as compressed:
        _write(compressed, result)


def _write(file: IO[bytes] | gzip.GzipFile, result: ResultArray) -> None:
    import nibabel

    values = values_of(result)
    kind: Any = nibabel.Nifti2Header if max(values.shape) > _LONGEST else nibabel.Nifti1Header
    header = kind(endianness="<")
    header.set_data_dtype(values.dtype)
    header.set_data_shape(values.shape)
    _place(header, result.grid)
    head = io.BytesIO()
    header["vox_offset"] = -(-(header.single_vox_offset) // 16) * 16
    header["magic"] = header.single_magic
    header.write_to(head)
    file.write(head.getvalue().ljust(int(header["vox_offset"]), b"\0"))
    for plane in planes(values):
        file.write(plane)


def _place(header: Any, grid: Grid) -> None:  # noqa: ANN401 - see above
    """Say in the header where the voxels lie: in the words of a NIfTI source, or by the affine."""
    fields = {str(key.name): key.value for key in grid.keys if key.format == "nifti"}
    if fields:
        header["pixdim"][:_PIXDIMS] = fields.pop("pixdim")
        for name, value in fields.items():
            header[name] = value
        return
    unit = grid.axes[-1].unit if grid.axes else ""
    header["xyzt_units"] = next((code for code, known in _UNITS.items() if known == unit), 0)
    header["pixdim"][1:_PIXDIMS] = steps_of(grid)
    if (affine := affine_of(grid)) is None:
        return
    header.set_sform(affine, code=_SCANNER)
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    if abs(directions.T @ directions - np.eye(3)).max() < _SHEAR:
        header.set_qform(affine, code=_SCANNER)
