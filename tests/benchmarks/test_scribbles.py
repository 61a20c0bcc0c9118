"""The strokes of the benchmark of scribbles, and its table."""

import numpy as np
import pytest

from benchmarks.page.scribbles import scribbles_table
from benchmarks.panel.data import opened
from benchmarks.scribbles import ScribblesRun, measure_run, scribbled, strokes
from unetzoo.nn.coding import UNKNOWN


@pytest.mark.parametrize("share", [0.01, 0.2])
def test_strokes_have_the_ids_of_the_mask_and_so_many_pixels(share):
    mask = np.zeros((100, 120), np.uint8)
    mask[20:60, 30:90] = 1
    mask[70, 5] = 2
    mask[:, 100:] = UNKNOWN
    labels = strokes(mask, share, np.random.default_rng(0))
    known = labels != UNKNOWN
    np.testing.assert_array_equal(labels[known], mask[known])
    assert share <= known.mean() <= share + 12 / mask.size
    assert set(np.unique(labels)) == {0, 1, 2, UNKNOWN}
    again = strokes(mask, share, np.random.default_rng(0))
    np.testing.assert_array_equal(again, labels)


def test_each_class_has_a_stroke_even_where_the_share_is_reached():
    mask = np.repeat(np.arange(8, dtype=np.uint8), 2)[:, None].repeat(16, axis=1)
    assert set(np.unique(strokes(mask, 0.001, np.random.default_rng(1)))) == {*range(8), UNKNOWN}


def test_a_share_of_1_leaves_the_masks():
    whole = opened("spots", "train")
    assert scribbled(whole, 1, np.random.default_rng(0)) is whole
    some = scribbled(whole, 0.05, np.random.default_rng(0))
    assert len(some) == len(whole)
    np.testing.assert_array_equal(some[0].image, whole[0].image)
    assert (some[0].mask == UNKNOWN).mean() > 0.9


def test_a_run_measures_what_was_labeled():
    result = measure_run(ScribblesRun("spots", 0.05, seed=0, steps=2))
    assert 0.05 <= result["labeled"] < 0.06
    assert 0 < result["IoU"] < 1


def _result(data, share, seed, score):
    return {"combination": {"data": data, "share": share, "seed": seed}, "labeled": 2 * share, "IoU": score}


def test_the_table_compares_with_whole_masks():
    runs = [_result("a", 1.0, seed, 0.8) for seed in range(2)] + [_result("b", 1.0, 0, 0.5)]
    runs += [_result("a", 0.05, 0, 0.7), _result("a", 0.05, 1, 0.72), _result("b", 0.05, 0, 0.4)]
    assert scribbles_table(runs).splitlines() == [
        "| data | 5 % labeled (median 10.0 %) | whole masks |",
        "|---|---:|---:|",
        "| a | 71.0 (-9.0) | 80.0 |",
        "| b | 40.0 (-10.0) | 50.0 |",
        # Student's t with one degree of freedom: 12.706 * 0.7071 / sqrt(2)
        "| mean difference from whole masks | -9.50 ± 6.35 |  |",
    ]
