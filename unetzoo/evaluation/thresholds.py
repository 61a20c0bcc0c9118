"""Choose the threshold of each class whose probability is a sigmoid: the one with the largest Dice."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.dataset import Dataset
from unetzoo.data.formats.nodata import known_where_data
from unetzoo.evaluation.masks import check_fits, predicted_maps
from unetzoo.evaluation.scores import Counts, dice
from unetzoo.evaluation.shown import presented
from unetzoo.inference.forward import Network
from unetzoo.inference.thresholds import limits_of
from unetzoo.nn.coding import UNKNOWN
from unetzoo.nn.config import ModelConfig
from unetzoo.nn.wrapped import network_of

TRIED = tuple(number / 100 for number in range(1, 100))
_GAIN = 2e-3  # of Dice, for which a threshold changes


class ChosenThresholds(NamedTuple):
    """The thresholds with the largest Dice.

    Attributes:
        before: of each class, as the network has them.
        after: of each class, the new ones.
        dice: mean over the classes that occur, with the thresholds before and after; 0 to 1.
        images: number of images.
    """

    before: tuple[float, ...]
    after: tuple[float, ...]
    dice: tuple[float, float]
    images: int


def choose_thresholds(
    model: Network, dataset: Dataset, *, tile: int | None = None, on_step: Callable[[int, int], None]
) -> ChosenThresholds | None:
    """The threshold of each class, of `TRIED` and the present one, with the largest Dice over all pixels of a data set.

    A threshold changes if that gains 0.002. None if no class occurs.

    Args:
        model: of classes that may overlap, or with a single logit.
        dataset: the images.
        tile: as in `unetzoo.predict`.
        on_step: called with the number of finished images, and of all.
    """
    config = network_of(model).config
    before = tuple(float(limit) for limit in limits_of(None, config) or (0.5,) if limit is not None)
    levels = [np.unique([*TRIED, limit]).astype(np.float32) for limit in before]
    counts = [np.zeros((len(each), 3), np.int64) for each in levels]
    for index in range(len(dataset)):
        sample, *_, whole = presented(dataset, index, config, "never")
        *space, channels = sample.image.shape
        names, labels = dataset.class_names, dataset.labels
        check_fits(model, names, channels, labels=labels, axes=len(space), image=sample.name)
        maps = predicted_maps(model, sample.image, name=sample.name, tile=tile, whole=whole)
        truth = _planes(known_where_data(sample.image, sample.mask, config.info.nodata), config)
        for place, each in enumerate(levels):
            counts[place] += count_above(maps[place], truth[place], each)
        on_step(index + 1, len(dataset))
    choices = [_choose(*each) for each in zip(counts, levels, before, strict=True)]
    present = [choice for choice, each in zip(choices, counts, strict=True) if each[0, 0] + each[0, 2]]
    if not present:
        return None
    means = np.mean([choice[1:] for choice in present], axis=0).tolist()
    return ChosenThresholds(before, tuple(choice[0] for choice in choices), (means[0], means[1]), len(dataset))


def count_above(probability: NDArray[np.float32], truth: NDArray[np.integer], levels: NDArray[np.float32]) -> Counts:
    """True positives, false positives and false negatives (levels, 3) where probabilities above each level count.

    Args:
        probability: (h, w), NaN where there is none.
        truth: (h, w) of 0, 1, and `UNKNOWN`, which does not count.
        levels: ascending.
    """
    reached = np.searchsorted(levels, probability)  # how many levels are below
    above = []
    for value in (1, 0):
        pixels = np.bincount(reached[(truth == value) & ~np.isnan(probability)], minlength=len(levels) + 1)
        above.append((pixels.sum(), pixels.sum() - pixels.cumsum()[:-1]))
    (positives, true), (_, false) = above
    return np.stack([true, false, positives - true], axis=-1)


def _choose(counts: Counts, levels: NDArray[np.float32], before: float) -> tuple[float, float, float]:
    """The best threshold, and Dice with the present one and with it; of equal ones the nearest to the present."""
    scores = np.nan_to_num(dice(counts))
    own = float(scores[np.searchsorted(levels, np.float32(before))])
    if scores.max() < own + _GAIN:
        return before, own, own
    best = np.flatnonzero(scores == scores.max())
    chosen = float(levels[best[np.abs(levels[best] - before).argmin()]])
    return round(chosen, 6), own, float(scores.max())


def _planes(truth: NDArray[np.integer], config: ModelConfig) -> NDArray[np.integer]:
    """The truth as planes (classes, h, w): that of a single logit is its second class."""
    if config.labels == "overlapping":
        return truth
    return np.where(truth == UNKNOWN, UNKNOWN, truth == 1)[None]


def names_of_thresholds(class_names: Sequence[str], config: ModelConfig) -> list[str]:
    """What each threshold of a network is called."""
    names = class_names if config.labels == "overlapping" else class_names[-1:]
    return [f"threshold of {name}" for name in names]
