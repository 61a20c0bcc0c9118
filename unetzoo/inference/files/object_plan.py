"""Where the files about the objects of each image are written."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unetzoo._utils.atomic import check_place
from unetzoo._utils.pixel_size import read_pixel_size
from unetzoo.data.formats.read import glance
from unetzoo.errors import DataError, OptionError
from unetzoo.inference.files.jobs import Images, Job, absolute
from unetzoo.inference.files.object_files import ENDINGS, TABLES, ObjectFiles
from unetzoo.inference.files.writers import make_folder
from unetzoo.nn.config import ModelConfig
from unetzoo.objects.rois import check_rois, need_rois


@dataclass(frozen=True)
class ImageFiles:
    """The files of an image.

    Attributes:
        job: the image and its label image.
        name: of the image, in tables.
        outlines: None: not written, or in a file that images share.
        rois: None: not written.
        overlay: None: not written.
    """

    job: Job
    name: str
    outlines: Path | None = None
    rois: Path | None = None
    overlay: Path | None = None


def check_network(files: ObjectFiles, config: ModelConfig, *, probabilities: bool) -> None:
    """Raise OptionError unless the network predicts objects; MissingExtraError where a library is not installed."""
    if not files.paths():
        return
    if not config.objects:
        raise OptionError(
            f"{next(iter(files.paths()))} must be left out: this network gives classes of pixels, not objects; train "
            "one with objects='distance' (--objects distance)"
        )
    of_images = [name for name in ("outlines", "rois") if config.spatial_dims == 3 and name in files.paths()]
    if of_images:
        raise OptionError(
            f"{of_images[0]} must be left out: outlines and ROIs are those of images; of volumes there are table, "
            "summary and overlay"
        )
    if files.pixel_size is not None:
        read_pixel_size(files.pixel_size).along(config.spatial_dims)
    if probabilities:
        raise OptionError("probabilities must be left out: tables and outlines are made of label images")
    if files.rois is not None:
        need_rois()


def plan_files(files: ObjectFiles, jobs: Sequence[Job], images: Images, out: Path) -> list[ImageFiles]:
    """The files of each image, whose folders are made.

    Args:
        files: what is written.
        jobs: the images.
        images: what the jobs were found in.
        out: the folder, or file, of their label images.

    Raises:
        OptionError: several images would become one file.
        DataError: a file would replace an image, a label image or another one of these files, pictures would lie
            among the images, or an image is too large for ROIs.
        WriteError: a file cannot be written.
    """
    planned = [_planned(files, job, absolute(out), is_single=len(jobs) == 1) for job in jobs]
    shared = [path for name, path in files.paths().items() if name in TABLES]
    if outlines := shared_outlines(files, planned):
        shared.append(outlines)
    each = [path for item in planned for path in (item.outlines, item.rois, item.overlay) if path]
    taken = [job.target for job in jobs] + [job.image for job in jobs if isinstance(job.image, Path)]
    seen = {path.resolve() for path in taken}
    for path in (*shared, *each):
        if path.resolve() in seen:
            raise DataError(f"{path} would replace an image or another result; name another file or folder")
        seen.add(path.resolve())
    if files.overlay is not None and isinstance(images, str | Path):
        _check_apart(Path(files.overlay).resolve(), Path(images).resolve(), out.resolve())
    _check_sizes(planned)
    for folder in {path.parent for path in each}:
        make_folder(folder)
    for path in shared:
        check_place(path)
    return planned


def shared_outlines(files: ObjectFiles, planned: Sequence[ImageFiles]) -> Path | None:
    """The file of the outlines of several images; None: there is none."""
    path = files.paths().get("outlines")
    return path if path and len(planned) > 1 and _is_file(path, "outlines") else None


def _is_file(path: Path, field: str) -> bool:
    """Whether a path is that of a file, not of a folder."""
    return path.suffix.lower() == ENDINGS[field] and not path.is_dir()


def _check_sizes(planned: Sequence[ImageFiles]) -> None:
    """Raise DataError if an image is too large for ROIs; one that cannot be read fails later, without the others."""
    for item in planned:
        if item.rois and isinstance(item.job.image, Path):
            size = (0, 0)
            with suppress(DataError):
                size = glance(item.job.image).size
            check_rois(item.rois, size)


def _planned(files: ObjectFiles, job: Job, out: Path, *, is_single: bool) -> ImageFiles:
    """The files of an image: their names in folders are those of the label images."""
    inside = job.target.relative_to(out) if out in job.target.parents else Path(job.target.name)
    name = str(inside.with_name(job.image.name)) if isinstance(job.image, Path) else str(job.image)
    places = {}
    for field, ending in ENDINGS.items():
        path = files.paths().get(field)
        if path is None:
            continue
        if not _is_file(path, field):
            places[field] = path / inside.with_suffix(ending)
        elif is_single:
            places[field] = path
        elif field != "outlines":
            raise OptionError(f"{field} must be a folder, since there are several images, got the file {path}")
    return ImageFiles(job, name, **places)


def _check_apart(pictures: Path, images: Path, out: Path) -> None:
    """Raise DataError if pictures in a folder would be taken for images the next time."""
    if images.is_dir() and pictures.is_relative_to(images) and not pictures.is_relative_to(out):
        raise DataError(
            f"the pictures in {pictures} would be taken for images the next time, since they lie in {images}; name a "
            "folder elsewhere"
        )
