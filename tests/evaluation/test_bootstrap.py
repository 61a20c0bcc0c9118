import tracemalloc

import numpy as np
import pytest
from scipy.special import logit
from scipy.stats import bootstrap, t

from unetzoo.evaluation.bootstrap import Bootstrap, Estimate
from unetzoo.evaluation.scores import iou


def _student(middle, error, images):
    """Student's interval from scipy's standard error, which is that of n drawn images and not of n - 1."""
    reach = t.ppf(0.975, images - 1) * error * np.sqrt(images / (images - 1))
    return middle - reach, middle + reach


def test_the_interval_of_a_mean_is_that_of_scipys_standard_error():
    values = np.random.default_rng(0).gamma(9, 1, (60, 1))
    (estimate,) = Bootstrap(60, resamples=20_000, seed=0).of_means(values)
    drawn = bootstrap((values[:, 0],), lambda x, axis: np.log(x.mean(axis)), n_resamples=20_000, rng=1, method="basic")
    expected = np.exp(_student(np.log(values.mean()), drawn.standard_error, 60))
    assert (estimate.low, estimate.high) == pytest.approx(expected, rel=0.01)
    assert estimate.value == pytest.approx(values.mean())


def test_the_interval_of_a_ratio_of_sums_is_that_of_scipys_standard_error():
    counts = np.random.default_rng(0).integers(1, 50, (40, 3))
    (estimate,) = Bootstrap(40, resamples=20_000, seed=0).of_sums(counts[:, None], iou)

    def ratio(true, false, missed, axis):
        true, false, missed = (part.sum(axis) for part in (true, false, missed))
        return logit(true / (true + false + missed))

    drawn = bootstrap(tuple(counts.T), ratio, paired=True, n_resamples=20_000, rng=1, method="basic")
    low, high = _student(ratio(*counts.T, axis=0), drawn.standard_error, 40)
    assert (logit(estimate.low), logit(estimate.high)) == pytest.approx((low, high), abs=0.02)


def _images(random, count):
    """Pixels of images whose IoU is 0.8 in all."""
    union = random.lognormal(6, 0.7, count)
    true = union * random.beta(8, 2, count)
    false = (union - true) * random.random(count)
    return np.stack([true, false, union - true - false], -1).round().astype(int)[:, None]


@pytest.mark.parametrize("count", [4, 5, 20])
def test_intervals_cover_the_truth_about_as_often_as_they_say_also_of_few_images(count):
    random = np.random.default_rng(0)
    estimates = [
        Bootstrap(count, resamples=200, seed=trial).of_sums(_images(random, count), iou)[0] for trial in range(400)
    ]
    assert 0.90 <= np.mean([interval.low <= 0.8 <= interval.high for interval in estimates]) <= 0.98
    assert all(0 <= interval.low <= interval.value <= interval.high <= 1 for interval in estimates)


def test_a_mean_over_classes_is_always_over_the_same_classes():
    counts = np.zeros((12, 2, 3), int)
    counts[:, 0] = [[950 - image, 25 + image, 25] for image in range(12)]
    counts[[2, 5], 1], counts[[7, 9], 1] = (30, 40, 30), (30, 35, 35)  # the hard class is in four images
    *_, mean = Bootstrap(12, resamples=2000, seed=0).of_sums(counts, iou, averaged=np.array([True, True]))
    assert mean.value == pytest.approx(0.6225, abs=1e-3)
    assert 0.620 < mean.low < mean.value < mean.high < 0.625


def test_a_mean_is_as_uncertain_as_its_rare_class():
    random = np.random.default_rng(0)
    counts = np.concatenate([_images(random, 12), np.zeros((12, 1, 3), int)], 1)
    counts[:4, 1] = (60, 20, 20), (20, 60, 20), (50, 20, 20), (30, 60, 20)
    _, rare, mean = Bootstrap(12, resamples=2000, seed=0).of_sums(counts, iou, averaged=np.array([True, True]))
    assert mean.images == rare.images == 4
    assert mean.high - mean.low > (rare.high - rare.low) / 3  # about a half, as there are two classes


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_mean_has_no_interval_where_too_few_images_have_a_class_of_it(count):
    counts = np.ones((6, 2, 3), int)
    counts[count:, 1] = 0
    one, other, mean = Bootstrap(6, resamples=50, seed=0).of_sums(counts, iou, averaged=np.array([True, True]))
    assert mean == other == Estimate(pytest.approx(1 / 3))
    assert mean.images == count
    assert one.low is not None


@pytest.mark.parametrize("count", [1, 2, 3])
def test_too_few_images_have_no_interval_of_means_or_of_sums(count):
    bootstrap = Bootstrap(count, resamples=100, seed=0)
    (estimate,) = bootstrap.of_means(np.arange(1.0, count + 1)[:, None])
    assert estimate == Estimate((count + 1) / 2)
    assert str(estimate) == f"{(count + 1) / 2:.3f}"
    assert bootstrap.of_sums(np.ones((count, 1, 3), int), iou) == [Estimate(pytest.approx(1 / 3))]


def test_what_is_defined_for_no_image_has_no_value():
    (estimate,) = Bootstrap(3, resamples=100, seed=0).of_means(np.full((3, 1), np.nan))
    assert estimate == Estimate(None)
    assert str(estimate) == "-"


def test_images_without_a_value_are_left_out_of_the_mean_and_of_the_count():
    (estimate,) = Bootstrap(5, resamples=100, seed=0).of_means(np.array([[0.2], [np.nan], [0.4], [0.3], [0.3]]))
    assert estimate.value == pytest.approx(0.3)
    assert estimate.low < estimate.value < estimate.high
    assert estimate.images == 4


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


@pytest.mark.parametrize("share", [0, 1])
def test_a_share_at_the_end_of_its_range_that_no_image_contradicts_is_all_of_its_interval(share):
    counts = np.array([[[share * 9, (1 - share) * 3, 0]]] * 4)
    assert Bootstrap(4, resamples=50, seed=0).of_sums(counts, iou) == [Estimate(share, share, share)]


def test_many_images_take_little_memory():
    values = np.random.default_rng(0).random((100_000, 1))
    tracemalloc.start()
    Bootstrap(100_000, resamples=100, seed=0).of_means(values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6  # of all weights at once: 80 MB
