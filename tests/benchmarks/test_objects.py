"""What the benchmark of objects hands to the peers, and what it says of the results."""

import numpy as np
import pytest

from benchmarks.objects.peers import make_task
from benchmarks.objects.runs import ObjectRun, scores
from benchmarks.page.objects import objects_section, objects_table
from unetzoo.bench.machine import machine
from unetzoo.bench.measure import opened
from unetzoo.objects import separate_objects


def _run(method, seed, precision, *, decoder="unet", encoder="resnet18", seconds=0.2):
    return {
        "combination": {"method": method, "decoder": decoder, "encoder": encoder, "seed": seed, "seconds": 30.0},
        "machine": machine(),
        "date": "2026-11-26",
        "steps": 100 + seed,
        "training seconds": 33.0,
        "prediction seconds": seconds,
        "AP": precision,
        "AP at 0.5": 2 * precision,
    }


def _peer(method, seed, precision, **other):
    return _run(method, seed, precision, decoder="", encoder="", **other)


def test_the_table_has_the_most_precise_first_with_intervals_over_seeds():
    runs = [_run("flows", seed, 0.2) for seed in range(3)]
    runs += [_run("distance", seed, precision) for seed, precision in enumerate((0.3, 0.4, 0.5))]
    rows = objects_table(runs).splitlines()[2:]
    # Student's t with two degrees of freedom: 4.303 * 0.1 / sqrt(3)
    assert rows[0] == "| distance | unet | resnet18 | 40.0 ± 24.8 | 80.0 ± 49.7 | 0.87 |  | 101 | 33 | 3 |"
    assert rows[1].startswith("| flows | unet | resnet18 | 20.0 ± 0.0 |")


def test_a_network_that_failed_has_its_error():
    failed = {**_run("flows", 0, 0), "error": "out of memory\nmore"}
    assert objects_table([failed]).splitlines()[-1] == "| flows | unet | resnet18 | out of memory | | | | | | 0 |"


def test_the_weight_map_is_compared_with_components_of_the_same_network_and_seed():
    runs = [_run("components", seed, 0.3 + 0.1 * seed) for seed in range(3)]
    runs += [_run("weighted", seed, 0.31 + 0.1 * seed + 0.001 * seed) for seed in range(3)]
    runs += [_run("components", 0, 0.9, decoder="unetpp")]
    *_, notes = objects_section({"runs": runs})
    assert "unet, resnet18: +1.10 ± 0.25 points of AP over 3 seeds; that it helps: holds." in notes


def test_the_best_network_is_set_beside_the_peers():
    runs = [_run("flows", seed, 0.2) for seed in range(2)] + [_run("distance", seed, 0.5) for seed in range(2)]
    runs += [_peer("StarDist", seed, 0.6, seconds=0.5) for seed in range(2)]
    *_, notes = objects_section({"runs": runs})
    assert notes.startswith("- distance, unet, resnet18 beside StarDist: -10.00 ± 0.00 points of AP over 2 seeds; ")
    assert notes.endswith("2.5 times as fast to predict.")
    optimized = {**_run("distance", 2, 0.5), "optimized prediction seconds": 0.1}
    table, notes = objects_section({"runs": [*runs, optimized]})[-2:]
    assert notes.endswith("2.5 times as fast to predict, optimized 5.0 times.")
    assert " | 0.87 | 0.44 | 101 | 33 | 3 |" in table


def test_the_best_of_the_networks_that_are_3_times_as_fast_is_set_beside_the_peers_too():
    runs = [_run("flows", 0, 0.5), _run("weighted", 0, 0.4, seconds=0.1), _run("components", 0, 0.3, seconds=0.1)]
    *_, notes = objects_section({"runs": [*runs, _peer("StarDist", 0, 0.1, seconds=0.35)]})
    first, second = notes.splitlines()[-2:]
    assert first.startswith("- flows, unet, resnet18 beside StarDist: +40.00 points")
    assert second.startswith("- weighted, unet, resnet18 beside StarDist: +30.00 points")
    assert second.endswith("3.5 times as fast to predict.")


def test_perfect_objects_score_1():
    test = opened("nuclei").dataset("test")
    assert scores([test.instances(0)], test) == {"AP": 1, "AP at 0.5": 1}


def test_peers_get_crops_with_whole_objects_and_the_same_ones_for_a_seed():
    tasks = [make_task(opened("nuclei"), ObjectRun(method="StarDist", seconds=5, seed=3), crops=6) for _ in range(2)]
    crops, ids = tasks[0]["crops"], tasks[0]["crop_ids"]
    assert crops.shape == ids.shape == (6, 128, 128)
    assert ids.min() == 0
    assert abs(crops).max() < 50
    for image, numbers in zip(crops, ids, strict=True):
        assert len(np.unique(numbers)) - 1 >= 0.9 * separate_objects(numbers).max()
        assert image[numbers > 0].mean() > image[numbers == 0].mean()  # nuclei are bright
    np.testing.assert_array_equal(crops, tasks[1]["crops"])
    assert tasks[0]["test"].shape == (512, 112)
    assert tasks[0]["whole"].shape == (512, 448)
    assert tasks[0]["crops"].mean() == pytest.approx(0, abs=1)
