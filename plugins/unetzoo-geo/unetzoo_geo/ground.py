"""Polygons from one coordinate system to another, and their areas."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine
from rasterio.warp import transform, transform_geom

WGS84 = CRS.from_epsg(4326)
_EQUAL_AREA = CRS.from_epsg(6933)  # cylindrical: pixels of a grid in degrees keep straight sides, so areas are exact
_DECIMALS = 8  # of degrees: 1 mm
_LONGEST = 64  # pixels of an edge, which is straight in both systems: of 10 m pixels it is 8 mm off

Shapes = NDArray[Any]


def reprojected(shapes: Shapes, source: CRS, target: CRS) -> Shapes:
    """Shapes with the coordinates of another system; their edges stay straight."""

    def move(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(transform(source, target, *points.T))

    moved: Shapes = shapes if source == target else shapely.transform(shapes, move)
    return moved


def on_the_globe(polygons: Shapes, source: CRS, step: float) -> Shapes:
    """Polygons in degrees of WGS 84 as RFC 7946 has them.

    Outlines run counterclockwise, holes clockwise; what crosses the antimeridian is cut there.

    Args:
        polygons: in the coordinate system `source`.
        source: the coordinate system.
        step: side of a pixel in it.
    """
    fine = polygons if source.is_geographic else shapely.segmentize(polygons, _LONGEST * step)
    moved = reprojected(fine, source, WGS84)
    west, _, east, _ = shapely.bounds(moved).T
    for index in np.flatnonzero(east - west > 180):
        cut = transform_geom(source, WGS84, shapely.geometry.mapping(fine[index]), antimeridian_cutting=True)
        moved[index] = shapely.geometry.shape(cut)
    oriented: Shapes = shapely.orient_polygons(shapely.transform(moved, lambda points: points.round(_DECIMALS)))
    return oriented


def areas(polygons: Shapes, crs: CRS | None, pixel: float) -> NDArray[np.float64]:
    """Areas (n,) in square meters; without a coordinate system in pixels.

    They are those in the plane of a projected system. Of degrees they are those on the ellipsoid.

    Args:
        polygons: in the coordinate system `crs`.
        crs: the coordinate system; None: unknown.
        pixel: area of a pixel in its unit.
    """
    factor = 1 / pixel
    if crs is not None:
        factor = 1 if crs.is_geographic else crs.linear_units_factor[1] ** 2
        polygons = reprojected(polygons, crs, _EQUAL_AREA) if crs.is_geographic else polygons
    sizes: NDArray[np.float64] = factor * shapely.area(polygons)
    return sizes


def pixel_sides(place: Affine) -> tuple[float, float]:
    """The sides of a pixel along rows and columns."""
    return float(np.hypot(place.a, place.d)), float(np.hypot(place.b, place.e))
