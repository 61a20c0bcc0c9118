"""Thresholds are chosen by Dice, class by class."""

import numpy as np
import pytest
import torch
from overlaps import NAMES, Discs
from sklearn.metrics import f1_score
from squares import Squares

import unetzoo
from unetzoo.evaluation.thresholds import TRIED, count_above


def _network(**options):
    torch.manual_seed(1)
    return unetzoo.create("unet", encoder="plain", encoder_options={"widths": [4, 8]}, **options).eval()


def test_pixels_above_each_level_are_counted_where_the_truth_is_known():
    random = np.random.default_rng(0)
    probability = random.choice(np.array([0.1, 0.25, 0.5, 0.7, np.nan], np.float32), (30, 30))
    truth = random.choice([0, 1, 255], (30, 30))
    levels = np.array([0.1, 0.3, 0.5, 0.9], np.float32)
    counts = count_above(probability, truth, levels)
    known = (truth != 255) & ~np.isnan(probability)
    for level, (true, false, missed) in zip(levels, counts, strict=True):
        above = probability > level
        assert true == (above & known & (truth == 1)).sum()
        assert false == (above & known & (truth == 0)).sum()
        assert missed == (~above & known & (truth == 1)).sum()


def _best(probabilities, truth):
    """The largest Dice over all thresholds, by scikit-learn."""
    return max(f1_score(truth, probabilities > np.float32(level)) for level in TRIED)


def test_each_class_that_may_overlap_gets_the_threshold_of_the_largest_dice():
    model, data = _network(classes=2, labels="overlapping"), Discs(4)
    probabilities = np.stack([unetzoo.predict(model, data[index].image) for index in range(4)], axis=1)
    truth = np.stack([data[index].mask for index in range(4)], axis=1)
    tuning = unetzoo.tune(model, data)
    assert list(tuning.changes) == [f"threshold of {name}" for name in NAMES]
    assert model.config.info.thresholds == tuple(after for _, after in tuning.changes.values())
    scores = [_best(probabilities[place].ravel(), truth[place].ravel()) for place in range(2)]
    assert tuning.after == pytest.approx(np.mean(scores), abs=2e-3)
    result = unetzoo.evaluate(model, data)
    assert result.mean["Dice"].value == pytest.approx(tuning.after)
    assert tuning.after >= tuning.before
    assert tuning.score == "Dice"


def test_the_foreground_of_a_single_logit_gets_a_threshold():
    model, data = _network(classes=1, in_channels=1), Squares(3, 0)
    foreground = np.stack([unetzoo.predict(model, data[index].image)[0] for index in range(3)])
    truth = np.stack([data[index].mask for index in range(3)])
    tuning = unetzoo.tune(model, data)
    assert tuning.after == pytest.approx(_best(foreground.ravel(), truth.ravel()), abs=2e-3)
    assert unetzoo.evaluate(model, data).classes[1]["Dice"].value == pytest.approx(tuning.after)


def test_thresholds_of_exclusive_classes_are_not_tuned():
    with pytest.raises(unetzoo.OptionError, match="several classes that exclude one another"):
        unetzoo.tune(_network(classes=2, in_channels=1), Squares(2, 0))


def test_images_without_any_class_are_refused():
    class Empty(Discs):
        def __getitem__(self, index):
            sample = super().__getitem__(index)
            return sample._replace(mask=0 * sample.mask)

    with pytest.raises(unetzoo.DataError, match="no pixel of any class"):
        unetzoo.tune(_network(classes=2, labels="overlapping"), Empty(2))
