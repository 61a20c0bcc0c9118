"""Statistics of a data set's images and masks: measured once, and saved with the network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.formats.orientation import AXES
from unetzoo.data.formats.pixels import pixel_sizes
from unetzoo.data.masks.decode import class_ids, kind_of, planes_of
from unetzoo.data.survey.channels import lonely_values
from unetzoo.data.survey.reading import ImageFacts, Reading
from unetzoo.nn.coding import UNKNOWN, Labels, MaskCoding
from unetzoo.nn.info import ModelInfo

_CONSTANT = 1e-6  # std by mean of a channel that is the same everywhere, but for rounding
_FULL_RANGES = {"uint8": (0.0, 255.0), "bool": (0.0, 1.0)}


@dataclass(frozen=True)
class Statistics:
    """Statistics of the images and masks of a data set.

    Attributes:
        images: number of images.
        channels: of each.
        smallest: height and width in pixels, each the smallest of all images; of volumes depth, height and width.
        largest: likewise.
        pixels: of all images together.
        value_range: lowest and highest value; (0, 255) for 8 bits.
        mean: of each channel, after scaling `value_range` to 0 to 1.
        std: likewise, > 0; 1 of a channel that is the same everywhere.
        class_names: of each class id.
        class_frequencies: share of each class of the pixels whose class is known, 0 to 1; of classes that overlap, of
            the pixels where that class is known.
        mask_coding: what the values of the masks mean, see `unetzoo.nn.coding.MaskCoding.to_dict`.
        dtypes: of the values of the images.
        nodata: values of the images that stand for no data: files say so, or they lie far from all others; neither
            they nor NaN count above.
        channel_names: of each channel, such as `("red", "green", "nir")`; empty: not known.
        pixel_size: height and width of a pixel, their medians, of volumes the depth first; empty: not all files say it.
        pixel_size_range: the smallest and the largest side of a pixel.
        unit: of these lengths.
        overlap: share of the pixels that have several classes, 0 to 1.
    """

    images: int
    channels: int
    smallest: tuple[int, ...]
    largest: tuple[int, ...]
    pixels: int
    value_range: tuple[float, float]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    class_names: tuple[str, ...]
    class_frequencies: tuple[float, ...]
    mask_coding: Mapping[str, Any]
    dtypes: tuple[str, ...] = ()
    nodata: tuple[float, ...] = ()
    channel_names: tuple[str, ...] = ()
    pixel_size: tuple[float, ...] = ()
    pixel_size_range: tuple[float, ...] = ()
    unit: str = ""
    overlap: float = 0.0

    @property
    def labels(self) -> Labels:
        """Whether classes exclude one another."""
        is_overlapping = self.mask_coding.get("kind") == "sets" or self.mask_coding.get("regions")
        return "overlapping" if is_overlapping else "exclusive"

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
            image_dtypes=self.dtypes,
            nodata=self.nodata,
            channel_names=self.channel_names,
            pixel_size=self.pixel_size,
            pixel_size_range=self.pixel_size_range,
            unit=self.unit,
        )


def measure(readings: Sequence[Reading], coding: MaskCoding) -> Statistics:
    """The statistics of readings; there must be an image, and all must have the same channels."""
    images = [reading.image for reading in readings if reading.image is not None]
    nodata = find_nodata(images)
    low, high = _value_range(images, nodata)
    sums = np.sum([[channel.sums(nodata) for channel in image.channels] for image in images], axis=0)
    count, total, squares = sums.T
    mean = total / count.clip(1)
    variance = squares / count.clip(1) - mean**2
    std = np.sqrt(variance.clip(0))
    std = np.where(std > _CONSTANT * abs(mean), std / (high - low), 1)
    sizes = np.array([image.shape[:-1] for image in images])
    pixels, unit = pixel_sizes([image.grid for image in images], axes=AXES[-sizes.shape[1] :])
    return Statistics(
        images=len(images),
        channels=images[0].shape[-1],
        smallest=tuple(sizes.min(0).tolist()),
        largest=tuple(sizes.max(0).tolist()),
        pixels=int(sizes.prod(1).sum()),
        value_range=(low, high),
        mean=tuple(((mean - low) / (high - low)).tolist()),
        std=tuple(std.tolist()),
        class_names=coding.class_names,
        class_frequencies=_frequencies(readings, coding),
        mask_coding=coding.to_dict(),
        dtypes=tuple(sorted({image.dtype for image in images})),
        nodata=nodata,
        channel_names=_bands(images),
        pixel_size=tuple(np.median(pixels, 0).tolist()) if unit else (),
        pixel_size_range=(float(pixels.min()), float(pixels.max())) if unit else (),
        unit=unit,
        overlap=_overlap(readings, coding),
    )


def find_nodata(images: Sequence[ImageFacts]) -> tuple[float, ...]:
    """The values that stand for no data in images: values far from all others, and those that files name.

    A value that a file names does not count if another image measures it, such as 0 for black.
    """
    named = {value for image in images for value in image.nodata}
    measured = {value for value in named for image in images if value not in image.nodata and _may_hold(image, value)}
    return tuple(sorted({*lonely_values([image.channels for image in images]), *named} - measured))


def _bands(images: Sequence[ImageFacts]) -> tuple[str, ...]:
    """The names of the channels, where all files give the same, each once; capitals do not matter."""
    names, folded = images[0].grid.bands, {tuple(map(str.casefold, image.grid.bands)) for image in images}
    is_complete = (
        len(folded) == 1 and all(names) and len({*map(str.casefold, names)}) == len(names) == images[0].shape[-1]
    )
    return names if is_complete else ()


def _may_hold(image: ImageFacts, value: float) -> bool:
    return any(channel.count and channel.low <= value <= channel.high for channel in image.channels)


def class_counts(reading: Reading, coding: MaskCoding) -> NDArray[np.int64]:
    """The number of pixels of each class (classes,), int64; codes of no class are left out."""
    if coding.labels == "overlapping":
        planes, counts = plane_counts(reading, coding)
        return np.asarray(((planes == 1) * counts).sum(1))
    classes = len(coding.class_names)
    codes = reading.mask.codes_as(kind_of(reading.mask.form, coding)) if reading.mask else None
    if reading.mask is None or codes is None:
        return np.zeros(classes, dtype=np.int64)
    places = class_ids(codes, coding)
    known = (places >= 0) & (places < classes)
    return np.bincount(places[known], weights=reading.mask.counts[known], minlength=classes).astype(np.int64)


def plane_counts(reading: Reading, coding: MaskCoding) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The planes (classes, codes) of the codes of a mask whose classes overlap, and the pixels (codes,) of each."""
    codes = reading.mask.codes_as(coding.kind) if reading.mask else None
    if reading.mask is None or codes is None:
        return np.zeros((len(coding.class_names), 0), np.uint8), np.zeros(0, np.int64)
    return planes_of(codes, coding), reading.mask.counts


def _overlap(readings: Sequence[Reading], coding: MaskCoding) -> float:
    """The share of the pixels that have several classes."""
    if coding.labels == "exclusive":
        return 0.0
    each = [plane_counts(reading, coding) for reading in readings]
    several = sum(int(counts[(planes == 1).sum(0) > 1].sum()) for planes, counts in each)
    return several / max(1, sum(int(counts.sum()) for _, counts in each))


def _known(reading: Reading, coding: MaskCoding) -> NDArray[np.int64]:
    """The pixels (classes,) in which it is known whether they have each class."""
    if coding.labels == "exclusive":
        return np.broadcast_to(class_counts(reading, coding).sum(), len(coding.class_names))
    planes, counts = plane_counts(reading, coding)
    return np.asarray(((planes != UNKNOWN) * counts).sum(1))


def _frequencies(readings: Sequence[Reading], coding: MaskCoding) -> tuple[float, ...]:
    counts = np.sum([class_counts(reading, coding) for reading in readings], axis=0)
    known = np.sum([_known(reading, coding) for reading in readings], axis=0)
    return tuple((counts / known.clip(1)).tolist())


def _value_range(images: Sequence[ImageFacts], nodata: Sequence[float]) -> tuple[float, float]:
    dtypes = {image.dtype for image in images}
    if len(dtypes) == 1 and (full := _FULL_RANGES.get(next(iter(dtypes)))):
        return full
    marks = {mark for image in images for channel in image.channels for mark in channel.marks} - {*nodata}
    low, high = min(marks, default=0.0), max(marks, default=1.0)
    return low, high if high > low else low + 1
