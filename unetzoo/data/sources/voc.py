"""Folders in the layout of Pascal VOC, which CVAT writes, too: which images belong to which split."""

from pathlib import Path

from unetzoo.data.sources.source import SPLITS

_LISTS = ("ImageSets", "Segmentation")


def listed_splits(folder: Path) -> dict[str, str]:
    """The split of each image's name, empty where a list is of no split; none where there are no lists."""
    split_of: dict[str, str] = {}
    for path in sorted(folder.joinpath(*_LISTS).glob("*.txt")):
        split = path.stem if path.stem in SPLITS else ""
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
            name = line.strip()
            if name and (split or name not in split_of):
                split_of[name] = split
    return split_of


def class_hint(folder: Path) -> list[str]:
    """How to name the classes that a labelmap.txt of CVAT lists, a sentence."""
    path = folder / "labelmap.txt"
    if not path.is_file():
        return []
    rows = [line.split(":") for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    classes = [f"{row[0]}={_color(row[1])}" for row in rows if len(row) > 1 and _color(row[1])]
    return [f"labelmap.txt names the colours of the classes: --classes '{','.join(classes)}'"] if classes else []


def _color(text: str) -> str:
    """`#rrggbb` of `r,g,b`; empty: no colour."""
    values = text.split(",")
    is_color = len(values) == 3 and all(value.strip().isdecimal() and int(value) < 256 for value in values)
    return "#" + "".join(f"{int(value):02x}" for value in values) if is_color else ""
