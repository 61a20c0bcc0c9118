"""What a data set's images and masks are like; measured once, and saved with the network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.coding import Coding
from unetzoo.data.survey import ImageFacts, Reading
from unetzoo.info import ModelInfo

_CONSTANT = 1e-6  # std by mean of a channel that is the same everywhere, but for rounding
_FULL_RANGES = {"uint8": (0.0, 255.0), "bool": (0.0, 1.0)}


@dataclass(frozen=True)
class Statistics:
    """What images and masks are like.

    Attributes:
        images: how many.
        channels: of each.
        smallest: height and width in pixels, each the smallest of all images.
        largest: likewise.
        pixels: of all images together.
        value_range: lowest and highest value; (0, 255) for 8 bits.
        mean: of each channel, after scaling `value_range` to 0 to 1.
        std: likewise, > 0; 1 of a channel that is the same everywhere.
        class_names: of each class id.
        class_frequencies: share of each class of the pixels whose class is known, 0 to 1.
        mask_coding: what the values of the masks mean, see `unetzoo.data.coding.Coding.to_dict`.
    """

    images: int
    channels: int
    smallest: tuple[int, int]
    largest: tuple[int, int]
    pixels: int
    value_range: tuple[float, float]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    class_names: tuple[str, ...]
    class_frequencies: tuple[float, ...]
    mask_coding: Mapping[str, Any]

    @property
    def info(self) -> ModelInfo:
        """What is saved with a network that was trained on these images."""
        return ModelInfo(
            class_names=self.class_names,
            class_frequencies=self.class_frequencies,
            mask_coding=self.mask_coding,
            value_range=self.value_range,
            mean=self.mean,
            std=self.std,
        )


def measure(readings: Sequence[Reading], coding: Coding) -> Statistics:
    """The statistics of what was read; there must be an image, and all must have the same channels."""
    images = [reading.image for reading in readings if reading.image is not None]
    low, high = _value_range(images)
    pixels = sum(image.shape[0] * image.shape[1] for image in images)
    mean = np.sum([image.sums for image in images], axis=0) / pixels
    variance = np.sum([image.squares for image in images], axis=0) / pixels - mean**2
    std = np.sqrt(variance.clip(0))
    std = np.where(std > _CONSTANT * abs(mean), std / (high - low), 1)
    sizes = np.array([image.shape[:2] for image in images])
    return Statistics(
        images=len(images),
        channels=images[0].shape[2],
        smallest=(int(sizes[:, 0].min()), int(sizes[:, 1].min())),
        largest=(int(sizes[:, 0].max()), int(sizes[:, 1].max())),
        pixels=pixels,
        value_range=(low, high),
        mean=tuple(((mean - low) / (high - low)).tolist()),
        std=tuple(std.tolist()),
        class_names=coding.class_names,
        class_frequencies=_frequencies(readings, coding),
        mask_coding=coding.to_dict(),
    )


def class_counts(reading: Reading, coding: Coding) -> NDArray[np.int64]:
    """The pixels of each class (classes,) of what was read, int64; those of codes of no class are left out."""
    classes = len(coding.class_names)
    codes = reading.mask.codes_as(coding.kind_of(reading.mask.form)) if reading.mask else None
    if reading.mask is None or codes is None:
        return np.zeros(classes, dtype=np.int64)
    places = coding.places(codes)
    known = (places >= 0) & (places < classes)
    return np.bincount(places[known], weights=reading.mask.counts[known], minlength=classes).astype(np.int64)


def _frequencies(readings: Sequence[Reading], coding: Coding) -> tuple[float, ...]:
    counts = np.sum([class_counts(reading, coding) for reading in readings], axis=0)
    return tuple((counts / max(1, counts.sum())).tolist())


def _value_range(images: Sequence[ImageFacts]) -> tuple[float, float]:
    dtypes = {image.dtype for image in images}
    if len(dtypes) == 1 and (full := _FULL_RANGES.get(next(iter(dtypes)))):
        return full
    low, high = min(image.low for image in images), max(image.high for image in images)
    return low, high if high > low else low + 1
