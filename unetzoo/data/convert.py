"""Write any data set as a folder with images/ and masks/."""

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.atomic import check_new_folder, whole_folder
from unetzoo.data.find import Data
from unetzoo.data.masks.options import Classes, MaskOptions, Masks, Value
from unetzoo.data.open import survey_of
from unetzoo.data.sources.declared import write_declared
from unetzoo.data.sources.samples import CodedDataset
from unetzoo.data.sources.source import Entry
from unetzoo.data.sources.splits import ALL
from unetzoo.data.survey.problems import summary_of
from unetzoo.errors import DataError
from unetzoo.nn.coding import IGNORED, UNKNOWN

_SPLIT = "train"  # of entries without one, where others have one


def convert_dataset(
    data: Data,
    folder: str | Path,
    *,
    classes: Classes | None = None,
    masks: Masks = "auto",
    ignore: Sequence[Value] | Value = (),
    threshold: float | None = None,
    nearest_color: bool = False,
    on_read: Callable[[int], None] | None = None,
    on_written: Callable[[int], None] | None = None,
) -> tuple[str, ...]:
    """Write a data set as a new folder with images/ and masks/, in folders of their splits if it has some.

    Files of images are copied as they are. Masks hold class ids, 255 where the class is not known, or, with
    `masks="instances"`, the numbers of objects: PNG of 8 or 16 bits, or TIFF of 32 bits beyond 65,535 or where pixels
    do not count (-1). Masks whose classes may overlap are TIFF of planes (classes, h, w). The names of the classes are
    written to `masks.json`, from which they are read again. The folder appears when it is complete.

    Args:
        data: as for `unetzoo.survey`.
        folder: to write; it must not exist, or be empty.
        classes: as for `unetzoo.survey`.
        masks: as for `unetzoo.survey`.
        ignore: as for `unetzoo.survey`.
        threshold: as for `unetzoo.survey`.
        nearest_color: as for `unetzoo.survey`.
        on_read: called after each image that is checked with the number of all images.
        on_written: called after each image that is written, likewise.

    Returns:
        The warnings of `unetzoo.survey`.

    Raises:
        DataError: there is no such data set, or it has errors.
        OptionError: classes that do not fit.
        WriteError: the folder has files, or cannot be written.
    """
    options = MaskOptions(classes, masks, ignore, threshold, nearest_color)
    check_new_folder(Path(folder))
    survey = survey_of(data, options, trained=None, split_by=None, on_read=on_read)
    if survey.slicing.is_said:
        raise DataError("the data has volumes, which are not written as images: training reads them as they are")
    if survey.errors:
        raise DataError(summary_of(survey.errors))
    with whole_folder(Path(folder)) as draft:
        _write(draft, survey.dataset(ALL), on_written or (lambda _: None))
    return survey.warnings


def _write(folder: Path, dataset: CodedDataset, on_written: Callable[[int], None]) -> None:
    entries = dataset.source.entries
    for index, place in enumerate(_places(entries)):
        for kind, write in (("images", _write_image), ("masks", _write_mask)):
            path = folder / place.parent / kind / place.name
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, dataset, index)
        on_written(len(entries))
    names, kind = dataset.class_names, _kind(dataset)
    classes: Classes = names if kind != "auto" else {name: number for number, name in enumerate(names)}
    write_declared(folder, MaskOptions(classes, kind))


def _kind(dataset: CodedDataset) -> Masks:
    if dataset.labels == "overlapping":
        return "overlapping"
    return "instances" if dataset.coding.instances else "auto"


def _places(entries: Sequence[Entry]) -> list[PurePosixPath]:
    """The split and the name, without its ending, of each image; names are unique.

    It is the image's own name, or else its path; where even that is not unique, a number follows.
    """
    paths = [PurePosixPath(entry.name) for entry in entries]
    names = [path.stem for path in paths]
    for longer in ([str(path.with_suffix("")).replace("/", "_") for path in paths], None):
        counts = Counter(map(str.casefold, names))
        names = [
            name if counts[name.casefold()] == 1 else longer[index] if longer else f"{name}-{index}"
            for index, name in enumerate(names)
        ]
    has_splits = any(entry.split for entry in entries)
    splits = [entry.split or (_SPLIT if has_splits else "") for entry in entries]
    return [PurePosixPath(split, name) for split, name in zip(splits, names, strict=True)]


def _write_image(path: Path, dataset: CodedDataset, index: int) -> None:
    """A copy of the image's file; pixels without one as PNG or NPY."""
    from PIL import Image

    if file := dataset.source.image_file(index):
        shutil.copyfile(file, f"{path}{file.suffix.lower()}")
        return
    pixels = dataset.source.image(index)
    if np.ma.isMaskedArray(pixels):
        pixels = np.ma.filled(pixels.astype(np.float64), np.nan)
    if pixels.dtype == np.uint8 and pixels.shape[2] in (1, 3):
        Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(f"{path}.png")
    else:
        np.save(f"{path}.npy", pixels)


def _write_mask(path: Path, dataset: CodedDataset, index: int) -> None:
    import tifffile
    from PIL import Image

    mask = _mask(dataset, index)
    if mask.dtype == np.int32 or mask.ndim == 3:
        tifffile.imwrite(f"{path}.tif", mask, compression="zlib", photometric="minisblack")
    else:
        Image.fromarray(mask).save(f"{path}.png")


def _mask(dataset: CodedDataset, index: int) -> NDArray[Any]:
    """Class ids or planes of 8 bits, or numbers of objects, of 16 bits where these suffice."""
    mask = dataset[index].mask.astype(np.uint8)
    if mask.ndim == 3:
        return mask[0] if len(mask) == 1 else mask
    if not dataset.coding.instances:
        return mask
    numbers = dataset.instances(index)
    assert numbers is not None  # noqa: S101 - the coding says so
    numbers = np.where(mask == UNKNOWN, IGNORED, numbers)
    fits = numbers.min() >= 0 and numbers.max() <= np.iinfo(np.uint16).max
    return numbers.astype(np.uint16 if fits else np.int32)
