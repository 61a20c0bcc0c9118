"""The contract of formats, rule by rule."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.colors import Colors
from unetzoo.data.formats.content import Content
from unetzoo.data.formats.grid import NO_GRID, Grid
from unetzoo.data.formats.raster import Raster
from unetzoo.data.formats.table import resolved
from unetzoo.specs import FormatSpec
from unetzoo.testing.rules import BrokenRuleError, Make, Rule, demand

_CLOSE = 1e-6  # relative, of the numbers of a grid
_ROWS = 16  # of a block, where the writer leaves their number open
_TALL = 2100  # rows: more than a block of any writer
_HANDLES = Path("/proc/self/fd")


@dataclass
class _Result:
    """An array to write; its blocks end with an error after so many, if that is a number."""

    array: NDArray[Any]
    grid: Grid = NO_GRID
    is_volume: bool = False
    stops_after: int | None = None
    palette: Colors | None = None
    nodata: float | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype

    @property
    def axes(self) -> str:
        return "ZYX" if self.is_volume else "CYX"[-self.array.ndim :]

    def blocks(self, rows: int | None = None) -> Iterator[tuple[int, NDArray[Any]]]:
        rows, axis = rows or _ROWS, 0 if self.is_volume else self.array.ndim - 2
        for number, top in enumerate(range(0, self.shape[axis], rows)):
            if number == self.stops_after:
                raise _StoppedError
            yield top, self.array[(slice(None),) * axis + (slice(top, top + rows),)]


class _StoppedError(Exception):
    """The end of a process that is killed."""


def gives_a_raster(make: Make) -> None:
    """It gives a Raster, whose pixels have the shape and the type that it announces."""
    with _example(make()) as (path, spec), _open(spec, path) as raster:
        demand(isinstance(raster, Raster), f"it gives {type(raster).__name__}")
        lengths = len(raster.shape) in (3, 4) and min(raster.shape) >= 1
        demand(lengths, f"the shape is {raster.shape}, not (h, w, c) or (d, h, w, c)")
        pixels = raster.read(raster.whole)
        same = pixels.shape == raster.shape and pixels.dtype == raster.dtype
        demand(same, f"it announces {raster.dtype} {raster.shape}, and gives {pixels.dtype} {pixels.shape}")


def windows_are_parts_of_the_whole(make: Make) -> None:
    """A window is that part of the whole image, in any order of windows, on every level."""
    with _example(make()) as (path, spec), _open(spec, path) as raster:
        for number, level in enumerate((raster, *raster.levels)):
            wholly = np.array(level.read(level.whole))
            random = np.random.default_rng(number)
            for _ in range(12):
                starts = [int(random.integers(length)) for length in level.shape[:-1]]
                stops = [int(random.integers(at, length)) + 1 for at, length in zip(starts, level.shape, strict=False)]
                window = tuple(map(slice, starts, stops))
                same = np.array_equal(level.read(window), wholly[window], equal_nan=wholly.dtype.kind == "f")
                demand(same, f"level {number}: the window {window} differs")


def levels_are_coarser(make: Make) -> None:
    """Each level has fewer pixels than the one before, and the same type and channels."""
    with _example(make()) as (path, spec), _open(spec, path) as raster:
        finer = raster
        for level in raster.levels:
            fewer = np.prod(level.shape) < np.prod(finer.shape)
            alike = (level.dtype, level.shape[-1], len(level.shape)) == (finer.dtype, finer.shape[-1], len(finer.shape))
            demand(bool(fewer) and alike, f"{level.dtype} {level.shape} follows {finer.dtype} {finer.shape}")
            finer = level


def reading_changes_nothing(make: Make) -> None:
    """Reading leaves the files as they are, closes them, and gives the same each time."""
    with _example(make()) as (path, spec):
        _read(spec, path)  # imports what it needs
        before, handles = _state(path.parent), _handles()
        first, second = _read(spec, path), _read(spec, path)
        demand(np.array_equal(first, second, equal_nan=first.dtype.kind == "f"), "the second time differs")
        demand(_state(path.parent) == before, "it changed or added files")
        demand(_handles() == handles, f"{_handles() - handles} files are still open")


def torn_files_are_refused(make: Make) -> None:
    """A file that ends too early is an error, or read as if it were whole: pixels are never made up."""
    with _example(make()) as (path, spec):
        pixels = _read(spec, path)
        for file in [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file()):
            content = file.read_bytes()
            for length in {len(content) * share // 100 for share in (1, 20, 50, 80, 97)}:
                file.write_bytes(content[:length])
                try:
                    torn = _read(spec, path)
                except Exception:  # noqa: S112 - of any kind: unetzoo adds the file's name
                    continue
                same = np.array_equal(torn, pixels, equal_nan=pixels.dtype.kind == "f")
                demand(same, f"{length} of {len(content)} bytes give other pixels")
            file.write_bytes(content)


def keeps_values(make: Make) -> None:
    """A result is read as it was written: ids, and planes, fractions and large numbers where it stores arrays."""
    spec = make()
    for array in _arrays(spec):
        with _folder() as folder:
            path = folder / f"a{spec.endings[0]}"
            _create(spec, path, _Result(array))
            pixels = _read(spec, path, role="mask")
            expected = array[..., None] if array.ndim == 2 else np.moveaxis(array, 0, -1)
            pixels = pixels[0] if pixels.ndim == 4 and len(pixels) == 1 else pixels
            what = f"{array.dtype} {array.shape}"
            demand(pixels.shape == expected.shape, f"{what} is read as {pixels.shape}")
            same = np.array_equal(pixels, expected, equal_nan=array.dtype.kind == "f")
            demand(same, f"{what} is read with other values")


def keeps_the_grid(make: Make) -> None:
    """A result on the grid of the example is read with that grid, if the format stores grids."""
    spec = make()
    if "grid" not in spec.stores or spec.create is None:
        return
    demand(spec.example is not None, "it stores grids, and has no example with one")
    with _example(spec) as (path, _), _folder() as folder:
        with _open(spec, path) as raster:
            grid, size = raster.grid, raster.shape[:-1]
        demand(bool(grid.axes or grid.affine), "the example has no grid")
        target = folder / f"a{spec.endings[0]}"
        _create(spec, target, _Result(np.zeros(size, np.uint8), grid, is_volume=len(size) == 3))
        with _open(spec, target) as raster:
            _demand_same_grid(raster.grid, grid)


def stops_with_an_error(make: Make) -> None:
    """Where the blocks of a result end with an error, writing does, too, and leaves no other file than the draft."""
    spec = make()
    if spec.create is None:
        return
    array = np.arange(_TALL * 5, dtype=np.uint32).reshape(_TALL, 5).astype(np.uint8)
    with _folder() as folder:
        path = folder / f"a{spec.endings[0]}"
        try:
            _create(spec, path, _Result(array, stops_after=1))
        except _StoppedError:
            pass
        else:
            demand(False, "it returned as if the result were whole")
        demand({each.name for each in folder.iterdir()} <= {path.name}, "it left other files")
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        _create(spec, path, _Result(array))
        demand(np.array_equal(np.squeeze(_read(spec, path, role="mask")), array), "the second time differs")


def _demand_same_grid(grid: Grid, expected: Grid) -> None:
    names = [axis.name for axis in grid.axes], [axis.name for axis in expected.axes]
    demand(names[0] == names[1], f"the axes are {names[0]}, not {names[1]}")
    units = [axis.unit for axis in grid.axes], [axis.unit for axis in expected.axes]
    demand(units[0] == units[1], f"the units are {units[0]}, not {units[1]}")
    numbers = [([axis.step or 0 for axis in one.axes], np.array(one.affine)) for one in (grid, expected)]
    (steps, affine), (wanted_steps, wanted_affine) = numbers
    demand(np.allclose(steps, wanted_steps, rtol=_CLOSE, atol=0), f"the steps are {steps}, not {wanted_steps}")
    same = affine.shape == wanted_affine.shape and np.allclose(affine, wanted_affine, rtol=_CLOSE, atol=_CLOSE)
    demand(same, f"the affine is {affine.tolist()}, not {wanted_affine.tolist()}")
    demand(grid.crs == expected.crs, f"the coordinate system is {grid.crs!r}, not {expected.crs!r}")


def _arrays(spec: FormatSpec) -> Iterator[NDArray[Any]]:
    """Results that the format stores."""
    random = np.random.default_rng(0)
    if spec.create is not None:
        for size in ((1, 1), (3, 5), (65, 130)):
            yield random.integers(0, 4, size, np.uint8)
        yield random.integers(0, 2**16, (9, 7), np.uint16)
    if spec.create is not None and "arrays" in spec.stores:
        yield random.integers(0, 2**32, (9, 7), np.uint32)
        yield np.where(random.random((2, 33, 40)) < 0.1, np.nan, random.random((2, 33, 40))).astype(np.float32)


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="unetzoo-") as folder:
        yield Path(folder)


@contextmanager
def _example(spec: FormatSpec) -> Iterator[tuple[Path, FormatSpec]]:
    """A small image of a format in a folder of its own."""
    with _folder() as folder:
        if spec.example is not None:
            yield resolved(spec.example)(folder), spec
            return
        path = folder / f"a{spec.endings[0]}"
        _create(spec, path, _Result(np.random.default_rng(0).integers(0, 255, (40, 30), np.uint8)))
        yield path, spec


@contextmanager
def _open(spec: FormatSpec, path: Path, role: Any = "image") -> Iterator[Raster]:  # noqa: ANN401 - a literal
    with path.open("rb") if path.is_file() else open(os.devnull, "rb") as stream:  # noqa: PTH123 - either
        size = path.stat().st_size if path.is_file() else 0
        with resolved(spec.open)(Content(stream, size, str(path), path, role)) as raster:
            yield raster


def _create(spec: FormatSpec, path: Path, result: _Result) -> None:
    if spec.create is None:
        raise BrokenRuleError("it needs an example, since it writes nothing")
    resolved(spec.create)(path, result)


def _read(spec: FormatSpec, path: Path, role: Any = "image") -> NDArray[Any]:  # noqa: ANN401 - as above
    with _open(spec, path, role) as raster:
        return np.array(raster.read(raster.whole))


def _state(folder: Path) -> dict[str, bytes]:
    """A digest of each file."""
    files = sorted(each for each in folder.rglob("*") if each.is_file())
    return {str(each): blake2b(each.read_bytes()).digest() for each in files}


def _handles() -> int:
    return len([*_HANDLES.iterdir()]) if _HANDLES.is_dir() else 0


RULES: tuple[Rule, ...] = (
    gives_a_raster,
    windows_are_parts_of_the_whole,
    levels_are_coarser,
    reading_changes_nothing,
    torn_files_are_refused,
    keeps_values,
    keeps_the_grid,
    stops_with_an_error,
)
