"""Pairs of images and masks in a folder.

cells/images/a.png, cells/masks/a.png              no splits: a part is held out
cells/train/images/a.png, cells/train/masks/a.png  the same for val and test
cells/images/train/a.png, cells/masks/train/a.png  the same
cells/a.png, cells/a_mask.png                      both in one folder, or in one of each split
cells/images/a.png, cells/masks/nucleus/a.png      a mask for each class, in the folder of the class
cells/images/a.png, cells/masks/a_nucleus.png      the same by name, also masks/a/nucleus.png
cells/JPEGImages, cells/SegmentationClass          those of Pascal VOC and CVAT, with the lists of ImageSets/
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from unetzoo._utils.texts import count_of
from unetzoo.data.formats.table import ending_of, endings
from unetzoo.data.sources.declared import read_declared
from unetzoo.data.sources.files import EntryFiles, FileSource
from unetzoo.data.sources.listing import Listing, is_hidden, list_images
from unetzoo.data.sources.names import match_classes, match_names, name_in, plain_names, several_channels
from unetzoo.data.sources.nnunet import described_labels
from unetzoo.data.sources.source import Entry, Finding, sentences
from unetzoo.data.sources.tools import cvat_classes, foreign_annotations, voc_splits
from unetzoo.errors import DataError

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "jpegimages", "imagestr")
MASK_FOLDERS = (
    "masks",
    "mask",
    "segmentationclass",
    "labels",
    "label",
    "labelstr",
    "annotations",
    "segmentations",
    "gt",
)
SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
Lot = tuple[str, Path, Path]


class NoPairsError(DataError):
    """A folder has no images with masks beside them."""


def pairs_in_folder(folder: Path) -> FileSource:
    """The pairs of a folder; an image and its mask have one name, up to the suffix and an ending such as `_mask`.

    If nearly all names follow two patterns instead, such as `img_1` and `mask_1`, these pair them, with a warning.

    Raises:
        NoPairsError: it has no folder of images with one of masks beside it, or no pair in them.
        DataError: it has none of the images that its lists name, or declares something else than options of masks; or
            channels of one image are files of their own.
    """
    lots, problems = _lots(folder)
    if not lots:
        raise NoPairsError(_advised(folder, f"{folder} has no folder images/ with a folder masks/ beside it"))
    entries, pairs = [], []
    for split, images, masks in lots:
        lot_entries, lot_pairs, lot_problems = _match(folder, split, images, masks)
        entries += lot_entries
        pairs += lot_pairs
        problems += lot_problems
    if not entries:
        first = f"; {problems[0]}" if problems else f" with one of the endings {', '.join(endings())}"
        raise NoPairsError(_advised(folder, f"{folder} has no image with a mask of the same name{first}"))
    return _in_lists(folder, entries, pairs, problems + cvat_classes(folder))


def _advised(folder: Path, error: str) -> str:
    """An error with what to do about it."""
    layouts = (
        "it needs images/ and masks/ with files of the same names, or train/, val/ and test/ with both in each; or a "
        ".csv file with the columns image and mask lists the pairs; or annotations of COCO, LabelMe, CVAT, QuPath, "
        "ImageJ or YOLO"
    )
    return f"{error}; {foreign_annotations(folder) or layouts}"


def _in_lists(
    folder: Path, entries: Sequence[Entry], pairs: Sequence[EntryFiles], problems: Sequence[str]
) -> FileSource:
    """The entries with the splits of Pascal VOC's lists; without entries that are in no list, if there are lists."""
    split_of = voc_splits(folder)
    chosen = [
        (Entry(entry.name, split_of[pair.image.stem]) if split_of else entry, pair)
        for entry, pair in zip(entries, pairs, strict=True)
        if not split_of or pair.image.stem in split_of
    ]
    if not chosen:
        raise DataError(f"{folder} has no image with a mask among those that ImageSets/Segmentation/ lists")
    listed = [problem for problem in problems if not (split_of and " has no mask" in problem)]
    entries, pairs = zip(*chosen, strict=True)
    return FileSource(entries, pairs, listed, read_declared(folder) or described_labels(folder))


def _lots(folder: Path) -> tuple[list[Lot], list[str]]:
    """The split, the folder of images and the folder of masks of each lot, and what is left out."""
    images, masks = _child(folder, IMAGE_FOLDERS), _child(folder, MASK_FOLDERS)
    if not images or not masks:
        return _lots_of_splits(folder)
    splits = _split_children(images)
    if not splits:
        return [("", images, masks)], []
    known = endings()
    beside = [path for path in images.iterdir() if ending_of(path.name, known) and not is_hidden(path.name)]
    left_out = [f"left out: {count_of(len(beside), 'image')} beside the folders of the splits, in {images.name}/"]
    return [(SPLIT_FOLDERS[child.name.lower()], child, masks / child.name) for child in splits], left_out[: len(beside)]


def _lots_of_splits(folder: Path) -> tuple[list[Lot], list[str]]:
    lots, problems = [], []
    for child in _split_children(folder):
        images, masks = _child(child, IMAGE_FOLDERS), _child(child, MASK_FOLDERS)
        if images and masks:
            lots.append((SPLIT_FOLDERS[child.name.lower()], images, masks))
        elif _has_masks_beside(child):
            lots.append((SPLIT_FOLDERS[child.name.lower()], child, child))
        else:
            problems.append(f"{child.name}/ is left out: it has no folder images/ with a folder masks/ beside it")
    if not lots and _has_masks_beside(folder):
        return [("", folder, folder)], []
    return lots, problems


def _has_masks_beside(folder: Path) -> bool:
    """Whether some files in a folder are named like masks of others there."""
    return bool(_masks_beside([name_in(path, folder) for path in list_images(folder).images]))


def _masks_beside(names: Collection[str]) -> set[str]:
    present = set(names)
    return {mask for mask, image in plain_names(present).items() if image != mask and image in present}


def folders_of_masks(folders: Collection[Path]) -> set[Path]:
    """The folders that are named like masks and lie beside one that is named like images."""
    of_images = {folder.parent for folder in folders if folder.name.lower() in IMAGE_FOLDERS}
    return {folder for folder in folders if folder.name.lower() in MASK_FOLDERS and folder.parent in of_images}


def _split_children(folder: Path) -> list[Path]:
    return [child for child in sorted(folder.iterdir()) if child.is_dir() and child.name.lower() in SPLIT_FOLDERS]


def _child(folder: Path, names: tuple[str, ...]) -> Path | None:
    children = {child.name.lower(): child for child in folder.iterdir() if child.is_dir()}
    return next((children[name] for name in names if name in children), None)


def _match(folder: Path, split: str, images: Path, masks: Path) -> tuple[list[Entry], list[EntryFiles], list[str]]:
    image_files, image_problems = _by_name(images, folder)
    mask_files, mask_problems = _by_name(masks, folder)
    if images == masks:
        beside = _masks_beside(image_files)
        image_files = {name: files for name, files in image_files.items() if name not in beside}
        mask_files = {name: files for name, files in mask_files.items() if name in beside}
        mask_problems = []
    if pair := several_channels(list(image_files), list(mask_files)):
        raise DataError(
            f"{images} has several files for the mask of one image, such as {' and '.join(pair)}, which are its "
            "channels: name the folders imagesTr and labelsTr, as nnU-Net does, or store each image as one file with "
            "all channels"
        )
    matches = match_names(list(image_files), list(mask_files))
    is_unmatched = images != masks and (matches.pattern or not matches.masks)
    if is_unmatched and (named := match_classes(list(image_files), list(mask_files))):
        entries, pairs, missing = _of_classes(folder, split, image_files, mask_files, named)
        lonely = _lonely(image_files, named.keys(), folder, "mask")
        return entries, pairs, [*image_problems, *mask_problems, *missing, *lonely]
    entries, pairs = [], []
    problems = [*image_problems, *mask_problems]
    for name in sorted(matches.masks):
        image, *twins = image_files[name]
        mask, *others = [file for matched in sorted(matches.masks[name]) for file in mask_files[matched]]
        entries.append(Entry(image.relative_to(folder).as_posix(), split))
        pairs.append(EntryFiles(image, mask, tuple(others)))
        problems += [_same_name(twin, image, folder) for twin in twins] + _several(pairs[-1], folder)
    if matches.pattern:
        problems.append(f"images and masks are paired by the pattern {matches.pattern} ({len(pairs)} of them)")
    matched = {mask for group in matches.masks.values() for mask in group}
    problems += _lonely(image_files, matches.masks.keys(), folder, "mask")
    problems += _lonely(mask_files, matched, folder, "image")
    return entries, pairs, problems


def _of_classes(
    folder: Path,
    split: str,
    images: Mapping[str, Sequence[Path]],
    masks: Mapping[str, Sequence[Path]],
    named: Mapping[str, Mapping[str, str]],
) -> tuple[list[Entry], list[EntryFiles], list[str]]:
    """The pairs of images with a mask for each class, and what is missing."""
    classes = sorted({name for mask_of in named.values() for name in mask_of})
    entries, pairs, missing = [], [], []
    for image, mask_of in sorted(named.items()):
        path, own = images[image][0], sorted(mask_of)
        first, *others = (masks[mask_of[name]][0] for name in own)
        entries.append(Entry(path.relative_to(folder).as_posix(), split))
        pairs.append(EntryFiles(path, first, tuple(others), tuple(own)))
        absent = [name for name in classes if name not in mask_of]
        missing += [Finding(entries[-1].name, f" has no mask of {name}, which is taken for nowhere") for name in absent]
    return entries, pairs, sentences(missing)


def _by_name(folder: Path, top: Path) -> tuple[dict[str, list[Path]], list[str]]:
    """The images of a folder by name without its ending, and what is left out."""
    listing = list_images(folder) if folder.is_dir() else Listing((), ())
    files: dict[str, list[Path]] = {}
    for path in listing.images:
        files.setdefault(name_in(path, folder), []).append(path)
    return files, [f"{(folder / sentence).relative_to(top)}" for sentence in listing.left_out]


def _same_name(twin: Path, image: Path, folder: Path) -> str:
    return f"{twin.relative_to(folder)} and {image.name} have the same name; the first is left out"


def _several(pair: EntryFiles, folder: Path) -> list[str]:
    """A warning that the masks of an image are joined, if it has several."""
    names = ", ".join(path.name for path in (pair.mask, *pair.others))
    joined = f"{pair.image.relative_to(folder)} has {len(pair.others) + 1} masks ({names}), which are joined"
    return [joined] if pair.others else []


def _lonely(files: Mapping[str, Sequence[Path]], matched: Collection[str], folder: Path, partner: str) -> list[str]:
    lonely = (files[name][0].relative_to(folder).as_posix() for name in sorted(files.keys() - matched))
    return sentences(Finding(name, f" has no {partner}") for name in lonely)
