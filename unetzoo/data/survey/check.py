"""Everything that is wrong with a data set, found before a training begins."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from unetzoo.data.masks.decode import complaint, kind_of, strange_codes
from unetzoo.data.masks.forms import say_kind
from unetzoo.data.sources.source import Source
from unetzoo.data.survey.channels import Channel, lonely_values
from unetzoo.data.survey.doubts import find_doubts
from unetzoo.data.survey.pixels import ImageFacts, Reading, masks_of
from unetzoo.data.survey.statistics import class_counts
from unetzoo.nn.coding import MaskCoding

_TAKEN = "it is taken for no data, filled with the mean, and counts neither in the loss nor in scores"

Severity = Literal["error", "warning"]
_SHOWN = 6  # names of classes


@dataclass(frozen=True)
class Problem:
    """Something that is wrong.

    Attributes:
        severity: an error stands in the way of training, a warning does not.
        text: one line, with the names of the files.
    """

    severity: Severity
    text: str


def find_problems(
    source: Source, splits: Mapping[str, Sequence[int]], readings: Sequence[Reading], coding: MaskCoding | str
) -> list[Problem]:
    """All problems of a data set, errors first.

    Args:
        source: what was read from.
        splits: the entries of each split.
        readings: what reading each entry gave.
        coding: what the masks mean, or why that cannot be told.
    """
    errors = list(chain(*(_of_files(source, reading) for reading in readings)))
    errors += _of_channels(source, readings)
    warnings = [*source.problems, *_leaks(source, splits, readings), *_split_groups(source, splits)]
    warnings += [*_of_doubts(source, readings), *_mixed_types(readings), *_nodata(source, readings)]
    if isinstance(coding, str):
        errors += [*_of_kinds(readings), coding]
    else:
        warnings += find_doubts(masks_of(readings), coding)
        errors += chain(*(_of_codes(source, reading, coding) for reading in readings))
        warnings += [*_empty(source, readings, coding), *_absent_classes(splits, readings, coding)]
    if not splits.get("train"):
        errors.append("no image is there to train on")
    elif not any(reading.image and _has_data(reading.image) for reading in readings):
        errors.append("none of the images has data: all of their values stand for none, or are NaN")
    return [Problem("error", text) for text in errors] + [Problem("warning", text) for text in warnings]


def find_mask_problems(source: Source, readings: Sequence[Reading], coding: MaskCoding) -> list[str]:
    """What is wrong with single masks: they cannot be read, or hold what is no class."""
    return list(chain(*((*reading.problems, *_of_codes(source, reading, coding)) for reading in readings)))


def _of_files(source: Source, reading: Reading) -> Iterator[str]:
    yield from reading.problems
    if reading.image and reading.mask and reading.image.shape[:2] != reading.mask.shape:
        name = source.entries[reading.index].name
        image, mask = (" x ".join(map(str, shape)) for shape in (reading.image.shape[:2], reading.mask.shape))
        yield f"{name}: the image has {image} pixels, its mask {mask}"


def _of_doubts(source: Source, readings: Sequence[Reading]) -> Iterator[str]:
    """Each doubt once, with the first of the files that it is about."""
    names = defaultdict(list)
    for reading in readings:
        for doubt in reading.doubts:
            names[doubt].append(source.entries[reading.index].name)
    for doubt, (first, *others) in names.items():
        yield f"{first}{f' and {len(others)} more' if others else ''}: {doubt}"


def _of_channels(source: Source, readings: Sequence[Reading]) -> Iterator[str]:
    names = defaultdict(list)
    for reading in readings:
        if reading.image:
            names[reading.image.shape[2]].append(source.entries[reading.index].name)
    usual = max(names, key=lambda channels: len(names[channels]), default=0)
    for channels in sorted(names.keys() - {usual}):
        for name in names[channels]:
            yield f"{name} has {channels} channels, most images have {usual}"


def _of_kinds(readings: Sequence[Reading]) -> Iterator[str]:
    names = defaultdict(list)
    for mask in masks_of(readings):
        if not mask.is_blank:
            names[say_kind(mask.form.natural)].append(mask.name)
    usual = max(names, key=lambda kind: len(names[kind]), default="ids")
    for kind in sorted(names.keys() - {usual}):
        for name in names[kind]:
            yield f"{name}: its mask is stored as {kind}, most masks as {usual}"


def _of_codes(source: Source, reading: Reading, coding: MaskCoding) -> Iterator[str]:
    if reading.mask is None:
        return
    name, kind = source.entries[reading.index].name, kind_of(reading.mask.form, coding)
    codes = reading.mask.codes_as(kind)
    if codes is None:
        stored = say_kind(reading.mask.form.natural)
        yield f"{name}: its mask is stored as {stored}, and cannot be read as {say_kind(kind)}"
    elif strangers := strange_codes(codes, coding):
        yield f"{name}: {complaint(strangers, reading.mask.form, coding)}"


def _mixed_types(readings: Sequence[Reading]) -> Iterator[str]:
    ranges: dict[str, set[float]] = defaultdict(set)
    for reading in readings:
        if reading.image:
            ranges[reading.image.dtype] |= {mark for channel in reading.image.channels for mark in channel.marks}
    if len(ranges) > 1:
        told = [
            f"{dtype} from {min(marks):,.5g} to {max(marks):,.5g}" if marks else dtype
            for dtype, marks in sorted(ranges.items())
        ]
        yield (
            f"the images have different types of values, which are taken as they are: {', '.join(told)}; if their "
            "scales differ, bring them to one"
        )


def _nodata(source: Source, readings: Sequence[Reading]) -> Iterator[str]:
    """What stands for no data though no file says so, and images that have no other values."""
    images = {reading.index: reading.image for reading in readings if reading.image}
    if len({image.shape[2] for image in images.values()}) == 1:
        channels = [image.channels for image in images.values()]
        for value in lonely_values(channels):
            yield _lonely(value, channels, sum(math.prod(image.shape) for image in images.values()))
    nan = [image for image in images.values() if image.missing and not image.nodata and "float" in image.dtype]
    if nan:
        share = sum(image.missing for image in nan) / sum(math.prod(image.shape) for image in nan)
        yield f"{_count(len(nan))} NaN, {share:.2%} of the values there: {_TAKEN}"
    for index, image in images.items():
        if not _has_data(image):
            yield f"{source.entries[index].name}: none of its pixels has data"


def _lonely(value: float, images: Sequence[Sequence[Channel]], total: int) -> str:
    times = [sum(channel.times(value) for channel in image) for image in images]
    share = sum(times) / total
    return f"{_count(sum(map(bool, times)))} the value {value:.8g}, far from all others, {share:.2%} of all: {_TAKEN}"


def _count(images: int) -> str:
    return "1 image holds" if images == 1 else f"{images:,} images hold"


def _has_data(image: ImageFacts) -> bool:
    return any(channel.count for channel in image.channels)


def _leaks(source: Source, splits: Mapping[str, Sequence[int]], readings: Sequence[Reading]) -> Iterator[str]:
    split_of = {index: split for split, indices in splits.items() for index in indices}
    same = defaultdict(list)
    for reading in readings:
        if reading.image:
            same[reading.image.digest].append(reading.index)
    for indices in same.values():
        if len({split_of.get(index) for index in indices}) > 1:
            named = ", ".join(f"{source.entries[index].name} ({split_of.get(index)})" for index in indices)
            yield f"the same picture is in several splits, which makes scores too good: {named}"


def _split_groups(source: Source, splits: Mapping[str, Sequence[int]]) -> Iterator[str]:
    found = defaultdict(set)
    for split, indices in splits.items():
        for index in indices:
            found[source.entries[index].group].add(split)
    for group, names in found.items():
        if group and len(names) > 1:
            yield f"the group {group!r} is in the splits {' and '.join(sorted(names))}, which makes scores too good"


def _empty(source: Source, readings: Sequence[Reading], coding: MaskCoding) -> Iterator[str]:
    for reading in readings:
        if reading.mask is None:
            continue
        counts, name = class_counts(reading, coding), source.entries[reading.index].name
        if not counts.any():
            yield f"{name}: the class of none of its pixels is known"
        elif coding.class_names[0] == "background" and not counts[1:].any():
            yield f"{name}: its mask is empty, all is background"


def _absent_classes(
    splits: Mapping[str, Sequence[int]], readings: Sequence[Reading], coding: MaskCoding
) -> Iterator[str]:
    present = {reading.index: class_counts(reading, coding) > 0 for reading in readings if reading.mask}
    for split, indices in splits.items():
        counted = [present[index] for index in indices if index in present]
        if not counted:
            continue  # as other problems say
        absent = [name for number, name in enumerate(coding.class_names) if not any(found[number] for found in counted)]
        if len(absent) > _SHOWN:
            shown = ", ".join(map(repr, absent[:_SHOWN]))
            yield f"{len(absent)} classes never occur in the split {split!r}: {shown}, ..."
        else:
            yield from (f"class {name!r} never occurs in the split {split!r}" for name in absent)
