"""Scores of volumes, case by case: Dice of whole volumes, and distances between surfaces in millimeters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unetzoo import DataError, Grid, Raster
from unetzoo.data.formats import misplaced_volume, open_raster
from unetzoo_medical.files import find_volumes, name_of

_UNKNOWN = 255  # id of voxels that do not count
_PERCENT = 95


@dataclass(frozen=True)
class CaseScore:
    """Scores of a class in a case.

    Attributes:
        case: its name.
        class_id: of the class, not 0, the background.
        dice: 2 x common voxels / all voxels of both.
        hd95: the 95th percentile of the distances from each voxel of one surface to the nearest of the other, the
            larger one of both ways, in `unit`; None: one has no surface.
        mean_distance: the mean of these distances, both ways together.
        unit: of distances; `"voxels"`: the files state no steps.
    """

    case: str
    class_id: int
    dice: float
    hd95: float | None
    mean_distance: float | None
    unit: str


def evaluate_volumes(predicted: str | Path, truth: str | Path) -> list[CaseScore]:
    """Compare volumes of class ids with true ones of the same names, each class but the background.

    Voxels that have the id 255 in the true volume do not count; 255 in a predicted one is no result, so of no class.

    Args:
        predicted: a file, or a folder.
        truth: likewise; a single volume if `predicted` is a file.

    Raises:
        DataError: there are none, one is missing, cannot be read or lies elsewhere, or has no class ids.
    """
    of_names = {name_of(path): path for path in find_volumes(Path(predicted))}
    scores: list[CaseScore] = []
    volumes = find_volumes(Path(truth))
    if len(volumes) > 1 and not Path(predicted).is_dir():
        raise DataError(
            f"{predicted} is one volume, and {truth} has {len(volumes)}: name the volume to compare it with, or a "
            "folder of results"
        )
    for path in volumes:
        match = of_names.get(name_of(path)) if Path(predicted).is_dir() else next(iter(of_names.values()))
        if match is None:
            raise DataError(f"{path} has no prediction: there is no volume {name_of(path)} in {predicted}")
        scores += _scores_of(match, path)
    return scores


def in_words(scores: Sequence[CaseScore]) -> Iterator[str]:
    """A line for each score, then one for the means of each class over the cases."""
    for score in scores:
        yield f"{score.case}, class {score.class_id}: {_values([score])}"
    for number in sorted({score.class_id for score in scores}):
        of_class = [score for score in scores if score.class_id == number]
        yield f"mean of {len(of_class)} cases, class {number}: {_values(of_class)}"


def _values(scores: Sequence[CaseScore]) -> str:
    """Means over cases; of distances over those that have them."""
    unit = scores[0].unit
    parts = [f"Dice {np.mean([score.dice for score in scores]):.3f}"]
    for name, values in (
        ("HD95", [score.hd95 for score in scores if score.hd95 is not None]),
        ("mean distance", [score.mean_distance for score in scores if score.mean_distance is not None]),
    ):
        missing = f" ({len(scores) - len(values)} without)" if 0 < len(values) < len(scores) else ""
        parts.append(f"{name} {np.mean(values):.2f} {unit}{missing}" if values else f"no {name}")
    return ", ".join(parts)


def _scores_of(predicted: Path, truth: Path) -> Iterator[CaseScore]:
    with open_raster(predicted, role="mask") as ours, open_raster(truth, role="mask") as theirs:
        _check_same_grid(theirs, ours, truth, predicted)
        counts = _ids(theirs.read(theirs.whole), truth)
        ids = _ids(ours.read(ours.whole), predicted)
        steps, unit = _steps(theirs.grid)
    ids = np.where(counts == _UNKNOWN, 0, ids)
    counts = np.where(counts == _UNKNOWN, 0, counts)
    for number in sorted({*np.unique(ids).tolist(), *np.unique(counts).tolist()} - {0, _UNKNOWN}):
        one, two = ids == number, counts == number
        hd95, mean = surface_distances(one, two, steps) or (None, None)
        yield CaseScore(name_of(truth), int(number), dice(one, two), hd95, mean, unit)


def _check_same_grid(theirs: Raster, ours: Raster, truth: Path, predicted: Path) -> None:
    """Raise DataError unless a result has the voxels of the true volume."""
    if theirs.shape[:3] != ours.shape[:3]:
        raise DataError(f"{predicted} has {ours.shape[:3]} voxels (z, y, x), but {truth} has {theirs.shape[:3]}")
    if text := misplaced_volume(theirs.grid, ours.grid, theirs.shape[:3]):
        raise DataError(f"{truth}{text} (its mask is {predicted})")


def _ids(values: NDArray[np.generic], path: Path) -> NDArray[np.int64]:
    """The only channel of a volume, as whole numbers (z, y, x)."""
    ids = values[..., 0].astype(np.int64)
    if values.shape[-1] > 1 or not np.array_equal(ids, values[..., 0]):
        raise DataError(
            f"{path} must hold class ids, whole numbers in one channel; it holds {values.dtype} in "
            f"{values.shape[-1]}, such as probabilities"
        )
    return ids


def _steps(grid: Grid) -> tuple[tuple[float, ...], str]:
    steps = tuple(axis.step for axis in grid.axes)
    if len(steps) != 3 or None in steps:
        return (1.0, 1.0, 1.0), "voxels"
    return tuple(step or 1.0 for step in steps), grid.axes[0].unit or "steps"


def dice(one: NDArray[np.bool_], two: NDArray[np.bool_]) -> float:
    """2 x common voxels / all voxels of both masks, of which one is not empty."""
    return 2 * int((one & two).sum()) / (int(one.sum()) + int(two.sum()))


def surface_distances(
    one: NDArray[np.bool_], two: NDArray[np.bool_], steps: tuple[float, ...]
) -> tuple[float, float] | None:
    """The 95th percentile of distances between surfaces, the larger of both ways, and their mean; None: one is empty.

    A voxel is of the surface if one of its six neighbors, or the end of the volume, is not of the mask.

    Args:
        one: a mask (z, y, x).
        two: another.
        steps: of voxels along each axis.
    """
    from scipy.ndimage import binary_erosion, distance_transform_edt

    if not one.any() or not two.any():
        return None
    box = _box(one | two)
    edges = [mask[box] & ~binary_erosion(mask[box]) for mask in (one, two)]
    away = [distance_transform_edt(~edge, sampling=steps) for edge in edges]
    ways = [away[1][edges[0]], away[0][edges[1]]]
    return max(float(np.percentile(way, _PERCENT)) for way in ways), float(np.concatenate(ways).mean())


def _box(mask: NDArray[np.bool_]) -> tuple[slice, ...]:
    """The smallest box with all of a mask."""
    places = [np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis))) for axis in range(3)]
    return tuple(slice(int(place[0]), int(place[-1]) + 1) for place in places)
