"""The parts of the head that networks and nnU-Net are trained on and judged by, and what is said of the results."""

from itertools import pairwise

import numpy as np
import pytest

from benchmarks.head import head
from benchmarks.page.tissue import tissue_section, tissue_table
from benchmarks.tissue import contestants, runs
from benchmarks.tissue.contestants import BATCHES, CROPS, NNUNET, OWN, WIDTHS, Contestant
from benchmarks.tissue.data import SPACING, Volume, dice, parts
from benchmarks.tissue.nnunet import make_task
from benchmarks.tissue.runs import TissueRun, measure_own
from unetzoo import create
from unetzoo.bench.machine import machine

_TISSUES = ("CSF", "grey matter", "white matter")


def _run(contestant, seed, score, **other):
    each = {"mean": score, **dict.fromkeys(_TISSUES, score)}
    return {
        "combination": {"contestant": contestant, "seconds": 60.0, "seed": seed, "options": {}},
        "machine": machine(),
        "date": "2026-11-27",
        "steps": 100 + seed,
        "training seconds": 60.0,
        "prediction seconds": 2.0,
        "Dice": {"val": {**each, "mean": score / 2}, "test": {**each, "mean": score - 0.1}, "test, mirrored": each},
        **other,
    }


def test_parts_follow_one_another_from_back_to_front_with_10_mm_between():
    volumes, (_, classes) = parts(), head()
    whole = classes.transpose(1, 0, 2)
    ends = 0
    for part in ("train", "test", "val"):
        found = volumes[part].classes
        starts = next(at for at in range(ends, len(whole)) if np.array_equal(whole[at : at + len(found)], found))
        assert not ends or (starts - ends) * SPACING >= 10
        ends = starts + len(found)
    assert ends == len(whole)


def test_all_parts_are_normalized_by_the_one_to_train_on():
    volumes = parts()
    assert volumes["train"].image.mean() == pytest.approx(0, abs=1e-4)
    assert volumes["train"].image.std() == pytest.approx(1, abs=1e-4)
    outside = {float(volume.image.min()) for volume in volumes.values()}
    assert len(outside) == 1


def test_dice_is_that_of_tissues_alone():
    truth, predicted = np.array([0, 0, 1, 1, 2, 3, 3, 3]), np.array([0, 1, 1, 1, 2, 0, 3, 3])
    # CSF 2 * 2 / (3 + 2), gray matter 1, white matter 2 * 2 / (2 + 3)
    assert dice(predicted, truth) == pytest.approx(
        {"mean": (0.8 + 1 + 0.8) / 3, "CSF": 0.8, "grey matter": 1, "white matter": 0.8}
    )


@pytest.mark.parametrize(("name", "axes"), [("planned, three axes", 3), ("planned, slices", 2)])
def test_a_planned_network_has_the_weights_of_nnunets_but_biases_that_norms_take_away(name, axes):
    widths, voxels = WIDTHS[axes], 3**axes
    convolutions = list(zip((1, *widths), widths, strict=False)) + [(width, width) for width in widths]
    convolutions += [pair for width in widths[:-1] for pair in ((2 * width, width), (width, width))]
    count = sum(voxels * before * after + 2 * after for before, after in convolutions)  # with a norm
    count += sum(2**axes * deep * width + width for width, deep in pairwise(widths))
    count += 4 * (widths[0] + 1)
    network = create("unet", **OWN[name].arguments)
    assert sum(weights.numel() for weights in network.parameters()) == count


def test_every_contestant_sees_equally_many_voxels_a_step():
    for one in OWN.values():
        sides = (one.crop,) * one.axes if isinstance(one.crop, int) else one.crop
        assert one.batch * np.prod(sides) == 2 * 32**3
    assert {BATCHES[axes] * np.prod(CROPS[axes]) for axes in NNUNET.values()} == {2 * 32**3}


def test_nnunet_gets_the_parts_and_the_plan_but_not_the_classes_to_find():
    volumes = parts()
    task = make_task(volumes, TissueRun(contestant="nnU-Net 2d", seconds=5, seed=3))
    assert "test_classes" not in task
    assert task["test"].shape == volumes["test"].classes.shape
    assert (str(task["configuration"]), task["widths"].tolist(), int(task["batch"])) == ("2d", [*WIDTHS[2]], 16)


@pytest.mark.parametrize("slices", [0, 3])
def test_a_network_is_trained_for_its_seconds_and_judged_by_what_it_has_not_seen(monkeypatch, slices):
    random = np.random.default_rng(0)
    classes = random.integers(0, 4, (3, 32, 32, 32), dtype=np.uint8)
    small = {
        part: Volume(each.astype(np.float32), each)
        for part, each in zip(("train", "val", "test"), classes, strict=True)
    }
    tiny = {"encoder": "plain", "encoder_options": {"widths": (2, 4)}, "decoder_options": {"widths": (2,)}}
    monkeypatch.setattr(runs, "parts", lambda: small)
    monkeypatch.setitem(contestants.OWN, "tiny", Contestant(network=tiny, slices=slices, crop=32, batch=2))
    result = measure_own(TissueRun(contestant="tiny", seconds=0.5, seed=0))
    assert result["steps"] > 2
    assert 0.1 < result["training seconds"] < 2.5
    assert slices or result[runs.TILED] == result["Dice"]["test, mirrored"]  # the volume is one tile
    assert set(result["Dice"]) == {"val", "test", "test, mirrored"}
    assert all(0 <= score <= 1 for scores in result["Dice"].values() for score in scores.values())


def test_the_table_has_the_best_first_with_intervals_over_seeds():
    scored = [_run("planned, slices", seed, 0.2) for seed in range(3)]
    scored += [_run("planned, three axes", seed, score) for seed, score in enumerate((0.3, 0.4, 0.5))]
    scored += [{**_run("resnet18, inflated", 0, 0), "error": "out of memory\nmore"}]
    rows = tissue_table(scored).splitlines()[2:]
    # Student's t with two degrees of freedom: 4.303 * 0.1 / sqrt(3)
    means, tissues, front = "40.0 ± 24.8 | 30.0 ± 24.8", "40.0 | 40.0 | 40.0", "20.0 ± 12.4"
    assert rows[0] == f"| planned, three axes | {means} | {tissues} | {front} | 101 | 60.0 | 2.0 | 3 |"
    assert rows[1].startswith("| planned, slices | 20.0 ± 0.0 | 10.0 ± 0.0 |")
    assert rows[2] == "| resnet18, inflated | out of memory | | | | | | | | | 0 |"


def test_networks_are_compared_with_nnunets_of_the_same_graph_and_with_one_another_by_seed():
    scored = [_run("planned, three axes", seed, 0.5 + 0.1 * seed) for seed in range(3)]
    scored += [_run("planned, slices", seed, 0.45 + 0.1 * seed) for seed in range(3)]
    scored += [_run("nnU-Net 3d_fullres", seed, 0.6 + 0.1 * seed, **{"reading seconds": 15.0}) for seed in range(3)]
    scored += [_run("resnet18, inflated", 0, 0.1), _run("resnet18, 3 slices as channels", 0, 0.2)]
    _, text, _, notes = tissue_section({"runs": scored})
    assert "25 % (3d_fullres)" in text
    assert notes.splitlines() == [
        "- The highest mean: **nnU-Net 3d_fullres**, before planned, three axes: "
        "+10.00 ± 0.00 points of Dice over 3 seeds; that it is better: holds.",
        "- planned, three axes beside nnU-Net 3d_fullres: "
        "-10.00 ± 0.00 points of Dice over 3 seeds; that it is better: opposite.",
        "- planned, three axes beside nnU-Net 3d_fullres, at the front: "
        "-5.00 ± 0.00 points of Dice over 3 seeds; that it is better: opposite.",
        "- planned, three axes instead of slices: +5.00 ± 0.00 points of Dice over 3 seeds; that it is better: holds.",
        "- resnet18, inflated instead of 3 slices as channels: "
        "-10.00 points of Dice over 1 seed; that it is better: not decided.",
    ]
