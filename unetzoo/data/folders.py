"""Pairs of images and masks in a folder.

cells/images/a.png, cells/masks/a.png              one lot, of which a part is held out
cells/train/images/a.png, cells/train/masks/a.png  the same for val and test
cells/images/train/a.png, cells/masks/train/a.png  the same
"""

from collections.abc import Callable, Collection
from pathlib import Path

from unetzoo.data.images import SUFFIXES
from unetzoo.data.listing import Listing, is_hidden, list_images
from unetzoo.data.pairs import Pair
from unetzoo.data.sources import Entry, FileSource
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

Lot = tuple[str, Path, Path]


def pairs_in_folder(folder: Path) -> FileSource:
    """The pairs of a folder; an image and its mask have one name, up to the suffix and an ending such as `_mask`.

    Raises:
        DataError: it has no folder of images with one of masks beside it, or no pair in them.
    """
    found, problems = _lots(folder)
    if not found:
        raise DataError(
            f"{folder} has no folder images/ with a folder masks/ beside it; it needs images/ and masks/, or train/, "
            "val/ and test/ with both in each"
        )
    entries, pairs = [], []
    for split, images, masks in found:
        lot_entries, lot_pairs, lot_problems = _match(folder, split, images, masks)
        entries += lot_entries
        pairs += lot_pairs
        problems += lot_problems
    if not entries:
        told = f"; {problems[0]}" if problems else f" with one of the endings {', '.join(SUFFIXES)}"
        raise DataError(f"{folder} has no image with a mask of the same name{told}")
    return FileSource(entries, pairs, problems)


def _lots(folder: Path) -> tuple[list[Lot], list[str]]:
    """The split, the folder of images and that of masks of each lot, and what is left out."""
    images, masks = _child(folder, IMAGE_FOLDERS), _child(folder, MASK_FOLDERS)
    if not images or not masks:
        return _lots_of_splits(folder)
    splits = _split_children(images)
    if not splits:
        return [("", images, masks)], []
    beside = [path for path in images.iterdir() if path.suffix.lower() in SUFFIXES and not is_hidden(path.name)]
    left_out = [f"{len(beside)} images beside the folders of the splits, in {images.name}/, are left out"]
    return [(SPLIT_FOLDERS[child.name.lower()], child, masks / child.name) for child in splits], left_out[: len(beside)]


def _lots_of_splits(folder: Path) -> tuple[list[Lot], list[str]]:
    lots, problems = [], []
    for child in _split_children(folder):
        images, masks = _child(child, IMAGE_FOLDERS), _child(child, MASK_FOLDERS)
        if images and masks:
            lots.append((SPLIT_FOLDERS[child.name.lower()], images, masks))
        else:
            problems.append(f"{child.name}/ is left out: it has no folder images/ with a folder masks/ beside it")
    return lots, problems


def folders_of_masks(folders: Collection[Path]) -> set[Path]:
    """Those of some folders that are named as one of masks and lie beside one of images."""
    of_images = {folder.parent for folder in folders if folder.name.lower() in IMAGE_FOLDERS}
    return {folder for folder in folders if folder.name.lower() in MASK_FOLDERS and folder.parent in of_images}


def _split_children(folder: Path) -> list[Path]:
    return [child for child in sorted(folder.iterdir()) if child.is_dir() and child.name.lower() in SPLIT_FOLDERS]


def _child(folder: Path, names: tuple[str, ...]) -> Path | None:
    children = {child.name.lower(): child for child in folder.iterdir() if child.is_dir()}
    return next((children[name] for name in names if name in children), None)


def _match(folder: Path, split: str, images: Path, masks: Path) -> tuple[list[Entry], list[Pair], list[str]]:
    image_of, image_twins = _by_key(images, folder, lambda key: key)
    mask_of, mask_twins = _by_key(masks, folder, lambda key: key if key in image_of else _without_ending(key))
    shared = sorted(image_of.keys() & mask_of.keys())
    entries = [Entry(image_of[key].relative_to(folder).as_posix(), split) for key in shared]
    pairs = [Pair(image_of[key], mask_of[key]) for key in shared]
    problems = image_twins + mask_twins
    problems += [f"{image_of[key].relative_to(folder)} has no mask" for key in sorted(image_of.keys() - mask_of.keys())]
    problems += [f"{mask_of[key].relative_to(folder)} has no image" for key in sorted(mask_of.keys() - image_of.keys())]
    return entries, pairs, problems


def _by_key(folder: Path, top: Path, key_of: Callable[[str], str]) -> tuple[dict[str, Path], list[str]]:
    """The files by what an image and its mask have in common, and what is said twice."""
    files: dict[str, Path] = {}
    listing = list_images(folder, SUFFIXES) if folder.is_dir() else Listing((), ())
    twins = [f"{folder.relative_to(top)}/{sentence}" for sentence in listing.left_out]
    for path in listing.images:
        key = key_of((path.parent.relative_to(folder) / path.stem).as_posix())
        if key in files:
            twins.append(f"{path.relative_to(top)} and {files[key].name} have the same name; the first is left out")
        else:
            files[key] = path
    return files, twins


def _without_ending(key: str) -> str:
    for ending in _MASK_ENDINGS:
        key = key.removesuffix(ending)
    return key
