import csv
import io

import pytest
from leaderboard_results import result

from unetzoo.bench.summary import half_interval, pareto, summarize
from unetzoo.bench.tables import COLUMNS, as_csv, as_markdown


def test_seeds_become_a_mean_and_the_interval_of_student():
    (row,) = summarize([result(seed=seed, iou=iou) for seed, iou in enumerate((0.7, 0.8, 0.9))])
    assert row.mean_iou == pytest.approx(0.8)
    assert row.interval == pytest.approx(4.302653 * 0.1 / 3**0.5)  # t of two degrees of freedom, from a printed table
    assert row.seeds == 3


def test_a_single_seed_has_no_interval():
    assert half_interval([0.5]) is None
    assert summarize([result()])[0].interval is None


def test_nothing_on_the_front_is_beaten():
    rows = summarize(
        [
            result("fast", latency=0.01, iou=0.6),
            result("slow", latency=0.1, iou=0.9),
            result("beaten", latency=0.05, iou=0.55),
            result("same", latency=0.02, iou=0.6),
        ]
    )
    assert [row.decoder for row in pareto(rows)] == ["fast", "slow"]
    assert {row.decoder for row in rows if row.optimal} == {"fast", "slow"}


def test_each_data_set_has_a_front_of_its_own():
    rows = summarize([result("good", iou=0.9), result("bad", iou=0.2, data="brain-tissue", latency=1)])
    assert all(row.optimal for row in rows)


def test_what_was_timed_at_another_size_is_no_rival():
    small, large = result("small", iou=0.9), result("large", iou=0.2, latency=1)
    large["combination"]["size"] = 512
    assert all(row.optimal for row in summarize([small, large]))


def test_budgets_that_differ_are_told_apart():
    one, other = result(), result()
    other["combination"]["crop"] = 64
    assert {row.budget for row in summarize([one, other])} == {"5 steps of 2 x 32 px", "5 steps of 2 x 64 px"}


def test_a_table_has_a_line_a_row_whatever_an_error_says():
    assert as_markdown(summarize([result(error="first\nsecond")])).count("\n") == 3


def test_a_combination_that_failed_is_a_row_with_its_error_at_the_end():
    rows = summarize([result("broken", error="no such thing"), result("unet")])
    assert [row.decoder for row in rows] == ["unet", "broken"]
    assert rows[1].error == "no such thing"
    assert rows[1].mean_iou is None
    assert not rows[1].optimal


def test_a_seed_that_failed_is_left_out_of_the_mean():
    (row,) = summarize([result(iou=0.6), result(seed=1, error="late")])
    assert (row.mean_iou, row.seeds, row.error) == (0.6, 1, "late")


def test_levels_of_a_pruned_network_are_means_over_seeds():
    def levels(iou):
        return [{"level": 1, "mean IoU": iou, "latency": 0.1, "parameters": 5}]

    (row,) = summarize([result(seed=seed, pruned=levels(iou)) for seed, iou in enumerate((0.4, 0.6))])
    assert row.pruned == ({"level": 1, "mean IoU": pytest.approx(0.5), "latency": 0.1, "parameters": 5},)


def test_networks_of_objects_are_compared_by_average_precision():
    rows = summarize(
        [
            result(objects="distance", precision=0.6, iou=0.7),
            result(objects="distance", precision=0.8, iou=0.7, seed=1),
            result(objects="flows", precision=0.5, iou=0.9),
            result("fpn", iou=0.4),
        ]
    )
    assert [(row.decoder, row.objects, row.score, row.score_name) for row in rows] == [
        ("unet", "distance", pytest.approx(0.7), "AP"),
        ("unet", "flows", 0.5, "AP"),
        ("fpn", "", 0.4, "mean IoU"),
    ]
    assert [row.optimal for row in rows] == [True, False, True]  # a mean IoU is no rival of an AP
    header, _, line, *_ = as_markdown(rows).splitlines()
    cells = dict(zip(header.split(" | "), line.split(" | "), strict=True))
    assert (cells["AP"], cells["mean IoU"], cells["objects"]) == ("0.7000", "0.7000", "distance")


def test_a_network_that_two_engines_time_is_a_row_of_each_and_they_compete():
    rows = summarize([result(latency=0.02), result(latency=0.01, engine="openvino")])
    assert [(row.engine, row.title, row.optimal) for row in rows] == [
        ("", "unet · resnet18 · ce", False),
        ("openvino", "unet · resnet18 · ce · openvino", True),
    ]
    assert "engine" in as_markdown(rows).splitlines()[0]
    assert "engine" not in as_markdown(rows[:1]).splitlines()[0]


def test_without_objects_a_page_has_no_columns_of_them():
    assert "objects" not in as_markdown(summarize([result()])).splitlines()[0]


def test_csv_and_markdown_have_the_same_cells():
    rows = summarize([result("unet(a|b)", iou=0.75), result("broken", error="what, now?")])
    lines = list(csv.reader(io.StringIO(as_csv(rows))))
    assert tuple(lines[0]) == COLUMNS
    assert lines[1][COLUMNS.index("mean IoU")] == "0.7500"
    assert lines[2][-1] == "what, now?"
    table = as_markdown(rows).splitlines()
    assert len(table) == 4
    assert "unet(a\\|b)" in table[2]
