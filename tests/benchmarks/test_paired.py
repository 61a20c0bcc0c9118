import pytest

from benchmarks.claims.paired import difference, percent, scores_of


def _run(name, seed, iou, data="nuclei"):
    return {"name": name, "combination": {"seed": seed, "data": data}, "accuracy": {"mean": {"IoU": iou}}}


def test_the_interval_is_that_of_the_differences_of_single_seeds():
    interval = difference({0: 0.90, 1: 0.80, 2: 0.70}, {0: 0.88, 1: 0.79, 2: 0.67})
    assert interval.points == pytest.approx(2.0)  # of 2, 1 and 3 points
    assert interval.interval == pytest.approx(4.3027 / 3**0.5, abs=1e-3)  # t of 2 degrees of freedom, deviation 1
    assert interval.seeds == 3
    assert str(interval) == "+2.00 ± 2.48"


@pytest.mark.parametrize(
    ("values", "verdict"),
    [((2.0, 2.1, 1.9), "holds"), ((-2.0, -2.1, -1.9), "opposite"), ((2.0, 1.0, 3.0), "not decided")],
)
def test_an_interval_that_leaves_zero_out_decides(values, verdict):
    better = {seed: value / 100 for seed, value in enumerate(values)}
    assert difference(better, dict.fromkeys(better, 0.0)).verdict == verdict


def test_one_seed_decides_nothing():
    interval = difference({0: 0.9}, {0: 0.1})
    assert interval.verdict == "not decided"
    assert str(interval) == "+80.00"


def test_seeds_that_only_one_has_do_not_count():
    assert difference({0: 0.9, 1: 0.1}, {0: 0.8, 2: 0.9}).points == pytest.approx(10)
    assert difference({0: 0.9}, {1: 0.8}) is None


def test_scores_are_those_of_a_name_and_a_data_set_that_did_not_fail():
    failed = {"name": "a", "combination": {"seed": 3, "data": "nuclei"}, "error": "no memory"}
    runs = [_run("a", 0, 0.5), _run("b", 0, 0.6), _run("a", 1, 0.7, "brain-tissue"), failed]
    assert scores_of(runs, "a", "nuclei") == {0: 0.5}
    assert scores_of(runs, "a") == {0: 0.5, 1: 0.7}


def test_the_mean_over_seeds_is_told_in_percent():
    assert percent({0: 0.5, 1: 0.6}) == "55.00"
