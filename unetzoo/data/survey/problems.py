"""Everything that is wrong with a data set, before a training begins."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import numpy as np

from unetzoo.data.formats.pixels import mixed_units
from unetzoo.data.masks.decode import complaint, kind_of, strange_codes
from unetzoo.data.masks.forms import say_kind
from unetzoo.data.masks.options import Masks
from unetzoo.data.masks.rows import shape_in_rows
from unetzoo.data.sources.source import Finding, Source, sentences
from unetzoo.data.survey.bands import mixed_bands
from unetzoo.data.survey.channels import Channel, lonely_values
from unetzoo.data.survey.doubts import find_doubts
from unetzoo.data.survey.reading import ImageFacts, Reading, masks_of
from unetzoo.data.survey.statistics import class_counts
from unetzoo.nn.coding import MaskCoding

_TAKEN = "it is taken for no data, filled with the mean, and counts neither in the loss nor in scores"

Severity = Literal["error", "warning"]
_MOST_CLASSES = 6  # that are named


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with a data set.

    Attributes:
        severity: `"error"` stands in the way of training, `"warning"` does not.
        text: one line, with the names of the files.
    """

    severity: Severity
    text: str


def find_problems(
    source: Source,
    splits: Mapping[str, Sequence[int]],
    readings: Sequence[Reading],
    coding: MaskCoding | str,
    masks: Masks = "auto",
) -> list[Problem]:
    """All problems of a data set, errors first.

    Args:
        source: of the readings.
        splits: the entries of each split.
        readings: of each entry.
        coding: what the masks mean, or why that cannot be decided.
        masks: what the user or the data say of them.
    """
    names = [source.case(index) for index in range(len(source.entries))]
    findings = [*chain(*(_of_files(names, reading) for reading in readings)), *_of_channels(names, readings)]
    moved, renamed = mixed_bands(names, readings)
    findings += moved
    doubts = [*chain(*(reading.doubts for reading in readings)), *renamed]
    warnings = [*source.problems, *_leaks(names, splits, readings), *_split_groups(source, splits), *sentences(doubts)]
    warnings += [*_mixed_types(readings), *_mixed_units(readings), *_nodata(names, readings)]
    if isinstance(coding, str):
        findings += _of_kinds(readings)
        errors = [*sentences(findings), coding]
    else:
        findings += chain(*(_of_codes(names, reading, coding) for reading in readings))
        errors = sentences(findings)
        is_said = source.knows_objects or source.declared is not None
        warnings += find_doubts(masks_of(readings), coding, is_said=is_said, kind=masks)
        warnings += [*sentences(_empty(names, readings, coding)), *_absent_classes(splits, readings, coding)]
    images = [reading.image for reading in readings if reading.image]
    if not splits.get("train"):
        errors.append("there are no images to train on")
    elif images and not any(map(_has_data, images)):
        errors.append("none of the images has data: all of their values stand for none, or are NaN")
    return [Problem("error", text) for text in errors] + [Problem("warning", text) for text in warnings]


def find_mask_problems(source: Source, readings: Sequence[Reading], coding: MaskCoding) -> list[str]:
    """What is wrong with single masks: they cannot be read, or hold values of no class."""
    names = [source.case(index) for index in range(len(source.entries))]
    return sentences(chain(*((*reading.problems, *_of_codes(names, reading, coding)) for reading in readings)))


def summary_of(errors: Sequence[str]) -> str:
    """The first error, and how many more there are."""
    more = f" (and {len(errors) - 1} more; `unetzoo data check` lists them)" if len(errors) > 1 else ""
    return f"{errors[0]}{more}"


def _of_files(names: Sequence[str], reading: Reading) -> Iterator[Finding]:
    yield from reading.problems
    if reading.image and reading.mask and shape_in_rows(reading.image.shape[:-1]) != reading.mask.shape:
        image, mask = (" x ".join(map(str, shape)) for shape in (reading.image.shape[:-1], reading.mask.shape))
        yield Finding(names[reading.index], f": the image has {image} pixels, its mask {mask}")


def _of_channels(names: Sequence[str], readings: Sequence[Reading]) -> Iterator[Finding]:
    yield from _of_axes(names, readings)
    counts = Counter(reading.image.shape[-1] for reading in readings if reading.image)
    usual = max(counts, key=counts.__getitem__, default=0)
    for reading in readings:
        if reading.image and (channels := reading.image.shape[-1]) != usual:
            noun = "channel" if channels == 1 else "channels"
            yield Finding(names[reading.index], f" has {channels} {noun}, most images have {usual}")


def _of_axes(names: Sequence[str], readings: Sequence[Reading]) -> Iterator[Finding]:
    """Images among volumes, or the other way round."""
    kinds = {3: ("an image", "images"), 4: ("a volume", "volumes")}
    counts = Counter(len(reading.image.shape) for reading in readings if reading.image)
    usual = max(counts, key=counts.__getitem__, default=3)
    for reading in readings:
        if reading.image and (axes := len(reading.image.shape)) != usual:
            yield Finding(names[reading.index], f" is {kinds[axes][0]}, most are {kinds[usual][1]}")


def _of_kinds(readings: Sequence[Reading]) -> Iterator[Finding]:
    masks = [mask for mask in masks_of(readings) if not mask.is_blank]
    counts = Counter(mask.form.natural for mask in masks)
    for mask in masks:
        usual = max(counts, key=counts.__getitem__)
        if (kind := mask.form.natural) != usual:
            text = f": its mask is stored as {say_kind(kind)}, most masks as {say_kind(usual)}"
            yield Finding(mask.name, text)


def _of_codes(names: Sequence[str], reading: Reading, coding: MaskCoding) -> Iterator[Finding]:
    if reading.mask is None:
        return
    name, kind = names[reading.index], kind_of(reading.mask.form, coding)
    codes = reading.mask.codes_as(kind)
    if codes is None:
        stored = say_kind(reading.mask.form.natural)
        yield Finding(name, f": its mask is stored as {stored}, and cannot be read as {say_kind(kind)}")
    elif strange := strange_codes(codes, coding):
        yield Finding(name, f": {complaint(strange, reading.mask.form, coding)}")


def _mixed_types(readings: Sequence[Reading]) -> Iterator[str]:
    ranges: dict[str, set[float]] = defaultdict(set)
    for reading in readings:
        if reading.image:
            ranges[reading.image.dtype] |= {mark for channel in reading.image.channels for mark in channel.marks}
    if len(ranges) > 1:
        ranges_of_types = [
            f"{dtype} from {min(marks):,.5g} to {max(marks):,.5g}" if marks else dtype
            for dtype, marks in sorted(ranges.items())
        ]
        yield (
            f"the images have different types of values, which are taken as they are: {', '.join(ranges_of_types)}; "
            "if their scales differ, bring them to one"
        )


def _mixed_units(readings: Sequence[Reading]) -> Iterator[str]:
    if units := mixed_units([reading.image.grid for reading in readings if reading.image]):
        yield (
            f"the images have pixels in different units, {' and '.join(units)}, so that their sizes are not compared "
            "and not kept with the network: bring the images into one coordinate system"
        )


def _nodata(names: Sequence[str], readings: Sequence[Reading]) -> Iterator[str]:
    """What stands for no data though no file says so, and images that have no other values."""
    images = {reading.index: reading.image for reading in readings if reading.image}
    if len({image.shape[-1] for image in images.values()}) == 1:
        channels = [image.channels for image in images.values()]
        for value in lonely_values(channels):
            yield _lonely(value, channels, sum(math.prod(image.shape) for image in images.values()))
    nan = [image for image in images.values() if image.missing and not image.nodata and "float" in image.dtype]
    if nan:
        share = sum(image.missing for image in nan) / sum(math.prod(image.shape) for image in nan)
        yield f"{_count(len(nan))} NaN, {share:.2%} of the values there: {_TAKEN}"
    has_data = defaultdict(list)
    for index, image in images.items():
        has_data[names[index]].append(_has_data(image))
    yield from sentences(
        Finding(name, ": none of its pixels has data") for name, has in has_data.items() if not any(has)
    )


def _lonely(value: float, images: Sequence[Sequence[Channel]], total: int) -> str:
    times = [sum(channel.times(value) for channel in image) for image in images]
    share = sum(times) / total
    return f"{_count(sum(map(bool, times)))} the value {value:.8g}, far from all others, {share:.2%} of all: {_TAKEN}"


def _count(images: int) -> str:
    return "1 image holds" if images == 1 else f"{images:,} images hold"


def _has_data(image: ImageFacts) -> bool:
    return any(channel.count for channel in image.channels)


def _leaks(names: Sequence[str], splits: Mapping[str, Sequence[int]], readings: Sequence[Reading]) -> Iterator[str]:
    split_of = {names[index]: split for split, indices in splits.items() for index in indices}
    pictures = defaultdict(list)
    for reading in readings:
        if reading.image:
            pictures[names[reading.index]].append(reading.image)
    same = defaultdict(list)
    for name, images in pictures.items():
        if any(channel.low < channel.high for image in images for channel in image.channels):  # it shows something
            same[tuple(image.digest for image in images)].append(name)
    for alike in same.values():
        if len({split_of.get(name) for name in alike}) > 1:
            named = ", ".join(f"{name} ({split_of.get(name)})" for name in alike)
            yield f"the same picture is in several splits, which makes scores too good: {named}"


def _split_groups(source: Source, splits: Mapping[str, Sequence[int]]) -> Iterator[str]:
    splits_of = defaultdict(set)
    for split, indices in splits.items():
        for index in indices:
            splits_of[source.entries[index].group].add(split)
    for group, names in splits_of.items():
        if group and len(names) > 1:
            yield f"the group {group!r} is in the splits {' and '.join(sorted(names))}, which makes scores too good"


def _empty(names: Sequence[str], readings: Sequence[Reading], coding: MaskCoding) -> Iterator[Finding]:
    """Masks that show nothing: those of a volume, if all of its slices do."""
    counts = defaultdict(list)
    for reading in readings:
        if reading.mask is not None:
            counts[names[reading.index]].append(class_counts(reading, coding))
    for name, of_slices in counts.items():
        of_classes = np.sum(of_slices, axis=0)
        if coding.labels == "overlapping":
            if not of_classes.any():
                yield Finding(name, ": its mask is empty, no pixel has a class")
        elif not of_classes.any():
            yield Finding(name, ": the class of none of its pixels is known")
        elif coding.class_names[0] == "background" and not of_classes[1:].any():
            yield Finding(name, ": its mask is empty, all is background")


def _absent_classes(
    splits: Mapping[str, Sequence[int]], readings: Sequence[Reading], coding: MaskCoding
) -> Iterator[str]:
    present = {reading.index: class_counts(reading, coding) > 0 for reading in readings if reading.mask}
    for split, indices in splits.items():
        counted = [present[index] for index in indices if index in present]
        if not counted:
            continue  # as other problems say
        occurs = np.any(counted, axis=0)
        absent = [name for name, is_there in zip(coding.class_names, occurs, strict=True) if not is_there]
        if len(absent) > _MOST_CLASSES:
            shown = ", ".join(map(repr, absent[:_MOST_CLASSES]))
            yield f"{len(absent)} classes never occur in the split {split!r}: {shown}, ..."
        else:
            yield from (f"class {name!r} never occurs in the split {split!r}" for name in absent)
