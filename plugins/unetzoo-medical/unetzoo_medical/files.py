"""Files of volumes: which there are, what belongs together, and how results are written."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from unetzoo import DataError, Grid
from unetzoo.data.formats import ResultArray
from unetzoo_medical.dicom import ENDINGS as OF_DICOM
from unetzoo_medical.metaimage import write_metaimage
from unetzoo_medical.nifti import write_compressed_nifti, write_nifti
from unetzoo_medical.nrrd import write_nrrd

if TYPE_CHECKING:
    import numpy as np

WRITERS: dict[str, Callable[[Path, ResultArray], None]] = {
    ".nii.gz": write_compressed_nifti,
    ".nii": write_nifti,
    ".nrrd": write_nrrd,
    ".mha": write_metaimage,
}
"""What writes results, by their endings."""

_READ = (*WRITERS, ".mhd")
_SPLITS = ("train", "val", "test")
_IMAGES = ("images", "imagestr")
_MASKS = ("masks", "labels", "labelstr")
_CHANNEL = "_0000"  # that nnU-Net adds to the names of images


class VolumeResult:
    """A finished result as formats write it.

    Args:
        values: (z, y, x), or (c, z, y, x) for probabilities.
        grid: where the voxels lie.
    """

    def __init__(self, values: NDArray[Any], grid: Grid) -> None:
        self.values, self.grid = values, grid
        self.shape, self.dtype = values.shape, values.dtype
        self.axes = "CZYX"[-values.ndim :]
        self.palette: NDArray[np.uint8] | None = None
        self.nodata: float | None = None

    def blocks(self, rows: int | None = None) -> Iterator[tuple[int, NDArray[Any]]]:
        """So many slices at once; None: all."""
        count = self.shape[-3]
        for first in range(0, count, rows or count):
            yield first, self.values[..., first : first + (rows or count), :, :]


def write_volume(path: Path, values: NDArray[Any], grid: Grid) -> None:
    """Write a result, completely or not at all; its ending must be one of `WRITERS`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.writing")
    try:
        WRITERS[ending_of(path.name, tuple(WRITERS))](draft, VolumeResult(values, grid))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def ending_of(name: str, endings: Sequence[str] = _READ) -> str:
    """The longest of the endings that a name has; empty: none."""
    return max((ending for ending in endings if name.lower().endswith(ending)), key=len, default="")


def name_of(path: Path) -> str:
    """The name of a case: that of its file without the ending, or of its folder."""
    return path.name[: len(path.name) - len(ending_of(path.name))]


def find_volumes(path: Path) -> list[Path]:
    """The volume at a path, or those in a folder and the folders below it: files, and folders with a series of DICOM.

    Raises:
        DataError: there are none.
    """
    if not path.exists():
        raise DataError(f"there is no file or folder {path}")
    volumes = [path] if path.is_file() or _is_series(path) else sorted(_below(path))
    if not volumes:
        raise DataError(f"there are no volumes in the folder {path}: files {', '.join(_READ)}, or series of DICOM")
    return volumes


def _below(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from [path] if _is_series(path) else _below(path)
        elif ending_of(path.name):
            yield path


def _is_series(path: Path) -> bool:
    return path.is_dir() and any(each.suffix.lower() in OF_DICOM for each in path.iterdir())


@dataclass(frozen=True)
class Case:
    """A volume with its mask.

    Attributes:
        name: of the case: its slices stay in one split.
        image: file, or folder with a series of DICOM.
        mask: likewise.
        split: train, val or test; empty: not stated.
    """

    name: str
    image: Path
    mask: Path
    split: str = ""


def find_cases(path: Path) -> list[Case]:
    """The cases of a folder with images/ and masks/ (or imagesTr/, labelsTr/), or of train/, val/, test/ with both.

    A .csv file lists them by the columns `image` and `mask`, and perhaps `split` and `group`, such as the patient.

    Raises:
        DataError: there are none, a mask is missing, or two cases have one name.
    """
    cases = _in_table(path) if path.suffix.lower() == ".csv" else list(_in_folder(path))
    if not cases:
        raise DataError(f"{path} has no folder images/ with a folder masks/ beside it, and is no .csv file of both")
    if path.is_dir() and len(names := {case.name for case in cases}) < len(cases):
        raise DataError(f"{path} has {len(cases)} cases, but {len(names)} names: a case must be in one split alone")
    if invalid := [case.name for case in cases if Path(case.name).name != case.name or case.name == ".."]:
        raise DataError(f"{path} has the case {invalid[0]!r}, which cannot be the name of a folder; rename it")
    return cases


def _in_table(path: Path) -> list[Case]:
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(), skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if not all(row.get("image") and row.get("mask") for row in rows):
        raise DataError(f"{path} must have an image and a mask in each line, in columns of these names")
    return [
        Case(
            row.get("group") or name_of(Path(row["image"])),
            path.parent / row["image"],
            path.parent / row["mask"],
            row.get("split") or "",
        )
        for row in rows
    ]


def _in_folder(folder: Path) -> Iterator[Case]:
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}")
    for split in ("", *_SPLITS):
        images, masks = (_child(folder / split, names) for names in (_IMAGES, _MASKS))
        if images and masks:
            yield from _pairs(images, masks, split)


def _child(folder: Path, names: Sequence[str]) -> Path | None:
    if not folder.is_dir():
        return None
    return next((child for child in sorted(folder.iterdir()) if child.name.lower() in names and child.is_dir()), None)


def _pairs(images: Path, masks: Path, split: str) -> Iterator[Case]:
    of_names = {name_of(path): path for path in find_volumes(masks)}
    for image in find_volumes(images):
        name = name_of(image).removesuffix(_CHANNEL)
        if name not in of_names:
            raise DataError(f"{image} has no mask: there is no volume {name} in {masks}")
        yield Case(name, image, of_names[name], split)
