"""Folders of other tools: the splits and classes of Pascal VOC and CVAT, and annotations that are not masks."""

from collections.abc import Callable
from pathlib import Path

from unetzoo.data.sources.source import SPLITS

_DEPTH = 3  # levels of folders that are searched
_VOC_LISTS = ("ImageSets", "Segmentation")


def voc_splits(folder: Path) -> dict[str, str]:
    """The split of each image's name by the lists of Pascal VOC: empty for a list of no split, {} without lists."""
    split_of: dict[str, str] = {}
    for path in sorted(folder.joinpath(*_VOC_LISTS).glob("*.txt")):
        split = path.stem if path.stem in SPLITS else ""
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
            name = line.strip()
            if name and (split or name not in split_of):
                split_of[name] = split
    return split_of


def cvat_classes(folder: Path) -> list[str]:
    """How to name the classes that a labelmap.txt of CVAT lists, a sentence; empty without such a file."""
    path = folder / "labelmap.txt"
    if not path.is_file():
        return []
    rows = [line.split(":") for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    classes = [f"{row[0]}={_color(row[1])}" for row in rows if len(row) > 1 and _color(row[1])]
    return [f"labelmap.txt names the colors of the classes: --classes '{','.join(classes)}'"] if classes else []


def _color(text: str) -> str:
    """`#rrggbb` of `r,g,b`; empty: not a color."""
    values = text.split(",")
    is_color = len(values) == 3 and all(value.strip().isdecimal() and int(value) < 256 for value in values)
    return "#" + "".join(f"{int(value):02x}" for value in values) if is_color else ""


def foreign_annotations(folder: Path) -> str:
    """Which tool's annotations a folder holds instead of masks, and the way out; empty: unknown."""
    names = _names(folder)
    return next((sentence for fits, sentence in _TOOLS if fits(names)), "")


def _names(folder: Path) -> set[str]:
    """The paths of files and folders a few levels below a folder, in lower case."""
    names: set[str] = set()
    level = [folder]
    for _ in range(_DEPTH):
        children = [child for parent in level for child in parent.iterdir()]
        names.update(child.relative_to(folder).as_posix().lower() for child in children)
        level = [child for child in children if child.is_dir()]
    return names


def _ends(*endings: str) -> Callable[[set[str]], bool]:
    return lambda names: any(name.endswith(endings) for name in names)


def _has(*parts: str) -> Callable[[set[str]], bool]:
    """Whether each part is in the name of some file."""
    return lambda names: all(any(part in name for name in names) for part in parts)


_RASTER = "export it as masks, or draw its polygons into one picture for each image"

_TOOLS: tuple[tuple[Callable[[set[str]], bool], str], ...] = (
    (
        _has("ann/", "meta.json"),
        "it is a project of Supervisely, which holds JSON (ann/): export it with 'masks' (human or machine)",
    ),
    (
        _ends("via_region_data.json", "via_project.json"),
        f"it is a project of the VGG Image Annotator, which holds polygons: {_RASTER}",
    ),
    (
        _ends("data.yaml", "obj.names", "classes.txt"),
        "it looks like YOLO's format, but none of its text files has lines of a class and a polygon, such as "
        "'0 0.1 0.1 0.4 0.1 0.4 0.5'",
    ),
    (
        lambda names: any(name.startswith("annotations/") and name.endswith(".xml") for name in names),
        "it is in Pascal VOC's format for detection, whose Annotations/*.xml hold boxes; segmentation needs its folder "
        "SegmentationClass/",
    ),
    (
        _ends(".nii", ".nii.gz", ".nrrd", ".mha", ".dcm"),
        "it holds volumes, which the plugin unetzoo-medical reads in folders images/ and masks/",
    ),
    (
        _ends("_seg.npy"),
        "it holds Cellpose's *_seg.npy: save masks as PNG or TIFF in Cellpose (Ctrl+N), whose *_cp_masks.png are read",
    ),
    (_ends(".json"), f"its JSON is not that of COCO, LabelMe or QuPath (GeoJSON): {_RASTER}"),
    (_ends(".txt"), f"its text files do not hold YOLO's polygons: {_RASTER}"),
    (_ends(".xml"), f"its XML is not that of CVAT ('CVAT for images 1.1'): {_RASTER}"),
)
