"""Slices of volumes as images for training, with splits by case."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from unetzoo import DataError, OptionError, Raster
from unetzoo.data.formats import open_raster
from unetzoo_medical.files import Case, find_cases, name_of, write_volume
from unetzoo_medical.orientation import PLANES, Slices, check_same_grid

_TABLE = "slices.csv"
_NEIGHBORS = (1, 3, 5)


def check_plane(plane: str | None) -> int | None:
    """The number of a plane by its name; raises OptionError."""
    if plane is not None and plane not in PLANES:
        raise OptionError(f"axis must be one of {', '.join(PLANES)}; got {plane!r}")
    return None if plane is None else PLANES.index(plane)


def slice_volumes(
    data: str | Path,
    out: str | Path,
    *,
    plane: str | None = None,
    neighbors: int = 1,
    on_case: Callable[[str, int, str], None] = lambda *_: None,
) -> Path:
    """Write the slices of volumes and of their masks as images, NIfTI of one slice each, and a table that lists them.

    A slice is turned as viewers show it, whatever the order of axes in its file. The column `group` of the table has
    the name of the case, so that slices of one case are never on both sides of a split.

    Args:
        data: as of `find_cases`.
        out: a folder, new or empty.
        plane: axial, coronal or sagittal; None: across the direction with the largest step.
        neighbors: 1, 3 or 5 slices that are the channels of an image: itself between those before and after it.
        on_case: receives the name of each case, the number of its slices, and the plane.

    Returns:
        The table, which `unetzoo train` and `fit` take.

    Raises:
        DataError: there are no cases; a file cannot be read; a mask does not lie where its image lies; cases have their
            largest steps along different directions; the folder is not empty.
        OptionError: an option is out of its range.
    """
    number, out = check_plane(plane), Path(out)
    if neighbors not in _NEIGHBORS:
        raise OptionError(f"neighbors must be one of {', '.join(map(str, _NEIGHBORS))}; got {neighbors!r}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is not an empty folder; name a new one for the slices")
    cases = find_cases(Path(data))
    number = _common_plane(cases) if number is None else number
    rows = []
    for case in cases:
        written = list(_write_case(case, out, number, neighbors))
        on_case(case.name, len(written), PLANES[number])
        rows += [(image, mask, case.split, case.name) for image, mask in written]
    with (out / _TABLE).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("image", "mask", "split", "group"), *rows])
    return out / _TABLE


def _common_plane(cases: Sequence[Case]) -> int:
    """The plane across the largest step, if it is that of all cases."""
    planes: dict[int, Case] = {}
    for case in cases:
        with open_raster(case.image) as raster:
            planes.setdefault(Slices(raster).plane, case)
    if len(planes) > 1:
        listed = ", ".join(f"of {case.name} {PLANES[plane]}" for plane, case in planes.items())
        raise DataError(f"the slices across the largest step differ: {listed}; choose with axis")
    return next(iter(planes))


def _write_case(case: Case, out: Path, plane: int, neighbors: int) -> Iterator[tuple[str, str]]:
    """Write the slices of a case: the paths of images and masks in the folder."""
    with ExitStack() as stack:
        image = stack.enter_context(open_raster(case.image))
        mask = stack.enter_context(open_raster(case.mask, role="mask"))
        check_same_grid(_as_volume(image), _as_volume(mask), (str(case.image), str(case.mask)))
        slices = Slices(_as_volume(image), plane, neighbors=neighbors)
        of_mask = Slices(_as_volume(mask), plane)
        stem = name_of(case.image)
        digits = len(str(len(slices) - 1))
        for number in range(len(slices)):
            name = f"{case.name}/{stem}_{PLANES[plane]}_{number:0{digits}}.nii"
            if (out / "images" / name).exists():
                raise DataError(f"several volumes of the case {case.name} are called {stem}; rename one of them")
            grid = slices.grid(number)
            for folder, pixels in (("images", slices[number]), ("masks", of_mask[number])):
                write_volume(out / folder / name, pixels.transpose(2, 0, 1)[:, None], grid)
            yield f"images/{name}", f"masks/{name}"


def _as_volume(raster: Raster) -> Raster:
    if len(raster.shape) != 4:
        raise DataError(f"a volume has slices, rows and columns, but this image has {raster.shape[:-1]} pixels")
    return raster
