"""Find the image that annotations belong to: by the name that they state, or by the name of their file."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from unetzoo.data.sources.folders import IMAGE_FOLDERS, MASK_FOLDERS, SPLIT_FOLDERS, folders_of_masks
from unetzoo.data.sources.listing import list_images
from unetzoo.data.sources.names import match_names, name_in
from unetzoo.data.sources.source import Finding, sentences
from unetzoo.errors import DataError

_SIDES = frozenset((*IMAGE_FOLDERS, *MASK_FOLDERS, "rois", "roi", "json", "geojson"))  # folders beside one another
_STAGE = re.compile(r"(?:stage\d+_)?([a-z]+)\d*")
_ROI = re.compile(r"^roi_?sets?[-_ ]|[-_ ]roi(_?sets?|s)?$", re.IGNORECASE)


class ImageFiles:
    """The images below a folder.

    No other file is taken for an image, whatever annotations name.

    Attributes:
        folder: the folder.
        paths: of all images, without those in folders of masks.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        images = list_images(folder).images
        of_masks = folders_of_masks({parent for path in images for parent in path.parents})
        self.paths = tuple(path for path in images if of_masks.isdisjoint(path.parents))
        self._known = frozenset(self.paths)
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        for path in self.paths:
            self._by_name[_plain(path.name)].append(path)

    def named(self, name: str, near: Path) -> Path:
        """The image that annotations name, wherever its folder was when they were written.

        Args:
            name: path of the image, perhaps of another computer.
            near: the file of the annotations. The path is that from its folder, or from the whole folder; or else the
                one of those that end alike which lies nearest.

        Raises:
            DataError: there is none, or several fit.
        """
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
        for parent in (near.parent, self.folder):
            if (path := parent.joinpath(*parts)) in self._known:
                return path
        alike = self._by_name.get(_plain(parts[-1]), []) if parts else []
        if not alike:
            raise DataError(f"there is no image {name}")
        scores = [
            (self._same_ending(path, parts), path.name == parts[-1], _count_equal(path.parts, near.parts))
            for path in alike
        ]
        highest = max(scores)
        best = [path for path, score in zip(alike, scores, strict=True) if score == highest]
        if len(best) > 1:
            shown = " and ".join(self.shown(path) for path in best[:2])
            raise DataError(f"the image {name} may be {shown}")
        return best[0]

    def shown(self, path: Path) -> str:
        """A path as entries name it."""
        return path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else str(path)

    def by_file(self, files: Sequence[Path]) -> tuple[dict[Path, list[Path]], list[str]]:
        """The files of annotations of each image, which have its name, and what is wrong."""
        image_of, problems = self._unique()
        file_of: dict[str, list[Path]] = defaultdict(list)
        for file in files:
            file_of[_ROI.sub("", _key(file, self.folder))].append(file)
        matches = match_names(list(image_of), list(file_of))
        if matches.pattern:
            problems.append(f"images and annotations are paired by the pattern {matches.pattern}")
        pairs = {
            image_of[name]: [file for key in keys for file in file_of[key]] for name, keys in matches.masks.items()
        }
        used = {file for some in pairs.values() for file in some}
        lonely = [Finding(self.shown(path), " has no annotations") for path in self.paths if path not in pairs]
        lonely += [Finding(self.shown(file), " has no image") for file in files if file not in used]
        return dict(sorted(pairs.items())), problems + sentences(lonely)

    def _unique(self) -> tuple[dict[str, Path], list[str]]:
        """The images by the key of their names; of several with one key the last."""
        image_of: dict[str, Path] = {}
        problems = []
        for path in self.paths:
            if (twin := image_of.get(key := _key(path, self.folder))) is not None:
                problems.append(f"{self.shown(twin)} and {self.shown(path)} have the same name; the first is left out")
            image_of[key] = path
        return image_of, problems

    def _same_ending(self, path: Path, parts: Sequence[str]) -> int:
        own = path.relative_to(self.folder).parts
        return _count_equal([_plain(part) for part in reversed(own)], [_plain(part) for part in reversed(parts)])


def split_of(image: Path, folder: Path) -> str:
    """The split that a folder of an image names, such as `val2017` or `stage1_train`; empty: none."""
    names = (_STAGE.fullmatch(part.lower()) for part in reversed(image.relative_to(folder).parent.parts))
    return next((SPLIT_FOLDERS[match[1]] for match in names if match and match[1] in SPLIT_FOLDERS), "")


def split_of_file(file: Path) -> str:
    """The split with which the name of a file ends, such as `instances_val2017.json`; empty: none."""
    return SPLIT_FOLDERS.get(re.split("[^a-z]", file.stem.lower().rstrip("0123456789"))[-1], "")


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _key(path: Path, folder: Path) -> str:
    *parents, name = name_in(path, folder).split("/")
    return "/".join([*(part for part in parents if part.lower() not in _SIDES), name])


def _count_equal(one: Sequence[str], other: Sequence[str]) -> int:
    """How many parts are equal before the first difference."""
    pairs = zip(one, other, strict=False)
    return next((count for count, (mine, its) in enumerate(pairs) if mine != its), min(len(one), len(other)))
