"""Pairs of images and masks in a folder.

cells/images/a.png, cells/masks/a.png              one lot, of which a part is held out
cells/train/images/a.png, cells/train/masks/a.png  the same for val and test
cells/images/train/a.png, cells/masks/train/a.png  the same
"""

from collections.abc import Iterator
from pathlib import Path

from unetzoo.data.images import SUFFIXES
from unetzoo.data.sources import Entry, FileSource, Pair
from unetzoo.errors import DataError

IMAGE_FOLDERS = ("images", "image", "imgs", "img")
MASK_FOLDERS = ("masks", "mask", "labels", "label", "annotations", "segmentations", "gt")
SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
_MASK_ENDINGS = ("_mask", "-mask", "_label", "-label", "_labels", "_seg", "_gt", "_segmentation")


def pairs_in_folder(folder: Path) -> FileSource:
    """The pairs of a folder; an image and its mask have one name, up to the suffix and an ending such as `_mask`.

    Raises:
        DataError: it has no folder of images with one of masks beside it, or no pair in them.
    """
    found = list(_lots(folder))
    if not found:
        raise DataError(
            f"{folder} has no folder images/ with a folder masks/ beside it; it needs images/ and masks/, or train/, "
            "val/ and test/ with both in each"
        )
    entries, pairs, problems = [], [], []
    for split, images, masks in found:
        lot_entries, lot_pairs, lot_problems = _match(folder, split, images, masks)
        entries += lot_entries
        pairs += lot_pairs
        problems += lot_problems
    if not entries:
        told = f"; {problems[0]}" if problems else f" with one of the endings {', '.join(SUFFIXES)}"
        raise DataError(f"{folder} has no image with a mask of the same name{told}")
    return FileSource(entries, pairs, problems)


def _lots(folder: Path) -> Iterator[tuple[str, Path, Path]]:
    """The split, the folder of images and that of masks of each lot."""
    images, masks = _child(folder, IMAGE_FOLDERS), _child(folder, MASK_FOLDERS)
    if images and masks:
        splits = [child for child in sorted(images.iterdir()) if child.is_dir() and child.name.lower() in SPLIT_FOLDERS]
        for child in splits:
            yield SPLIT_FOLDERS[child.name.lower()], child, masks / child.name
        if not splits:
            yield "", images, masks
        return
    for child in sorted(folder.iterdir()):
        if child.is_dir() and child.name.lower() in SPLIT_FOLDERS:
            images, masks = _child(child, IMAGE_FOLDERS), _child(child, MASK_FOLDERS)
            if images and masks:
                yield SPLIT_FOLDERS[child.name.lower()], images, masks


def _child(folder: Path, names: tuple[str, ...]) -> Path | None:
    children = {child.name.lower(): child for child in folder.iterdir() if child.is_dir()}
    return next((children[name] for name in names if name in children), None)


def _match(folder: Path, split: str, images: Path, masks: Path) -> tuple[list[Entry], list[Pair], list[str]]:
    image_of, image_twins = _by_key(images, folder, ())
    mask_of, mask_twins = _by_key(masks, folder, _MASK_ENDINGS)
    shared = sorted(image_of.keys() & mask_of.keys())
    entries = [Entry(image_of[key].relative_to(folder).as_posix(), split) for key in shared]
    pairs = [Pair(image_of[key], mask_of[key]) for key in shared]
    problems = image_twins + mask_twins
    problems += [f"{image_of[key].relative_to(folder)} has no mask" for key in sorted(image_of.keys() - mask_of.keys())]
    problems += [f"{mask_of[key].relative_to(folder)} has no image" for key in sorted(mask_of.keys() - image_of.keys())]
    return entries, pairs, problems


def _by_key(folder: Path, top: Path, endings: tuple[str, ...]) -> tuple[dict[str, Path], list[str]]:
    """The files by what an image and its mask have in common, and what is said twice."""
    files: dict[str, Path] = {}
    twins = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in SUFFIXES or path.name.startswith(".") or not path.is_file():
            continue
        stem = path.stem
        for ending in endings:
            stem = stem.removesuffix(ending)
        key = (path.parent.relative_to(folder) / stem).as_posix()
        if key in files:
            twins.append(f"{path.relative_to(top)} and {files[key].name} have the same name; the first is left out")
        else:
            files[key] = path
    return files, twins
