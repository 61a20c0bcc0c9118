"""Draw polygons of a vector file as a mask on the grid of an image."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.transform import Affine
from rasterio.windows import Window

from unetzoo import DataError
from unetzoo_geo.cog import TILED
from unetzoo_geo.ground import reprojected
from unetzoo_geo.handles import driver_of, open_quietly
from unetzoo_geo.vectors import Vectors, read_vectors, shown
from unetzoo_geo.whole import check_new, whole_file

ENDINGS = (".tif", ".tiff")
_ROWS = 512
_LARGEST = 2**16 - 1


@dataclass(frozen=True)
class Drawn:
    """What was drawn.

    Attributes:
        pixels: of each id of the mask.
        notes: sentences on what was left out or changed.
    """

    pixels: Mapping[int, int]
    notes: tuple[str, ...]


def write_mask(
    vector: Path,
    image: Path,
    mask: Path,
    classes: Mapping[str, int] | None = None,
    *,
    column: str | None = None,
    layer: str | None = None,
    all_touched: bool = False,
    outside: int = 0,
    overwrite: bool = False,
) -> Drawn:
    """Draw polygons as a mask, a GeoTIFF on the grid of an image.

    A pixel belongs to the polygon in which its middle lies; of several the last in the file. Polygons in another
    coordinate system are brought into that of the image.

    Args:
        vector: GeoPackage, GeoJSON, Shapefile or FlatGeobuf.
        image: TIFF or JPEG 2000, whose pixels are not read.
        mask: the TIFF to write.
        classes: the id of each value of `column`; without a column, of all polygons. None or empty: 1 for all.
        column: with the class of a polygon; polygons of other classes are left out.
        layer: of the vector file, if it has several.
        all_touched: a pixel belongs to a polygon that it touches, however little.
        outside: id of pixels in no polygon.
        overwrite: replace the mask if it is there.

    Raises:
        DataError: a file cannot be read, has no coordinate system, or does not fit the others; `mask` is there.
        WriteError: it cannot be written.
    """
    check_new(mask, ENDINGS, overwrite=overwrite)
    vectors = read_vectors(vector, layer=layer, column=column)
    with _opened(image) as grid:
        chosen, ids = _classified(vectors, classes or {}, column, vector)
        if max(*ids.tolist(), outside) > _LARGEST:
            raise DataError(f"ids must be at most {_LARGEST:,}")
        shapes = _on_pixels(chosen, vectors.crs, grid, vector)
        inside = _near(shapes, 0, grid.height) & _across(shapes, grid.width)
        if not inside.any():
            raise DataError(
                f"all {len(shapes):,} polygons of {vector} lie outside of {image}; {_bounds(vectors, grid)}"
            )
        notes = _notes(vectors, grid, len(vectors.shapes) - len(chosen), int((~inside).sum()))
        notes += _overlaps(shapes[inside], ids[inside])
        dtype = np.dtype(np.uint8 if max(*ids.tolist(), outside) < 256 else np.uint16)
        strips = _strips(shapes[inside], ids[inside], grid, dtype, all_touched=all_touched, outside=outside)
        return Drawn(_write(mask, strips, grid, dtype), notes)


def _opened(image: Path) -> Any:  # noqa: ANN401 - rasterio ships no types
    """The dataset of an image with a place on the ground."""
    if not image.is_file():
        raise DataError(f"there is no file {image}")
    driver = driver_of(image)
    if not driver:
        raise DataError(f"{image} cannot be read: it must be a TIFF, JPEG 2000, PNG or JPEG")
    dataset = open_quietly(image.absolute(), driver=driver)
    if not dataset.crs or dataset.transform.is_identity:
        lacking = "transform" if dataset.crs else "coordinate system"
        dataset.close()
        raise DataError(f"{image} has no {lacking}, so that polygons have no place in it; assign one (gdal_edit)")
    return dataset


def _classified(
    vectors: Vectors, classes: Mapping[str, int], column: str | None, path: Path
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The polygons whose class has an id, and these ids."""
    if column is None:
        if len(classes) > 1:
            raise DataError(
                f"{len(classes)} classes need a column of {path} that tells them apart; name it with --column"
            )
        return vectors.shapes, np.full(len(vectors.shapes), next(iter(classes.values()), 1))
    named = np.array([value in classes for value in vectors.values.tolist()])
    if not named.any():
        raise DataError(
            f"no polygon of {path} has one of the classes {', '.join(classes) or '(none)'}; its column {column} has "
            f"the values {shown(vectors.values)}: give each an id, such as --class {vectors.values[0]}=1"
        )
    return vectors.shapes[named], np.array([classes[value] for value in vectors.values[named].tolist()])


def _on_pixels(shapes: NDArray[Any], crs: Any, grid: Any, path: Path) -> NDArray[Any]:  # noqa: ANN401 - see above
    """Polygons in columns and rows of the image."""
    a, b, c, d, e, f = (~grid.transform)[:6]
    matrix, corner = np.array([[a, d], [b, e]]), np.array([c, f])
    moved = shapely.transform(reprojected(shapes, crs, grid.crs), lambda points: points @ matrix + corner)
    if not np.isfinite(shapely.bounds(moved)).all():
        raise DataError(f"{path}: its polygons in {crs.to_string()} have no place in {grid.crs.to_string()}")
    placed: NDArray[Any] = moved
    return placed


def _near(shapes: NDArray[Any], top: int, bottom: int) -> NDArray[np.bool_]:
    _, upper, _, lower = shapely.bounds(shapes).T
    return np.asarray((lower > top) & (upper < bottom))


def _across(shapes: NDArray[Any], width: int) -> NDArray[np.bool_]:
    left, _, right, _ = shapely.bounds(shapes).T
    return np.asarray((right > 0) & (left < width))


def _strips(
    shapes: NDArray[Any],
    ids: NDArray[np.int64],
    grid: Any,  # noqa: ANN401 - see above
    dtype: np.dtype[Any],
    *,
    all_touched: bool,
    outside: int,
) -> Iterator[tuple[int, NDArray[Any]]]:
    """All rows from the top, some hundred at once."""
    for top in range(0, grid.height, _ROWS):
        size = (min(_ROWS, grid.height - top), grid.width)
        here = _near(shapes, top - 1, top + size[0] + 1)
        strip = np.full(size, outside, dtype)
        if here.any():
            drawn = zip(shapes[here], ids[here].tolist(), strict=True)
            rasterize(drawn, out=strip, transform=Affine.translation(0, top), all_touched=all_touched)
        yield top, strip


def _write(path: Path, strips: Iterator[tuple[int, NDArray[Any]]], grid: Any, dtype: np.dtype[Any]) -> Counter[int]:  # noqa: ANN401 - see above
    """The mask; returns the pixels of each id."""
    counts: Counter[int] = Counter()
    place = {"width": grid.width, "height": grid.height, "crs": grid.crs, "transform": grid.transform}
    with whole_file(path) as draft, rasterio.open(draft, "w", count=1, dtype=dtype, **TILED, **place) as file:
        for top, strip in strips:
            file.write(strip, 1, window=Window(0, top, *strip.shape[::-1]))
            counts.update(dict(zip(*(values.tolist() for values in np.unique(strip, return_counts=True)), strict=True)))
    return counts


def _notes(vectors: Vectors, grid: Any, unnamed: int, outside: int) -> tuple[str, ...]:  # noqa: ANN401 - see above
    notes = []
    if vectors.crs != grid.crs:
        notes.append(f"polygons are brought from {vectors.crs.to_string()} into {grid.crs.to_string()}")
    if unnamed:
        notes.append(f"{unnamed:,} of {len(vectors.shapes):,} polygons, whose classes have no id, are left out")
    if outside:
        notes.append(f"{outside:,} {'polygon lies' if outside == 1 else 'polygons lie'} outside of the image")
    return tuple(notes)


def _overlaps(shapes: NDArray[Any], ids: NDArray[np.int64]) -> tuple[str, ...]:
    """A sentence on valid polygons of different ids that share an area."""
    shapes, ids = shapes[valid := shapely.is_valid(shapes)], ids[valid]
    tree = shapely.STRtree(shapes)
    crossing, within = (tree.query(shapes, predicate=relation) for relation in ("overlaps", "contains"))
    pairs = {tuple(sorted(pair)) for pair in np.hstack([crossing, within]).T.tolist()}
    count = sum(bool(ids[first] != ids[second]) for first, second in pairs)
    return (f"polygons with different ids overlap ({count:,} pairs); the later in the file is on top",) if count else ()


def _bounds(vectors: Vectors, grid: Any) -> str:  # noqa: ANN401 - see above
    """Where the polygons and the image lie, for errors."""
    theirs = ", ".join(
        f"{bound:.6g}" for bound in shapely.total_bounds(reprojected(vectors.shapes, vectors.crs, grid.crs))
    )
    own = ", ".join(f"{bound:.6g}" for bound in grid.bounds)
    return f"in {grid.crs.to_string()} they reach over {theirs}, it over {own}"
