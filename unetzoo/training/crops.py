"""Random crops for training; a crop depends on the seed and its number alone, not on the process that cuts it."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from math import inf, prod
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import get_worker_info

from unetzoo.data.dataset import Dataset, Sample
from unetzoo.data.formats.moments import moments_of
from unetzoo.data.formats.nodata import known_where_data
from unetzoo.data.objects import object_ids
from unetzoo.data.sources.parts import PartSample, Rows, Sliced, planes_last
from unetzoo.data.sources.spaced import moments_at, parts_of
from unetzoo.features import Factor, along_axes
from unetzoo.inference.normalize import Normalize
from unetzoo.nn.coding import UNKNOWN
from unetzoo.nn.info import ModelInfo
from unetzoo.nn.normalization import is_relative
from unetzoo.training.augment import Augmentation
from unetzoo.training.places import ClassPlaces
from unetzoo.training.target import ObjectTarget
from unetzoo.training.windows import anywhere, around, is_inside, moved_inside, outside_of, window

_CACHED_BYTES = 2**30
_MOST_PLACES = 4096  # samples with remembered places, about a kilobyte each


class Crop(NamedTuple):
    """A crop to train on."""

    image: Tensor  # (c, crop, crop), normalized, float32; of volumes, here and below, an axis more
    mask: Tensor  # (crop, crop), class ids, int64; `UNKNOWN` beyond the image's border and where it has no data;
    # (classes, crop, crop) of 0, 1 and `UNKNOWN` if classes may overlap; for a network of objects the target of their
    # maps, float32, see `ObjectTarget`
    name: str  # of the sample it is cut from


class CropDataset(TorchDataset[Crop]):
    """Random crops of the samples of a data set, by number.

    Each pass over the samples has an order of its own. All random numbers of a crop follow from the seed and its number
    alone, so that a training continues exactly where it stopped, with any number of worker processes.

    `info` has the normalization of the images; `crop` and `balance` are as in `FitOptions`, `crop` with a side for each
    axis where the samples are volumes (d, h, w, c); `target` makes that of
    objects, once a crop has been turned and deformed, None: the target is the mask; `pixels` are those of all samples
    together, by which the augmentation knows how often they have been shown, None: often enough.
    """

    def __init__(
        self,
        samples: Dataset,
        info: ModelInfo,
        *,
        count: int,
        crop: Factor,
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
        self.crop = along_axes(crop, 2)
        self.balance = balance
        self.augmentation = augmentation
        self.seed = seed
        self.pixels = pixels
        self._known_places: dict[int, ClassPlaces] = {}
        self._known_normalizations: dict[int, Normalize] = {}
        self._last_order: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, np.int64))

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Crop:
        pass_number, position = divmod(index, len(self.samples))
        number = int(self._order(pass_number)[position])
        sample, ids = self.samples[number]
        random = np.random.default_rng(mixed(self.seed, "crop", index))
        mask = planes_last(sample.mask, len(self.crop))
        normalize = self._normalization(number, sample.image)
        image, labels = self._cut(sample.image, mask, ids, self._places(number, mask), random, normalize)
        with torch.random.fork_rng(devices=()):
            torch.default_generator.manual_seed(mixed(self.seed, "augment", index))
            image, labels = self.augmentation(image, labels, self._shown(index))
        return Crop(image, labels.long() if self.target is None else self.target(*labels), sample.name)

    def _shown(self, index: int) -> float:
        """How often each pixel has been shown before a crop, on average."""
        return index * prod(self.crop) / self.pixels if self.pixels else inf

    def _order(self, pass_number: int) -> NDArray[np.int64]:
        """The order of the samples in a pass over them; the last one is remembered."""
        if self._last_order[0] != pass_number:
            random = np.random.default_rng(mixed(self.seed, "order", pass_number))
            self._last_order = pass_number, random.permutation(len(self.samples))
        return self._last_order[1]

    def _places(self, index: int, mask: Sliced) -> ClassPlaces:
        """The places of the classes of a sample; remembered for the first samples."""
        places = self._known_places.get(index) or ClassPlaces(_as_rows(mask, self.crop)[:, :])
        if len(self._known_places) < _MOST_PLACES:
            self._known_places[index] = places
        return places

    def _normalization(self, index: int, image: Sliced) -> Normalize:
        """What normalizes a sample; remembered, where it takes the values of its whole image or volume."""
        info, known = self.normalize.info, self._known_normalizations
        if not any(map(is_relative, info.normalization)):
            return self.normalize
        if index not in known:
            whole = moments_at(self.samples.dataset, index, info.nodata)
            moments = whole or moments_of(image, info.nodata, axes=len(self.crop))
            known[index] = replace(self.normalize, moments=moments)
        return known[index]

    def _cut(
        self,
        image: Sliced,
        mask: Sliced,
        ids: NDArray[np.int32] | None,
        places: ClassPlaces,
        random: np.random.Generator,
        normalize: Normalize,
    ) -> tuple[Tensor, Tensor]:
        """A window with the margin that the augmentation needs, normalized (c, side, side), and its labels.

        These are the mask (side, side), or its planes (classes, side, side), or mask and ids of the objects (2, side,
        side). Those of volumes have an axis more.
        """
        margins = along_axes(self.augmentation.margin, len(self.crop))
        corner = self._corner(mask, places, random)
        spans = [
            (start - margin, start + side + margin)
            for start, side, margin in zip(corner, self.crop, margins, strict=True)
        ]
        seen = window(image, spans, fill=0)
        codes = window(mask, spans, fill=UNKNOWN)
        labels: NDArray[Any] = np.moveaxis(codes, -1, 0) if codes.ndim > len(spans) else codes
        values = normalize(seen)
        if not is_inside(mask.shape, spans):
            outside = outside_of(mask.shape, spans)
            labels = np.where(outside, UNKNOWN, labels)
            values[:, outside] = 0
        known = known_where_data(seen, labels, self.normalize.info.nodata).astype(np.uint8 if ids is None else np.int64)
        if ids is not None:
            known = np.stack([known, window(ids, spans, fill=0)])
        return torch.from_numpy(values), torch.from_numpy(known)

    def _corner(self, mask: Sliced, places: ClassPlaces, random: np.random.Generator) -> list[int]:
        """The first pixel of a crop along each axis, without its margin: inside, or around an image that is smaller."""
        pairs = list(zip(mask.shape, self.crop, strict=False))
        if places.classes.size and random.random() < self.balance:
            drawn = self._pixel(places.draw(_as_rows(mask, self.crop), random), mask)
            centered = zip(drawn, pairs, strict=True)
            return [moved_inside(place - side // 2, length, side) for place, (length, side) in centered]
        if places.is_sparse:
            drawn = self._pixel(places.draw_known(_as_rows(mask, self.crop), random), mask)
            return [around(place, *pair, random) for place, pair in zip(drawn, pairs, strict=True)]
        return [anywhere(length, side, random) for length, side in pairs]

    def _pixel(self, place: tuple[int, int], mask: Sliced) -> tuple[int, ...]:
        """The pixel of an image by its row and column, or the voxel of a volume whose slices lie below each other."""
        row, column = place
        return (*divmod(row, mask.shape[1]), column) if len(self.crop) == 3 else place


def _as_rows(mask: Sliced, crop: Sequence[int]) -> Sliced:
    """A mask (h, w) or planes (h, w, classes) as it is; of a volume, its slices below each other."""
    return Rows(mask) if len(crop) == 3 else mask


Labeled = tuple[Sample | PartSample, NDArray[np.int32] | None]
"""A sample and the ids (h, w) of its objects, if they are asked for."""


class _Cache:
    """The samples of a data set; the first ones stay in memory, up to 1 GiB in all worker processes together.

    Of others that are windows of a file parts are read as they are needed, but for objects, which are whole.
    """

    def __init__(self, samples: Dataset, *, with_objects: bool) -> None:
        self.dataset = samples
        self._with_objects = with_objects
        self._kept: dict[int, Labeled] = {}
        self._size = 0

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Labeled:
        if index in self._kept:
            return self._kept[index]
        parts = None if self._with_objects else parts_of(self.dataset, index)
        if parts and not self._has_room(parts.nbytes):
            return parts, None
        sample = self.dataset[index]
        ids = object_ids(self.dataset, index, sample.mask) if self._with_objects else None
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
