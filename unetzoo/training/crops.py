"""Random crops for training; a crop depends on the seed and its number alone, not on the process that cuts it."""

from hashlib import blake2b
from math import inf
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import get_worker_info

from unetzoo.data.dataset import Dataset, Sample
from unetzoo.data.formats.nodata import known_where_data
from unetzoo.data.objects import object_ids
from unetzoo.data.sources.parts import PartSample, Sliced, part_sample, planes_last
from unetzoo.inference.normalize import Normalize
from unetzoo.nn.coding import UNKNOWN
from unetzoo.nn.info import ModelInfo
from unetzoo.training.augment import Augmentation
from unetzoo.training.places import ClassPlaces
from unetzoo.training.target import ObjectTarget

_CACHED_BYTES = 2**30
_MOST_PLACES = 4096  # samples with remembered places, about a kilobyte each
_BORDER = 4  # a crop is drawn up to 1 / _BORDER of its side beyond the border, then moved inside


class Crop(NamedTuple):
    """A crop to train on."""

    image: Tensor  # (c, crop, crop), normalized, float32
    mask: Tensor  # (crop, crop), class ids, int64; `UNKNOWN` beyond the image's border and where it has no data;
    # (classes, crop, crop) of 0, 1 and `UNKNOWN` if classes may overlap; for a network of objects the target of their
    # maps, float32, see `ObjectTarget`
    name: str  # of the sample it is cut from


class CropDataset(TorchDataset[Crop]):
    """Random crops of the samples of a data set, by number.

    Each pass over the samples has an order of its own. All random numbers of a crop follow from the seed and its number
    alone, so that a training continues exactly where it stopped, with any number of worker processes.

    `info` has the normalization of the images; `crop` and `balance` are as in `FitOptions`; `target` makes that of
    objects, once a crop has been turned and deformed, None: the target is the mask; `pixels` are those of all samples
    together, by which the augmentation knows how often they have been shown, None: often enough.
    """

    def __init__(
        self,
        samples: Dataset,
        info: ModelInfo,
        *,
        count: int,
        crop: int,
        balance: float,
        augmentation: Augmentation,
        seed: int,
        target: ObjectTarget | None = None,
        pixels: int | None = None,
    ) -> None:
        self.samples = _Cache(samples, with_objects=target is not None)
        self.target = target
        self.normalize = Normalize(info)
        self.count = count
        self.crop = crop
        self.balance = balance
        self.augmentation = augmentation
        self.seed = seed
        self.pixels = pixels
        self._known_places: dict[int, ClassPlaces] = {}
        self._last_order: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, np.int64))

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Crop:
        pass_number, position = divmod(index, len(self.samples))
        number = int(self._order(pass_number)[position])
        sample, ids = self.samples[number]
        random = np.random.default_rng(mixed(self.seed, "crop", index))
        mask = planes_last(sample.mask)
        image, labels = self._cut(sample.image, mask, ids, self._places(number, mask), random)
        with torch.random.fork_rng(devices=()):
            torch.default_generator.manual_seed(mixed(self.seed, "augment", index))
            image, labels = self.augmentation(image, labels, self._shown(index))
        return Crop(image, labels.long() if self.target is None else self.target(*labels), sample.name)

    def _shown(self, index: int) -> float:
        """How often each pixel has been shown before a crop, on average."""
        return index * self.crop**2 / self.pixels if self.pixels else inf

    def _order(self, pass_number: int) -> NDArray[np.int64]:
        """The order of the samples in a pass over them; the last one is remembered."""
        if self._last_order[0] != pass_number:
            random = np.random.default_rng(mixed(self.seed, "order", pass_number))
            self._last_order = pass_number, random.permutation(len(self.samples))
        return self._last_order[1]

    def _places(self, index: int, mask: Sliced) -> ClassPlaces:
        """The places of the classes of a sample; remembered for the first samples."""
        places = self._known_places.get(index) or ClassPlaces(mask[:, :])
        if len(self._known_places) < _MOST_PLACES:
            self._known_places[index] = places
        return places

    def _cut(
        self,
        image: Sliced,
        mask: Sliced,
        ids: NDArray[np.int32] | None,
        places: ClassPlaces,
        random: np.random.Generator,
    ) -> tuple[Tensor, Tensor]:
        """A window with the margin that the augmentation needs, normalized (c, side, side), and its labels.

        These are the mask (side, side), or its planes (classes, side, side), or mask and ids of the objects (2, side,
        side).
        """
        margin = self.augmentation.margin
        top, left = (start - margin for start in self._corner(mask, places, random))
        side = self.crop + 2 * margin
        seen = _window(image, top, left, side, fill=0)
        window = _window(mask, top, left, side, fill=UNKNOWN)
        labels: NDArray[Any] = np.moveaxis(window, 2, 0) if window.ndim == 3 else window
        values = self.normalize(seen)
        if not _is_inside(mask.shape, top, left, side):
            outside = _outside(mask.shape, top, left, side)
            labels = np.where(outside, UNKNOWN, labels)
            values[:, outside] = 0
        known = known_where_data(seen, labels, self.normalize.info.nodata).astype(np.uint8 if ids is None else np.int64)
        if ids is not None:
            known = np.stack([known, _window(ids, top, left, side, fill=0)])
        return torch.from_numpy(values), torch.from_numpy(known)

    def _corner(self, mask: Sliced, places: ClassPlaces, random: np.random.Generator) -> tuple[int, int]:
        """Top and left of a crop, without its margin: inside the image, or around an image that is smaller."""
        (height, width), side = mask.shape[:2], self.crop
        if places.classes.size and random.random() < self.balance:
            row, column = places.draw(mask, random)
            return _moved_inside(row - side // 2, height, side), _moved_inside(column - side // 2, width, side)
        if places.is_sparse:
            row, column = places.draw_known(mask, random)
            return _around(row, height, side, random), _around(column, width, side, random)
        return _anywhere(height, side, random), _anywhere(width, side, random)


Labeled = tuple[Sample | PartSample, NDArray[np.int32] | None]
"""A sample and the ids (h, w) of its objects, if they are asked for."""


class _Cache:
    """The samples of a data set; the first ones stay in memory, up to 1 GiB in all worker processes together.

    Of others that are windows of a file parts are read as they are needed, but for objects, which are whole.
    """

    def __init__(self, samples: Dataset, *, with_objects: bool) -> None:
        self._samples = samples
        self._with_objects = with_objects
        self._kept: dict[int, Labeled] = {}
        self._size = 0

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> Labeled:
        if index in self._kept:
            return self._kept[index]
        parts = None if self._with_objects else part_sample(self._samples, index)
        if parts and not self._has_room(parts.nbytes):
            return parts, None
        sample = self._samples[index]
        ids = object_ids(self._samples, index, sample.mask) if self._with_objects else None
        size = sample.image.nbytes + sample.mask.nbytes + (0 if ids is None else ids.nbytes)
        if self._has_room(size):
            self._kept[index] = sample, ids
            self._size += size
        return sample, ids

    def _has_room(self, size: int) -> bool:
        worker = get_worker_info()
        return self._size + size <= _CACHED_BYTES // (worker.num_workers if worker else 1)


def mixed(*parts: object) -> int:
    """A seed that depends on each of the parts, 0 to 2**63 - 1."""
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=8).digest()) >> 1


def _anywhere(length: int, side: int, random: np.random.Generator) -> int:
    """A random start of a crop: the first and the last are more likely, or pixels at the border would be rare.

    An image smaller than the crop lies closer to the center of the crop than to its ends, or rotations would lose it.
    """
    if length < side:
        around = side - length
        return -int(random.integers(around // 4, around - around // 4, endpoint=True))
    reach = side // _BORDER
    return _moved_inside(int(random.integers(-reach, length - side + reach, endpoint=True)), length, side)


def _around(place: int, length: int, side: int, random: np.random.Generator) -> int:
    """A random start of a crop that has a pixel in its middle half, or as near to it as the border lets it."""
    return _moved_inside(place - int(random.integers(side // 4, side - side // 4)), length, side)


def _moved_inside(start: int, length: int, side: int) -> int:
    """The start of a crop, moved so that as much as possible of the crop lies inside."""
    low, high = sorted((0, length - side))
    return min(max(start, low), high)


def _is_inside(shape: tuple[int, ...], top: int, left: int, side: int) -> bool:
    """Whether no pixel of a window lies beyond the border of an image."""
    return min(top, left) >= 0 and top + side <= shape[0] and left + side <= shape[1]


def _outside(shape: tuple[int, ...], top: int, left: int, side: int) -> NDArray[np.bool_]:
    """Mask of the pixels of a window that lie beyond the border of an image."""
    rows, columns = np.arange(top, top + side), np.arange(left, left + side)
    outside: NDArray[np.bool_] = np.logical_or.outer(
        (rows < 0) | (rows >= shape[0]), (columns < 0) | (columns >= shape[1])
    )
    return outside


def _window(pixels: Sliced, top: int, left: int, side: int, *, fill: int) -> NDArray[np.generic]:
    """The window [top, top + side) x [left, left + side) of pixels (h, w, ...), `fill` beyond the border."""
    inside: NDArray[np.generic] = pixels[max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)]
    if inside.shape[:2] == (side, side):
        return inside
    first, second = max(0, -top), max(0, -left)
    place = (slice(first, first + inside.shape[0]), slice(second, second + inside.shape[1]))
    window = np.full((side, side, *inside.shape[2:]), fill, dtype=inside.dtype)
    window[place] = np.ma.getdata(inside)
    if not np.ma.is_masked(inside):
        return window
    masked = np.zeros(window.shape, bool)
    masked[place] = np.ma.getmaskarray(inside)
    return np.ma.array(window, mask=masked)
