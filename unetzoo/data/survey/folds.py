"""Folds of a data set for cross-validation: each image is held out once."""

import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.sources.source import Entry
from unetzoo.data.sources.splits import shuffled
from unetzoo.data.survey.statistics import class_counts
from unetzoo.data.survey.survey import Survey
from unetzoo.errors import DataError
from unetzoo.nn.coding import MaskCoding
from unetzoo.nn.info import ModelInfo

_MOST = 1000  # folds
_SEEN = (
    "most of these networks were trained on these images: the numbers say little; the scores out of fold are in the "
    "folds.json of the training"
)


def folds_of(survey: Survey, count: int) -> tuple[Survey, ...]:
    """The data set `count` times, each time with other images for validation.

    The images for training and validation are dealt to the folds; those for the test stay out. Images of one group, or
    with equal pixels where there is no group, stay together. Each class occurs in about as many groups of each fold
    (iterative stratification, Sechidis et al. 2011, doi:10.1007/978-3-642-23808-6_10). The same data gives the same
    folds each time.

    Args:
        survey: of the data set, without errors.
        count: of folds, at least 2.

    Raises:
        DataError: there are errors in the data, fewer groups than folds, or splits that are blocks of images.
    """
    _ = survey.statistics  # raises for errors
    if survey.split_by:
        raise DataError(
            "the splits are blocks of the ground of images, and neighbors in different folds would touch: folds need "
            "several images, with split_by='images' (--split-by images)"
        )
    pool = sorted([*survey.splits.get("train", ()), *survey.splits.get("val", ())])
    groups = _groups(survey, pool)
    if len(groups) < count:
        raise DataError(
            f"{count} folds need as many groups of images, and the data has {len(groups)}: choose fewer folds (images "
            "of one group, or with the same pixels, stay in one fold)"
        )
    names = sorted(groups, key=lambda name: (-len(groups[name]), shuffled(name)))
    folds = _dealt([len(groups[name]) for name in names], _presence(survey, [groups[name] for name in names]), count)
    return tuple(
        _with_validation(survey, {index for place in fold for index in groups[names[place]]}, pool) for fold in folds
    )


def fold_of(survey: Survey, folds: int | None, fold: int | None) -> Survey:
    """The data set with one of its folds for validation; as it is where no fold is chosen.

    Raises:
        DataError: as `folds_of`.
    """
    return survey if folds is None or fold is None else folds_of(survey, folds)[fold]


def entries_as_trained(survey: Survey, info: ModelInfo) -> tuple[Sequence[Entry], str]:
    """The entries of a data set with the splits that they had for the network of a fold, and what these mean.

    For the networks of all folds together, images for training and validation are one split, which has a note; for any
    other network, and for other data, the entries are as they are.
    """
    entries, (folds, fold) = survey.source.entries, folds_in(info)
    if not folds or survey.errors:
        return entries, ""
    try:
        parts = folds_of(survey, folds)
    except DataError:  # fewer groups than folds: it is other data
        return entries, ""
    own = parts[fold or 0]
    if not own.is_training_data_of(info):
        return entries, ""
    split_of = {index: split for split, indices in own.splits.items() for index in indices}
    if fold is not None:
        return [replace(entry, split=split_of[index]) for index, entry in enumerate(entries)], ""
    splits = ["test" if split_of[index] == "test" else "val" for index in range(len(entries))]
    return [replace(entry, split=split) for entry, split in zip(entries, splits, strict=True)], _SEEN


def folds_in(info: ModelInfo) -> tuple[int | None, int | None]:
    """The number of folds, and that of its own, in the recipe of a network; None: there are no folds, or it has all."""
    try:
        data = tomllib.loads(info.recipe).get("data", {})
        folds, fold = data.get("folds"), data.get("fold")
    except (tomllib.TOMLDecodeError, AttributeError, RecursionError):  # a file of strangers
        return None, None
    is_sound = isinstance(folds, int) and 2 <= folds <= _MOST and (fold is None or fold in range(folds))
    return (folds, fold) if is_sound else (None, None)


def _with_validation(survey: Survey, chosen: set[int], pool: Sequence[int]) -> Survey:
    splits = {
        "train": [index for index in pool if index not in chosen],
        "val": [index for index in pool if index in chosen],
        "test": survey.splits.get("test", ()),
    }
    return replace(survey, splits={split: indices for split, indices in splits.items() if indices})


def _groups(survey: Survey, pool: Sequence[int]) -> Mapping[str, list[int]]:
    """The images that stay together, by a name that does not depend on where files lie."""
    digests = {reading.index: reading.image.digest.hex() for reading in survey.readings if reading.image}
    groups = defaultdict(list)
    for index in pool:
        group = survey.source.entries[index].group
        groups[f"group {group}" if group else f"image {digests[index]}"].append(index)
    return groups


def _presence(survey: Survey, groups: Sequence[Sequence[int]]) -> NDArray[np.bool_]:
    """Which classes each group has, (groups, classes)."""
    coding = survey.coding
    assert isinstance(coding, MaskCoding)  # noqa: S101 - a survey without errors has one
    counts = {reading.index: class_counts(reading, coding) for reading in survey.readings}
    return np.array([np.sum([counts[index] for index in group], axis=0) > 0 for group in groups])


def _dealt(sizes: Sequence[int], present: NDArray[np.bool_], count: int) -> list[list[int]]:
    """The places of the groups of each fold.

    Args:
        sizes: number of images of each group.
        present: which classes it has, (groups, classes).
        count: of folds.
    """
    folds: list[list[int]] = [[] for _ in range(count)]
    missing = np.tile(present.sum(0) / count, (count, 1))  # groups of each class, by fold
    images = np.full(count, sum(sizes) / count)
    for place, number in _rarest_first(present):
        left = len(sizes) - sum(map(len, folds))
        empty = [fold for fold in range(count) if not folds[fold]]
        eligible = empty if left <= len(empty) else range(count)
        needs = missing[:, number] if number is not None else np.zeros(count)
        fold = max(eligible, key=lambda each: (needs[each], images[each]))
        folds[fold].append(place)
        missing[fold] -= present[place]
        images[fold] -= sizes[place]
    return folds


def _rarest_first(present: NDArray[np.bool_]) -> Iterator[tuple[int, int | None]]:
    """Each group once, with the class by which it is dealt: the rarest one among the groups that are left."""
    left = np.ones(len(present), bool)
    while left.any():
        counts = present[left].sum(0)
        number = int(np.where(counts > 0, counts, len(present) + 1).argmin()) if counts.any() else None
        chosen = left if number is None else left & present[:, number]
        for place in np.flatnonzero(chosen).tolist():
            yield place, number
        left &= ~chosen
