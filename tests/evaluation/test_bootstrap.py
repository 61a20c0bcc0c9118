import numpy as np
import pytest
from scipy.stats import bootstrap

from unetzoo.evaluation.bootstrap import Bootstrap, Estimate
from unetzoo.evaluation.scores import iou


def test_the_interval_of_a_mean_is_that_of_scipy():
    values = np.random.default_rng(0).normal(0.7, 0.1, (60, 1))
    (estimate,) = Bootstrap(60, resamples=20_000, seed=0).of_means(values)
    wanted = bootstrap((values[:, 0],), np.mean, method="percentile", n_resamples=20_000, rng=1).confidence_interval
    assert (estimate.low, estimate.high) == pytest.approx((wanted.low, wanted.high), abs=1e-3)
    assert estimate.value == pytest.approx(values.mean())


def test_the_interval_of_a_ratio_of_sums_is_that_of_scipy():
    counts = np.random.default_rng(0).integers(1, 50, (40, 3))
    (estimate,) = Bootstrap(40, resamples=20_000, seed=0).of_sums(counts[:, None], iou)

    def ratio(true, false, missed, axis):
        true, false, missed = (part.sum(axis) for part in (true, false, missed))
        return true / (true + false + missed)

    wanted = bootstrap(tuple(counts.T), ratio, paired=True, method="percentile", n_resamples=20_000, rng=1)
    interval = wanted.confidence_interval
    assert (estimate.low, estimate.high) == pytest.approx((interval.low, interval.high), abs=2e-3)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    random = np.random.default_rng(0)
    covered = 0
    for trial in range(300):
        (estimate,) = Bootstrap(50, resamples=400, seed=trial).of_means(random.exponential(1, (50, 1)))
        covered += estimate.low <= 1 <= estimate.high
    assert 0.88 <= covered / 300 <= 0.97


def test_a_single_image_has_no_interval():
    (estimate,) = Bootstrap(1, resamples=100, seed=0).of_means(np.array([[0.5]]))
    assert estimate == Estimate(0.5)
    assert str(estimate) == "0.500"


def test_what_is_defined_for_no_image_has_no_value():
    (estimate,) = Bootstrap(3, resamples=100, seed=0).of_means(np.full((3, 1), np.nan))
    assert estimate == Estimate(None)
    assert str(estimate) == "-"


def test_images_without_a_value_are_left_out_of_the_mean():
    (estimate,) = Bootstrap(3, resamples=100, seed=0).of_means(np.array([[0.2], [np.nan], [0.4]]))
    assert estimate.value == pytest.approx(0.3)
    assert 0.2 <= estimate.low <= estimate.high <= 0.4 + 1e-9


def test_the_seed_makes_the_interval():
    values = np.random.default_rng(0).random((20, 1))
    first, again, other = (Bootstrap(20, resamples=50, seed=seed).of_means(values) for seed in (1, 1, 2))
    assert first == again != other


def test_what_one_image_alone_defines_has_no_interval():
    drawn = Bootstrap(6, resamples=100, seed=0)
    counts = np.zeros((6, 2, 3), np.int64)
    counts[0, 0], counts[:, 1] = (5, 2, 1), (1, 1, 0)
    (alone, all_alike) = drawn.of_sums(counts, iou)
    assert alone == Estimate(5 / 8)
    assert all_alike == Estimate(0.5, 0.5, 0.5)
    (mean,) = drawn.of_means(np.array([[0.3], *[[np.nan]] * 5]))
    assert mean == Estimate(0.3)


def test_a_number_may_follow_from_means():
    values = np.array([[0.2, np.nan], [0.4, np.nan], [0.3, 0.9]])
    (both,) = Bootstrap(3, resamples=10, seed=0).of_means(values, lambda means: np.nanmean(means, -1, keepdims=True))
    assert both.value == pytest.approx((0.3 + 0.9) / 2)
