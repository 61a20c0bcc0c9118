"""Encoders trained and timed alike: what is measured, and what the page and its advice make of it."""

from dataclasses import replace

import pytest
import timm
import torch

from benchmarks.encoders.__main__ import Setting, measure, trainings
from benchmarks.encoders.candidates import BFLOAT16, EMULATED, ENCODERS, INT8, OPENVINO, TORCH, published
from benchmarks.page.encoder_scores import advice, budgets
from benchmarks.page.encoders import encoders_guide, encoders_section
from benchmarks.page.readme import read_all
from unetzoo import OptionError
from unetzoo.bench.contenders import has_bfloat16
from unetzoo.bench.machine import machine

NETWORK = "test_resnet"
TINY = Setting(encoders=(NETWORK,), data=("cracks",), steps=(1,), seeds=1, batch=2, crop=32, size=32)


def test_weights_with_a_license_of_their_own_are_told_from_free_ones():
    licenses = {encoder: published(encoder).license for encoder in ENCODERS}
    assert licenses.pop("convnext_tiny.dinov3_lvd1689m") == "dinov3-license"
    assert licenses.pop("vit_tiny_patch16_dinov3_qkvb.eupe_lvd1689m") == "fair-noncommercial-research-license"
    assert set(licenses.values()) == {"apache-2.0"}


def test_weights_that_timm_does_not_know_are_an_error():
    with pytest.raises(OptionError, match=r"no weights 'resnet18\.no_such'; choose among a1_in1k, "):
        published("resnet18.no_such")


def test_networks_that_are_measured_once_differ_in_nothing_but_weights():
    names = ("convnext_tiny", "convnext_tiny.dinov3_lvd1689m")
    assert len({published(name).network for name in names}) == 1
    with torch.device("meta"):
        one, other = (timm.create_model(name, features_only=True) for name in names)
    assert str(one) == str(other)


def test_each_network_begins_once_with_random_weights_and_once_with_each_of_its_published_ones():
    setting = Setting(encoders=ENCODERS[4:6], data=("cracks", "spots"), steps=(2, 5), seeds=2)
    random = list(trainings(setting))
    assert {run.encoder for run in random} == {"convnext_tiny"}
    assert [(run.seed, run.steps, run.data) for run in random[:5]] == [
        (0, 2, "cracks"), (0, 2, "spots"), (0, 5, "cracks"), (0, 5, "spots"), (1, 2, "cracks"),
    ]  # fmt: skip
    tags = [run.pretrained for run in trainings(replace(setting, pretrained=True))]
    assert tags[:2] == ["in12k_ft_in1k", "dinov3_lvd1689m"]
    assert len(tags) == 2 * len(random)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoders")
    threads = torch.get_num_threads()
    measure(TINY, folder)
    torch.set_num_threads(threads)
    return folder


def test_each_way_has_a_time_for_each_round_or_a_reason(measured):
    (latency,) = (result for result in read_all(measured) if "weights" in result)
    seconds, refused = latency["seconds"][NETWORK], latency["refused"][NETWORK]
    assert refused == ({} if has_bfloat16("cpu") else {BFLOAT16: f"RuntimeError: {EMULATED}"})
    assert seconds.keys() | refused.keys() == {TORCH, BFLOAT16, OPENVINO, INT8}
    assert {len(each) for each in seconds.values()} == {latency["combination"]["rounds"]}
    assert latency["weights"][NETWORK]["license"] == "apache-2.0"


def test_what_is_there_is_not_measured_again_and_a_longer_budget_is(measured, capsys):
    before = {path.name: path.stat().st_mtime_ns for path in measured.iterdir()}
    measure(TINY, measured)
    assert capsys.readouterr().out == ""
    measure(replace(TINY, steps=(1, 2)), measured)
    assert capsys.readouterr().out.startswith(f"fit; unet, {NETWORK}; cracks; 2 steps, seed 0 ")
    assert before.items() <= {path.name: path.stat().st_mtime_ns for path in measured.iterdir()}.items()
    section = encoders_section(read_all(measured))
    assert "#### 1 step" in section
    assert section[-1].endswith(f"`{NETWORK}` is the fastest. That is a hint and no more: 1 seed on 1 data set.")


def _run(encoder, data, seed, score, *, steps=100, pretrained=""):
    combination = {"encoder": encoder, "pretrained": pretrained, "data": data, "seed": seed, "steps": steps}
    return {
        "combination": {**combination, "batch": 4, "crop": 96},
        "date": "2026-11-27",
        "training seconds": 10.0 + steps,
        "IoU": {"mean": score, "classes": {}},
    }


def _latency(milliseconds, weights=None):
    networks = {name: {"network": name, "tag": "a", "license": "apache-2.0"} for name in milliseconds}
    return {
        "combination": {"decoder": "unet", "size": 256, "rounds": 3},
        "machine": machine(),
        "date": "2026-11-27",
        "weights": networks | (weights or {}),
        "parameters": dict.fromkeys(milliseconds, 1_250_000),
        "seconds": {name: {TORCH: [time / 1e3] * 3} for name, time in milliseconds.items()},
        "refused": {name: {BFLOAT16: f"RuntimeError: {EMULATED}", INT8: "no | graph"} for name in milliseconds},
    }


def test_an_encoder_is_set_beside_the_best_one_by_seed_with_an_interval_over_the_data_sets():
    scores = {("good", "cracks"): 0.5, ("good", "nuclei"): 0.9, ("poor", "cracks"): 0.48, ("poor", "nuclei"): 0.84}
    runs = [_run(*at, seed, score + 0.01 * seed) for at, score in scores.items() for seed in range(3)]
    (budget,) = budgets(runs)
    assert budget.means == {"good": pytest.approx(71), "poor": pytest.approx(67)}
    # lags of 2 and 6 points: Student's t with one degree of freedom, 12.706 * 2.828 / sqrt(2)
    assert str(budget.lag("poor")) == "-4.00 ± 25.41"
    assert budget.seeds == 3


def test_seeds_and_data_sets_count_that_each_encoder_has():
    runs = [_run(encoder, "cracks", seed, 0.5) for encoder in ("one", "two") for seed in range(2)]
    runs += [_run("one", "cracks", 2, 0.9), _run("one", "nuclei", 0, 0.9)]
    runs += [{**_run("three", "cracks", 0, 0), "error": "failed"}]
    (budget,) = budgets(runs)
    assert budget.scores == {"one": {"cracks": {0: 0.5, 1: 0.5}}, "two": {"cracks": {0: 0.5, 1: 0.5}}}
    assert budgets([_run("one", "cracks", 0, 0.5), _run("two", "nuclei", 0, 0.5)]) == []


SETS = ("cracks", "nuclei", "spots")


def _scored(means, *, steps, seeds=3):
    return [
        _run(name, data, seed, mean, steps=steps)
        for name, mean in means.items()
        for data in SETS
        for seed in range(seeds)
    ]


def test_the_advice_is_the_fastest_of_those_near_the_best_at_every_budget():
    runs = _scored({"large": 0.71, "middle": 0.70, "small": 0.60}, steps=100)
    runs += _scored({"large": 0.80, "middle": 0.81, "small": 0.80}, steps=300)
    seconds = {"large": {TORCH: [0.3]}, "middle": {TORCH: [0.2]}, "small": {TORCH: [0.1]}}
    assert advice(budgets(runs), seconds) == (
        "After 100 steps `large` has the highest mean IoU, 71.0 %; `middle` is within 2 points; its lead is larger "
        "than the interval for every other one. After 300 steps `middle` has the highest mean IoU, 81.0 %; `large` "
        "and `small` are within 2 points; its lead is larger than the interval for every other one. Of those within 2 "
        "points of the best one at both budgets, `middle` is the fastest: begin with it."
    )


def test_the_advice_says_less_where_no_encoder_is_near_or_seeds_are_few():
    runs = _scored({"one": 0.7, "two": 0.6}, steps=100, seeds=1) + _scored({"one": 0.7, "two": 0.8}, steps=300, seeds=1)
    text = advice(budgets(runs), {})
    assert "No encoder is within 2 points of the best one at both budgets." in text
    assert text.endswith("That is a hint and no more: 1 seed on 3 data sets.")
    uneven = [_run("one", "cracks", 0, 0.7), _run("two", "cracks", 0, 0.6)]
    uneven += [_run("one", "nuclei", 0, 0.7), _run("two", "nuclei", 0, 0.69)]
    assert "; the interval of no lead leaves zero out." in advice(budgets(uneven), {})


def test_weights_of_one_network_have_its_numbers_once_and_what_was_refused_its_reason():
    weights = {"one.b": {"network": "one", "tag": "b", "license": ""}}
    results = [_latency({"one": 12.0, "two": 7.0}, weights), *_scored({"one": 0.7, "two": 0.6}, steps=100)]
    table, reasons = encoders_section(results)[2:4]
    assert table.splitlines()[2:] == [
        "| `one` | a | apache-2.0 | random | 1.2 | 12 | emulated |  | refused |",
        "| `two` | a | apache-2.0 | random | 1.2 | 7 | emulated |  | refused |",
        "| `one` | b | unknown | random | as `one` |  |  |  |  |",
    ]
    assert reasons.splitlines() == [r"- `one`, openvino int8: no \| graph", r"- `two`, openvino int8: no \| graph"]
    text, table, _ = encoders_guide(results)
    assert "trained from random weights" in text
    assert table.splitlines()[2] == "| `one` | apache-2.0 | 1.2 | 12 | refused | 70.0 |"
    assert table.splitlines()[4] == "| `one.b` | unknown | as `one` |  |  |  |"
    assert encoders_guide(results[:1]) == []
    few = [results[0], *_scored({"one": 0.7, "two": 0.6}, steps=100, seeds=2)]
    text, table = encoders_guide(few)
    assert "with 2 seeds so far, which is too few for advice" in text
    assert table.splitlines()[2] == "| `one` | apache-2.0 | 1.2 | 12 | refused |"


def test_trainings_from_published_weights_have_a_table_of_their_own():
    results = [_latency({"one": 12.0}), _run("one", "cracks", 0, 0.7), _run("one", "cracks", 0, 0.8, pretrained="a")]
    section = encoders_section(results)
    assert section[2].splitlines()[2].startswith("| `one` | a | apache-2.0 | random, published | ")
    titles = [part for part in section if part.startswith("### ")]
    assert titles == [f"### Beginning with {kind} weights, 4 x 96 px a step" for kind in ("random", "published")]
    assert "| `one.a` | 80.00 | 80.00 |  | 110 | 1 |" in section[-2]


def test_classes_that_no_encoder_has_learned_are_named():
    scores = {"one": {"surface": 0.9, "crack": 0.01}, "two": {"surface": 0.8, "crack": 0.04}}
    runs = [_run(name, "cracks", 0, 0.5) | {"IoU": {"mean": 0.5, "classes": each}} for name, each in scores.items()]
    assert "No encoder has learned crack in cracks (IoU below 5 %)." in encoders_section(
        [_latency({"one": 1.0}), *runs]
    )
    scores["two"]["crack"] = 0.2
    assert not any("No encoder has learned" in part for part in encoders_section([_latency({"one": 1.0}), *runs]))
