"""Which mask belongs to which image, by their names."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path, PurePosixPath

from unetzoo.data.formats.table import endings, without_ending

_KINDS = ("cp_masks", "masks", "mask", "labels", "label", "segmentation", "seg", "groundtruth", "gt", "annotation")
_ENDINGS = ("___fuse", *(f"{joint}{kind}" for kind in _KINDS for joint in "_-."))
_DOUBLE_ENDING = ".ome"
_FIRST = "_0000"  # ending of the only, or the first channel of an image in nnU-Net's folders
_NEARLY_ALL = 0.9
_SEPARATORS = "_- ."

Key = Callable[[str], str]


@dataclass(frozen=True)
class Matches:
    """Which masks belong to which image.

    Attributes:
        masks: the names of the masks of each image that has some.
        pattern: of the names, if images and masks are matched by it; empty: their names are alike.
    """

    masks: dict[str, list[str]]
    pattern: str = ""


def name_in(path: Path, folder: Path) -> str:
    """A file's path in a folder without its ending, which may be `.ome.tif`, in one form of Unicode."""
    stem = without_ending(path).name
    stem = stem[: -len(_DOUBLE_ENDING)] if stem.lower().endswith(_DOUBLE_ENDING) else stem
    return unicodedata.normalize("NFC", (path.parent.relative_to(folder) / stem).as_posix())


def match_names(images: Sequence[str], masks: Sequence[str]) -> Matches:
    """Match masks with images: of the same name, or one with an ending such as `_mask`, in whatever case.

    A mask `a_mask_1` belongs to `a` if there is `a_mask`. If hardly anything matches, but nearly all names follow two
    patterns, such as `img_1` and `mask_1`, these match them. `a_0000` is the image of `a`, as in nnU-Net's folders.
    """
    plain = plain_names(masks)
    stages: tuple[tuple[Key, Key], ...] = (
        (str, str),
        (_without_channel, str),
        (str, plain.__getitem__),
        (str.casefold, lambda mask: plain[mask].casefold()),
    )
    matched: dict[str, list[str]] = defaultdict(list)
    rest = list(masks)
    for image_key, mask_key in stages:
        image_of = _unique(images, image_key)
        for mask in rest:
            if mask_key(mask) in image_of:
                matched[image_of[mask_key(mask)]].append(mask)
        rest = [mask for mask in rest if mask_key(mask) not in image_of]
    pattern = _by_pattern(images, masks) if 2 * len(matched) < len(images) else None
    return pattern or Matches(dict(matched))


def several_channels(images: Sequence[str], masks: Sequence[str]) -> tuple[str, str] | None:
    """Two images that are channels of the same mask by their numbers, as nnU-Net has them; None: there are none."""
    present, known = {*images}, {*masks}
    pairs = ((name, f"{name[: -len(_FIRST)]}_0001") for name in images if name.endswith(_FIRST))
    return next(
        (pair for pair in pairs if pair[1] in present and _without_channel(pair[0]) in known and not known & {*pair}),
        None,
    )


def _without_channel(image: str) -> str:
    return image.removesuffix(_FIRST)


def match_classes(images: Sequence[str], masks: Sequence[str]) -> dict[str, dict[str, str]]:
    """The masks of each image by the class that they are named after; empty unless all masks are named so.

    They are called `nucleus/a`, or else `a/nucleus`, `a_nucleus` or the like, for an image `a`. There are at least two
    classes, of which one is that of at least half of the images, and none is a number.
    """
    present = {*images}
    for named in (_class_first, _class_last):
        parts = [(mask, named(mask, present)) for mask in masks]
        counts = Counter(part[1] for _, part in parts if part)
        is_shared = len(counts) > 1 and 2 * max(counts.values()) >= len(images)
        if is_shared and all(part for _, part in parts) and not any(name.isdecimal() for name in counts):
            matched: dict[str, dict[str, str]] = defaultdict(dict)
            for mask, part in parts:
                if part:
                    matched[part[0]][part[1]] = mask
            return dict(matched)
    return {}


def _class_first(mask: str, images: Collection[str]) -> tuple[str, str] | None:
    """The image and the class of a mask in the folder of its class."""
    name, _, image = mask.partition("/")
    return (image, name) if image in images else None


def _class_last(mask: str, images: Collection[str]) -> tuple[str, str] | None:
    """The image and the class of a mask whose name is that of the image, then the class."""
    places = [place for place, letter in enumerate(mask) if letter in f"/{_SEPARATORS}"][::-1]
    fitting = ((mask[:place], mask[place + 1 :]) for place in places if mask[:place] in images)
    return next((part for part in fitting if part[1]), None)


def plain_names(masks: Iterable[str]) -> dict[str, str]:
    """The name of the image that each mask would have: without an ending such as `_mask`, or `_mask_1` beside one."""
    present = set(masks)
    plain = {}
    for mask in present:
        first = re.sub(r"[_-]\d+$", "", mask)
        plain[mask] = _without_ending(first if first in present and _without_ending(first) != first else mask)
    return plain


def _without_ending(name: str) -> str:
    """Without one of the endings of masks, and that of the image's file."""
    for known in (_ENDINGS, endings()):
        ending = next((ending for ending in known if name.lower().endswith(ending)), "")
        if len(ending) < len(PurePosixPath(name).name):
            name = name[: len(name) - len(ending)]
    return name


def _unique(names: Iterable[str], key: Key) -> dict[str, str]:
    """The names by their keys, those alone that share theirs with no other."""
    names = list(names)
    counts = Counter(map(key, names))
    return {key(name): name for name in names if counts[key(name)] == 1}


def _by_pattern(images: Sequence[str], masks: Sequence[str]) -> Matches | None:
    """Matches by what changes from name to name, where nearly all images have some."""
    best: Matches | None = None
    for image_pattern, mask_pattern in product(_patterns(images), _patterns(masks)):
        image_of = _unique(images, lambda name, pattern=image_pattern: _variable(name, *pattern))  # type: ignore[misc] # its default binds the pattern
        mask_of = _unique(masks, lambda name, pattern=mask_pattern: _variable(name, *pattern))  # type: ignore[misc] # as above
        shared = sorted(image_of.keys() & mask_of.keys())
        if len(shared) >= max(2, _NEARLY_ALL * len(images), len(best.masks) + 1 if best else 0):
            text = f"{'*'.join(image_pattern)} with {'*'.join(mask_pattern)}"
            best = Matches({image_of[key]: [mask_of[key]] for key in shared}, text)
    return best


def _patterns(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What the last parts of all names begin and end with; also without digits at the edge, and up to a separator."""
    last = [PurePosixPath(name).name for name in names]
    if not last:
        return
    beginning = _common(last)
    rest = [name[len(beginning) :][::-1] for name in last]
    ending = _common(rest)[::-1]
    beginnings = (beginning.rstrip("0123456789"), beginning, _up_to_separator(beginning))
    endings = (ending.lstrip("0123456789"), ending, _up_to_separator(ending[::-1])[::-1])
    yield from dict.fromkeys(product(beginnings, endings))


def _common(texts: Sequence[str]) -> str:
    """What all texts begin with: what the first and the last of them in order do."""
    first, last = min(texts), max(texts)
    same = (index for index, letter in enumerate(first) if index >= len(last) or letter != last[index])
    return first[: next(same, len(first))]


def _up_to_separator(text: str) -> str:
    """The part of a text up to its last separator."""
    last = max((text.rfind(separator) for separator in _SEPARATORS), default=-1)
    return text[: last + 1]


def _variable(name: str, beginning: str, ending: str) -> str:
    """What a name has between them, in its folder; numbers without leading zeros."""
    path = PurePosixPath(name)
    middle = path.name[len(beginning) : len(path.name) - len(ending)].casefold()
    return (path.parent / (str(int(middle)) if middle.isdecimal() else middle)).as_posix()
