"""One mask file for each object, as in the Data Science Bowl 2018: NAME/images/NAME.png beside NAME/masks/*.png."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from unetzoo.data.annotations.images import ImageFiles, split_of
from unetzoo.data.annotations.shapes import AnnotatedImage, Annotations, Patch, Shape, Size
from unetzoo.data.formats.read import read_raw_mask
from unetzoo.data.sources.folders import IMAGE_FOLDERS, MASK_FOLDERS
from unetzoo.data.sources.listing import list_images
from unetzoo.data.sources.source import Finding, sentences
from unetzoo.errors import DataError

_FEWEST = 2  # folders of a sample each


def folders_of_samples(folder: Path) -> list[Path]:
    """The folders that hold the masks of a single image each; none unless all images lie so."""
    if not folder.is_dir():
        return []
    images = [path for path in list_images(folder).images if path.parent.name.lower() in IMAGE_FOLDERS]
    samples = [path.parent.parent for path in images]
    is_single = len(samples) >= _FEWEST and len(set(samples)) == len(samples) and folder not in samples
    return samples if is_single and any(_mask_files(sample) for sample in samples) else []


def read_single(_: Sequence[Path], images: ImageFiles) -> Annotations:
    """The images and the masks of their objects."""
    annotated = []
    lonely = []
    for image in images.paths:
        masks = _masks_beside(image.parent.parent)
        if masks is None:
            lonely.append(Finding(images.shown(image), " has no folder masks/ beside images/"))
            continue
        read = partial(_read, _mask_files(image.parent.parent))
        annotated.append(AnnotatedImage(image, masks, read, split=split_of(image, images.folder)))
    return Annotations(tuple(annotated), ("",), tuple(sentences(lonely)))


def _masks_beside(sample: Path) -> Path | None:
    children = {child.name.lower(): child for child in sample.iterdir() if child.is_dir()}
    return next((children[name] for name in MASK_FOLDERS if name in children), None)


def _mask_files(sample: Path) -> Sequence[Path]:
    masks = _masks_beside(sample)
    return list_images(masks).images if masks else ()


def _read(files: Sequence[Path], size: Size) -> list[Shape]:
    return [Shape("", (_patch(file, size),)) for file in files]


def _patch(file: Path, size: Size) -> Patch:
    raw = read_raw_mask(file)
    pixels = raw.pixels[..., :-1] if raw.marks.has_alpha else raw.pixels
    pixels = pixels if pixels.ndim == 2 else pixels.max(axis=2)
    if pixels.shape != size:
        raise DataError(f"{file} has {pixels.shape[0]} x {pixels.shape[1]} pixels, its image {size[0]} x {size[1]}")
    values = np.unique(pixels[pixels != 0])
    if len(values) > 1:
        raise DataError(f"{file} is not the mask of one object: it holds {len(values)} values beside 0")
    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    if not rows.size:
        return Patch(np.zeros((0, 0), bool))
    top, left = int(rows[0]), int(columns[0])
    return Patch(pixels[top : rows[-1] + 1, left : columns[-1] + 1] > 0, top, left)
