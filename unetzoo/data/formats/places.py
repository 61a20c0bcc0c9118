"""Whether a mask lies where its image lies, as far as their files say it."""

from itertools import product

import numpy as np

from unetzoo.data.formats.grid import Grid
from unetzoo.data.formats.orientation import orientation_of

_SHIFT = 0.51  # pixels; some programs take the corner of a pixel for its middle
_SCALE = 1e-3


def misplaced(image: Grid, mask: Grid) -> str:
    """Why a mask lies elsewhere than its image, and what to do; empty: it does not, or that is not known."""
    codes = image.crs, mask.crs
    if all(code.startswith("EPSG:") for code in codes) and image.crs != mask.crs:
        return f": the image is in {image.crs}, its mask in {mask.crs}: bring it onto the grid of the image (gdalwarp)"
    if len(image.affine) != 2 or len(mask.affine) != 2:
        return ""
    ours, theirs = np.array(image.affine, np.float64), np.array(mask.affine, np.float64)
    if not np.linalg.det(ours[:, :2]):
        return ""
    steps, shift = np.hsplit(np.linalg.solve(ours[:, :2], theirs - np.pad(ours[:, 2:], ((0, 0), (2, 0)))), [2])
    if abs(steps - np.eye(2)).max() > _SCALE:
        return ": its mask has other pixels on the ground: bring it onto the grid of the image (gdalwarp)"
    if abs(shift).max() > _SHIFT:
        rows, columns = shift[:, 0].round(1) + 0.0  # not -0.0
        return (
            f": its mask lies {rows:+.1f} rows and {columns:+.1f} columns away on the ground: bring it onto the grid "
            "of the image (gdalwarp), or correct the place that its file states (gdal_edit)"
        )
    return ""


def misplaced_volume(image: Grid, mask: Grid, shape: tuple[int, ...]) -> str:
    """As `misplaced` of volumes (d, h, w), up to a thousandth of a step."""
    ours, theirs = (orientation_of(grid) for grid in (image, mask))
    if len(image.affine) == 3 == len(mask.affine):
        apart = corner_distance(image, mask, shape)
        if apart > _SCALE * min(ours.steps):
            return (
                f": its mask lies up to {apart:.4g} {ours.unit} away from it by their headers, where 0 are expected; "
                "copy the header of the image, or resample the mask"
            )
        return ""
    are_known = bool(ours.unit and theirs.unit)
    if are_known and not np.allclose(ours.steps, theirs.steps, rtol=_SCALE, atol=0):
        steps = (" x ".join(f"{step:.4g}" for step in each.steps) for each in (ours, theirs))
        return ": its voxels measure {}, those of its mask {}; correct the header that is wrong".format(*steps)
    return ""


def corner_distance(first: Grid, second: Grid, shape: tuple[int, ...]) -> float:
    """How far the corners of an array of that shape lie from one another in two grids that have affines."""
    corners = np.array([[*corner, 1] for corner in product((0, 1), repeat=len(shape))]) * [*shape, 1]
    steps = np.array(first.affine, np.float64) - np.array(second.affine, np.float64)
    return float(np.linalg.norm(steps @ corners.T, axis=0).max())
