"""Which images of a data set become which files."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.annotations.table import is_annotation_file
from unetzoo.data.find import Data, source_of
from unetzoo.data.formats.channel_files import image_name, is_in_channels
from unetzoo.data.formats.grid import NO_GRID, Grid
from unetzoo.data.formats.read import open_image, read_grid
from unetzoo.data.formats.table import endings, is_folder_image, without_ending
from unetzoo.data.sources.folders import folders_of_masks
from unetzoo.data.sources.hub import is_saved_dataset
from unetzoo.data.sources.listing import list_images
from unetzoo.data.sources.source import Source
from unetzoo.data.sources.tables import TABLES, images_in_table
from unetzoo.errors import DataError
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.outputs import uncertainty_file
from unetzoo.inference.files.records import state_of
from unetzoo.inference.files.writers import check_folder_target, check_target
from unetzoo.weights.files import CONFIG
from unetzoo.weights.folder import network_folder

Images: TypeAlias = Data | Sequence[str | Path]
"""An image, several images, a folder of images, or a data set as `fit` takes it."""


@dataclass(frozen=True)
class SourceImage:
    """An image that a data set gives without a file of its own."""

    source: Source
    index: int

    def __str__(self) -> str:
        """The name of the entry."""
        return self.source.entries[self.index].name

    def read(self) -> NDArray[Any]:
        """The pixels (h, w, c)."""
        return self.source.image(self.index)


Image: TypeAlias = Path | SourceImage
Suffix: TypeAlias = Callable[[str], str]  # the ending of the result of an image


@dataclass(frozen=True)
class Job:
    """One image to predict.

    Attributes:
        image: the image.
        target: the file of the result.
    """

    image: Image
    target: Path


def open_pixels(image: Image, *, channels: int) -> AbstractContextManager[Any]:
    """The pixels (h, w, c) of an image; a large file is read by blocks."""
    return open_image(image, channels=channels) if isinstance(image, Path) else nullcontext(image.read())


def grid_of(image: Image) -> Grid:
    """Where the pixels of an image lie; raises DataError where it cannot be read."""
    return read_grid(image) if isinstance(image, Path) else NO_GRID


def identity_of(image: Image) -> list[str]:
    """Plain data that changes with the image; raises DataError where it cannot be read."""
    if isinstance(image, SourceImage):
        pixels = image.read()
        content = blake2b(np.ma.getdata(pixels).tobytes(), digest_size=16).hexdigest()
        return [str(image), f"{pixels.dtype} {pixels.shape} {content}"]
    try:
        return [str(image.resolve()), state_of(image)]
    except OSError as error:
        raise DataError(f"{image} cannot be read: {error.strerror or error}") from error


def find_jobs(
    images: Images, out: str | Path, options: PredictOptions, *, on_left_out: Callable[[str], None] = lambda _: None
) -> list[Job]:
    """The images, and the files that they become.

    A folder is read with the folders below it, and the results lie in folders of the same names. Masks beside the
    images of a data set and results of an earlier call are left out.

    Args:
        images: what to predict.
        out: of one image, a file or an existing folder; else a folder.
        options: say the format of files in a folder, and whether a file holds probabilities.
        on_left_out: receives a sentence for each folder that is left out.

    Raises:
        DataError: there are no images; two of them would become one file, or one would be replaced by a result; `out`
            is the folder of a network, or has an ending that cannot hold the result.
    """
    target = absolute(out)
    jobs = _jobs(images, target, (lambda _: "") if options.per_class else options.suffix_for, on_left_out)
    paths = {job.image.resolve(): job.image for job in jobs if isinstance(job.image, Path)}
    for job in jobs:
        if options.per_class:
            check_folder_target(job.target)
        else:
            check_target(job.target, probabilities=options.probabilities, is_volume=bool(options.axes))
        if image := paths.get(job.target.resolve()):
            place = "its place" if image == job.image else f"the place of {image}"
            raise DataError(f"the result of {job.image} would take {place}; name another file or folder")
    if options.per_class:
        _check_folders(jobs, [*paths])
    if options.uncertainty:
        _check_maps(jobs, {*paths, *(job.target.resolve() for job in jobs)})
    for folder in {target, *(job.target.parent for job in jobs)}:
        if (network_folder(folder) / CONFIG).is_file():
            raise DataError(f"{folder} is the folder of a network; name another one for the results")
    return jobs


def _check_maps(jobs: Sequence[Job], others: Collection[Path]) -> None:
    """Raise DataError if a map of uncertainty cannot be written, or would replace an image, a result or another map."""
    places = set[Path]()
    for job in jobs:
        place = uncertainty_file(job.target)
        check_target(place, probabilities=True)
        if place.resolve() in others or place in places:
            raise DataError(f"the uncertainty of {job.image} would take the place of {place}; rename one of them")
        places.add(place)


def _check_folders(jobs: Sequence[Job], images: Sequence[Path]) -> None:
    """Raise DataError if the folder of a result holds that of another one, or an image."""
    targets = {job.target.resolve(): job.target for job in jobs}
    for path in (*targets, *images):
        if inside := next((targets[parent] for parent in path.parents if parent in targets), None):
            raise DataError(f"{path} lies in {inside}, the folder of the result of another image: rename one of them")


def find_images(images: Images, *, on_left_out: Callable[[str], None] = lambda _: None) -> list[Image]:
    """The images of `find_jobs`, without files that they become.

    Raises:
        DataError: there are no images.
    """
    single = _single_image(images)
    return [single] if single else [image for image, _ in _named(images, None, on_left_out)]


def some_pixels(images: Images, channels: int, most: int = 64) -> Iterator[Any]:
    """The pixels (h, w, c) of images from all over `images`, which are open until the next one is asked for.

    Raises:
        DataError: there are no images, or one cannot be read.
    """
    every = find_images(images)
    for image in every[:: -(-len(every) // most)]:
        with open_pixels(image, channels=channels) as pixels:
            yield pixels


def _jobs(images: Images, out: Path, suffix: Suffix, on_left_out: Callable[[str], None]) -> list[Job]:
    if path := _single_image(images):
        inside = out.is_dir() and not is_folder_image(out)
        return [Job(path, out / f"{without_ending(path).name}{suffix(str(path))}" if inside else out)]
    return _in_folder(_named(images, out, on_left_out), out, suffix)


def _single_image(images: Images) -> Path | None:
    """The path of an image, if that is what is to be predicted."""
    path = absolute(images) if isinstance(images, str | Path) else None
    if path is None or not path.exists() or is_saved_dataset(path) or _lists_images(path):
        return None
    is_image = path.suffix.lower() not in TABLES and (is_folder_image(path) or not path.is_dir())
    return path if is_image else None


def _named(images: Images, out: Path | None, on_left_out: Callable[[str], None]) -> Iterable[tuple[Image, Path]]:
    """Several images, and the name of each without an ending, in the folders of a folder."""
    if isinstance(images, Sequence) and not isinstance(images, str):
        return _of_files(map(Path, images))
    path = absolute(images) if isinstance(images, str | Path) else None
    if path is None or not path.exists() or is_saved_dataset(path) or _lists_images(path):
        return _of_source(source_of(images))
    if path.suffix.lower() in TABLES:
        return _of_files(images_in_table(path))
    if out is not None and out.resolve() == path.resolve():
        raise DataError(f"{out} is the folder of the images itself; name another one for the results")
    named = list(_of_folder(path, out, on_left_out))
    if not named:
        raise DataError(f"there are no images in the folder {path}; their endings are {', '.join(endings())}")
    return named


def _lists_images(path: Path) -> bool:
    """Whether a path is that of a file of annotations; a text file, as YOLO has for each image, lists none."""
    return path.suffix.lower() != ".txt" and is_annotation_file(path)


def _in_folder(images: Iterable[tuple[Image, Path]], out: Path, suffix: Suffix) -> list[Job]:
    """A job for each image and its name without an ending: the result has that name in `out`."""
    if out.exists() and not out.is_dir():
        raise DataError(f"{out} is a file; several images become files in a folder")
    jobs: dict[Path, Job] = {}
    for image, name in images:
        target = out / name.with_name(f"{name.name}{suffix(str(image))}")
        if target in jobs:
            raise DataError(f"{jobs[target].image} and {image} would both become {target}; rename one of them")
        jobs[target] = Job(image, target)
    return list(jobs.values())


def _of_source(source: Source) -> Iterator[tuple[Image, Path]]:
    files = [file for index in range(len(source.entries)) if (file := source.image_file(index))]
    if len(files) == len(source.entries):
        yield from _of_files(files)
        return
    for index, entry in enumerate(source.entries):
        yield SourceImage(source, index), Path(entry.name)


def _of_files(paths: Iterable[Path]) -> Iterator[tuple[Image, Path]]:
    """Files with their names below the folder that all of them share."""
    files = list(dict.fromkeys(map(absolute, paths)))
    top = os.path.commonpath([file.parent for file in files]) if files else ""
    for file in files:
        yield file, _result_name(file, Path(top))


def _of_folder(source: Path, out: Path | None, on_left_out: Callable[[str], None]) -> Iterator[tuple[Image, Path]]:
    listing = list_images(source)
    of_masks = folders_of_masks({parent for image in listing.images for parent in image.parents})
    results = out.resolve() if out and out.resolve().is_relative_to(source.resolve()) else None
    for sentence in listing.left_out:
        on_left_out(sentence)
    for folder in sorted(of_masks):
        on_left_out(f"{folder.relative_to(source)} is left out: it holds the masks of the images beside it")
    for image in listing.images:
        is_result = results is not None and image.resolve().is_relative_to(results)
        if not is_result and not of_masks.intersection(image.parents):
            yield image, _result_name(image, source)


def _result_name(image: Path, folder: Path) -> Path:
    """The path of an image below a folder, without its ending and the number of its first channel."""
    path = without_ending(image.relative_to(folder))
    return path.with_name(image_name(path.name)) if is_in_channels(image) else path


def absolute(path: str | Path) -> Path:
    """The path from the root, without `..`; links stay."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - which also resolves ".."
