"""Write a finished result as the file that was asked for: whole, or not at all."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.colors import UNKNOWN_COLOR, Colors
from unetzoo._utils.extras import need
from unetzoo.errors import DataError
from unetzoo.inference.files.looks import Look, Shown
from unetzoo.inference.files.partial import PartialResult
from unetzoo.inference.files.records import write_record

_TILE = 512  # pixels, of a TIFF file
_CHUNK = 1024  # pixels, of a Zarr array


def check_target(target: Path, *, probabilities: bool) -> None:
    """Raise DataError unless the ending of `target` says a format that can hold the result, which may take its place.

    A folder is replaced only where it is a Zarr array: a group may hold other arrays.

    Raises:
        MissingExtraError: the format needs zarr.
    """
    suffix = target.suffix.lower()
    if suffix not in _WRITERS:
        raise DataError(f"{target} has none of the endings that can be written: {', '.join(_WRITERS)}")
    if probabilities and suffix == ".png":
        raise DataError(f"{target}: a PNG holds class ids; for probabilities choose .tif, .npy or .zarr")
    if suffix == ".zarr":
        _zarr()
    if target.is_dir() and not (suffix == ".zarr" and _is_zarr_array(target)):
        raise DataError(f"{target} is a folder and no Zarr array, and is not replaced; name another one for the result")


def _is_zarr_array(folder: Path) -> bool:
    zarr = _zarr()
    try:
        return isinstance(zarr.open(folder, mode="r"), zarr.Array)
    except Exception:  # zarr's own, of many kinds, for a folder that is neither array nor group
        return False


def write_result(result: PartialResult, target: Path, made_of: Mapping[str, Any], look: Look) -> None:
    """Write all rows, as they shall look, into `target`, in the format of its ending.

    The file has another name until it is complete.
    What it is made of is written down before it takes its place: whoever is killed in between is known to be at it by
    the rows, which are removed last.
    """
    draft = target.with_name(f".{target.name}.writing")
    _remove(draft)
    try:
        _WRITERS[target.suffix.lower()](Shown(result, look), draft)
        write_record(target, draft, made_of)
        _put(draft, target)
    finally:
        _remove(draft)


def _put(draft: Path, target: Path) -> None:
    """Let a file or a folder take the place of another one, which stays where that fails."""
    if not target.is_dir():
        draft.replace(target)
        return
    old = target.with_name(f".{target.name}.old")
    _remove(old)
    target.rename(old)
    try:
        draft.rename(target)
    except OSError:
        old.rename(target)
        raise
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _write_png(result: Shown, draft: Path) -> None:
    from PIL import Image

    picture = Image.fromarray(np.concatenate([block for _, block in result.blocks()]))
    if result.look.palette is not None:
        picture.putpalette(_all_colors(result.look.palette).tobytes())  # the mode becomes P
    picture.save(draft, format="PNG")


def _all_colors(palette: Colors) -> Colors:
    """Of 256 values; those of no class have that of unknown pixels."""
    unknown = np.full((256 - len(palette), 3), UNKNOWN_COLOR, np.uint8)
    return np.concatenate([palette, unknown])


def _write_numpy(result: Shown, draft: Path) -> None:
    header = {"descr": np.lib.format.dtype_to_descr(result.dtype), "fortran_order": False, "shape": result.shape}
    with draft.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for plane in _planes(result):
            for _, block in result.blocks():
                file.write(np.ascontiguousarray(block[plane]).data)


def _write_tiff(result: Shown, draft: Path) -> None:
    import tifffile

    look = result.look
    photometric, colormap = "rgb" if look.is_colored else "minisblack", None
    if look.palette is not None:
        photometric, colormap = "palette", _all_colors(look.palette).T.astype(np.uint16) * 257
    with tifffile.TiffWriter(draft, bigtiff=True) as writer:
        for plane in _planes(result):  # a page each; of a single one of all, those of width 1 would lose planes
            writer.write(
                _tiff_tiles(result, plane),
                shape=result.shape if look.is_colored else result.shape[-2:],
                dtype=result.dtype,
                tile=(_TILE, _TILE),
                compression="zlib",
                photometric=photometric,
                colormap=colormap,
                extrasamples=["unassalpha"] if look.is_colored and result.shape[2] == 4 else None,
                metadata=None,
            )


def _tiff_tiles(result: Shown, plane: Any) -> Iterator[NDArray[Any]]:  # noqa: ANN401 - an index
    for _, block in result.blocks(_TILE):
        rows = block[plane]
        for left in range(0, rows.shape[1], _TILE):
            yield np.ascontiguousarray(rows[:, left : left + _TILE])


def _write_zarr(result: Shown, draft: Path) -> None:
    axis = result.row_axis
    chunks = [1] * axis + [min(_CHUNK, length) for length in result.shape[axis:]]
    array = _zarr().create_array(draft, shape=result.shape, chunks=chunks, dtype=result.dtype)
    for top, block in result.blocks(_CHUNK):
        array[(slice(None),) * axis + (slice(top, top + block.shape[axis]),)] = block


def _planes(result: Shown) -> Iterator[Any]:
    """The index of each plane (h, w), or of colours as one."""
    if result.row_axis == 0:
        yield ...
    else:
        yield from range(result.shape[0])


def _zarr() -> Any:  # noqa: ANN401 - an extra
    need("zarr", "writing .zarr", "zarr")
    import zarr

    return zarr


_WRITERS: dict[str, Callable[[Shown, Path], None]] = {
    ".png": _write_png,
    ".tif": _write_tiff,
    ".tiff": _write_tiff,
    ".npy": _write_numpy,
    ".zarr": _write_zarr,
}
