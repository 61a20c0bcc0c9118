"""Folders of annotation tools that hold no masks: which tool wrote them, and how it writes masks."""

from collections.abc import Callable
from pathlib import Path

_DEEP = 3  # folders below, as far as is looked


def foreign(folder: Path) -> str:
    """Whose annotations a folder holds instead of masks, and the way out, in a sentence; empty: nobody's known."""
    names = _names(folder)
    return next((sentence for fits, sentence in _TOOLS if fits(names)), "")


def _names(folder: Path) -> set[str]:
    """The files in a folder and those a little below, by path, in lower case."""
    found: set[str] = set()
    level = [folder]
    for _ in range(_DEEP):
        children = [child for parent in level for child in parent.iterdir()]
        found.update(child.relative_to(folder).as_posix().lower() for child in children)
        level = [child for child in children if child.is_dir()]
    return found


def _ends(*endings: str) -> Callable[[set[str]], bool]:
    return lambda names: any(name.endswith(endings) for name in names)


def _has(*parts: str) -> Callable[[set[str]], bool]:
    """Whether each part is in the name of some file."""
    return lambda names: all(any(part in name for name in names) for part in parts)


_RASTER = "export it as masks, or draw its polygons into one picture for each image"

_TOOLS: tuple[tuple[Callable[[set[str]], bool], str], ...] = (
    (
        _has("annotations.xml"),
        "it is an export 'CVAT for images', which holds polygons (annotations.xml): export it from CVAT as "
        "'Segmentation mask 1.1', whose folder is read",
    ),
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
        "it is in YOLO's format, which holds boxes or polygons as text: export it again as masks, such as Roboflow's "
        "'semantic segmentation masks' or CVAT's 'Segmentation mask 1.1'",
    ),
    (
        _ends("_annotations.coco.json", "instances_default.json", "instances_train.json", "instances_val.json"),
        "it is in COCO's format, which holds polygons and run lengths in JSON: write a mask for each image with "
        "pycocotools (COCO.annToMask), or export it again as masks",
    ),
    (
        lambda names: any(name.startswith("annotations/") and name.endswith(".xml") for name in names),
        "it is in Pascal VOC's format for detection, whose Annotations/*.xml hold boxes; segmentation needs its folder "
        "SegmentationClass/",
    ),
    (_ends(".geojson"), f"it holds GeoJSON, as QuPath writes it: {_RASTER}"),
    (_ends(".nii", ".nii.gz", ".nrrd", ".mha", ".dcm"), "it holds volumes; store their slices as images and masks"),
    (
        _ends("_seg.npy"),
        "it holds Cellpose's *_seg.npy: save masks as PNG or TIFF in Cellpose (Ctrl+N), whose *_cp_masks.png are read",
    ),
    (
        _ends(".json"),
        "it holds JSON; labelme's is turned into masks by labelme_export_json or its script labelme2voc.py, COCO's by "
        "pycocotools (COCO.annToMask)",
    ),
    (_ends(".txt"), f"its annotations are text, as YOLO writes them: {_RASTER}"),
    (_ends(".xml"), f"its annotations are XML: {_RASTER}"),
)
