"""The data sets of the panel, its plain loop, and what it says of the results."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from sweeps import sweep

from benchmarks.page.panel import panel_section
from benchmarks.panel.__main__ import RUNS
from benchmarks.panel.contestants import FIT, PLAIN, SMP
from benchmarks.panel.data import DATA, Samples, opened
from benchmarks.panel.loop import FlippedCrops, train_plainly
from benchmarks.panel.runs import PanelRun, _surveyed, measure_run
from unetzoo.assembly import create
from unetzoo.bench.machine import machine
from unetzoo.bench.store import load
from unetzoo.data.dataset import Sample
from unetzoo.evaluation.evaluate import evaluate
from unetzoo.nn.coding import UNKNOWN
from unetzoo.nn.info import ModelInfo

pytestmark = pytest.mark.long


def _samples(name, split="train"):
    data = opened(name, split)
    return [data[index] for index in range(len(data))]


def _shares(name):
    mask = np.concatenate([sample.mask.ravel() for sample in _samples(name)])
    return np.bincount(mask[mask != UNKNOWN]) / (mask != UNKNOWN).sum()


def _explained(image, mask):
    """The share of the variance of an image, without its slow changes, that the means of the classes explain."""
    known = mask != UNKNOWN
    bands = image.astype(float) - gaussian_filter(image.astype(float), (15, 15, 0))
    values, ids = bands[known], mask[known]
    means = {number: values[ids == number].mean(0) for number in np.unique(ids)}
    rest = values - np.stack([means[number] for number in ids])
    return 1 - (rest.var(0) / values.var(0)).min()


@pytest.mark.parametrize("name", sweep(DATA, ["cracks", "materials", "satellite"]))
def test_a_data_set_has_all_of_its_classes_in_both_splits_and_is_the_same_each_time(name):
    for split in ("train", "test"):
        data = DATA[name](split)
        ids = np.unique(np.concatenate([sample.mask.ravel() for sample in _samples(name, split)]))
        assert ids[ids != UNKNOWN].tolist() == list(range(len(data.class_names)))
        for index, sample in enumerate(_samples(name, split)):
            assert sample.image.shape[:2] == sample.mask.shape
            np.testing.assert_array_equal(sample.image, data[index].image)
            np.testing.assert_array_equal(sample.mask, data[index].mask)


@pytest.mark.parametrize("name", DATA)
def test_no_image_is_both_trained_on_and_judged_by(name):
    train = {sample.image.tobytes() for sample in _samples(name)}
    assert not train & {sample.image.tobytes() for sample in _samples(name, "test")}


@pytest.mark.parametrize("name", [name for name in DATA if name != "materials"])  # which differ in texture alone
def test_masks_lie_where_the_image_shows_their_classes(name):
    image, mask, _ = _samples(name)[-1]
    moved = np.roll(mask, (9, 7), axis=(0, 1))
    assert _explained(image, mask) > 2 * _explained(image, moved)


def test_the_panel_has_the_kinds_of_data_that_recipes_differ_on():
    images = {name: _samples(name)[0].image for name in DATA}
    assert {name for name in DATA if len(_shares(name)) >= 4} == {"brain", "histology", "satellite"}
    assert {name for name in DATA if _shares(name).min() < 0.01} == {"cracks", "spots"}
    assert {name for name in DATA if any((one.mask == UNKNOWN).any() for one in _samples(name))} == {"satellite"}
    assert {name: (image.dtype, image.shape[2]) for name, image in images.items() if image.dtype != np.uint8} == {
        "satellite": (np.uint16, 5),
        "spots": (np.uint16, 1),
    }
    assert images["histology"].shape[2] == 3
    counts = [len(opened(name, "train")) for name in DATA]
    assert (min(counts), max(counts)) == (5, 60)


def test_crops_of_the_plain_loop_are_mirrored_along_both_axes_together_with_their_masks():
    mask = np.arange(6)[:, None] * 6 + np.arange(6)
    data = Samples([Sample(mask[..., None].astype(np.float32), mask, "numbers")], [str(one) for one in range(36)])
    info = ModelInfo(value_range=(0, 1), mean=(0,), std=(1,))
    crops = FlippedCrops(data, info, crop=4, count=64, seed=0)
    steps = set()
    for image, labels in (crops[index] for index in range(len(crops))):
        torch.testing.assert_close(image[0], labels.float())
        steps.add((int(labels[1, 0] - labels[0, 0]), int(labels[0, 1] - labels[0, 0])))
    assert steps == {(6, 1), (6, -1), (-6, 1), (-6, -1)}
    again = FlippedCrops(data, info, crop=4, count=64, seed=0)
    assert all(torch.equal(crops[index][1], again[index][1]) for index in range(64))
    assert any(
        not torch.equal(crops[index][1], FlippedCrops(data, info, crop=4, count=64, seed=1)[index][1])
        for index in range(8)
    )


def test_the_plain_loop_learns_what_is_bright():
    random = np.random.default_rng(0)
    masks = [np.kron(random.integers(0, 2, (4, 4)), np.ones((12, 12), int)) for _ in range(3)]
    samples = [Sample(mask[..., None] + random.normal(0, 0.2, (48, 48, 1)), mask, "blocks") for mask in masks]
    data, info = Samples(samples, ["dark", "bright"]), ModelInfo(value_range=(0, 1), mean=(0.5,), std=(0.5,))
    torch.manual_seed(0)
    model = create("unet", encoder="plain", encoder_options={"widths": (8, 16)}, classes=2, in_channels=1)
    train_plainly(model, data, info, steps=30, batch=4, crop=32, rate=1e-3, seed=0)
    model.config = replace(model.config, info=info)
    assert evaluate(model.eval(), data).mean["IoU"].value > 0.9


@pytest.mark.parametrize(
    ("contestant", "decoder"),
    sweep([(SMP, "unet"), (SMP, "unetpp"), (PLAIN, "unet"), (FIT, "unet")], [(SMP, "unetpp"), (FIT, "unet")]),
)
def test_each_contestant_is_trained_and_judged_on_unknown_pixels_and_bands(contestant, decoder):
    run = PanelRun(
        contestant=contestant,
        data="satellite",
        steps=1,
        seed=0,
        decoder=decoder,
        encoder="mobilenetv3_small_100",
        batch=2,
        crop=32,
    )
    result = measure_run(run)
    assert 0 <= result["IoU"]["mean"] < 1
    assert list(result["IoU"]["classes"]) == ["field", "forest", "water", "road", "building"]
    assert result["combination"]["contestant"] == contestant


def test_results_are_found_again_by_their_runs_and_those_of_published_weights_have_names_of_their_own():
    paths = sorted(RUNS.glob("*.json"))
    runs = [PanelRun(**load(path)["combination"]) for path in paths]
    assert [run.file_name for run in runs] == [path.name for path in paths]
    assert replace(runs[0], pretrained="a1_in1k").file_name not in {path.name for path in paths}


def _run(contestant, data, seed, score, steps=100):
    combination = {"contestant": contestant, "data": data, "steps": steps, "seed": seed}
    setting = {"decoder": "unet", "encoder": "resnet18", "batch": 8, "crop": 128}
    return {
        "combination": {**combination, **setting},
        "machine": machine(),
        "date": "2026-11-26",
        "IoU": {"mean": score, "classes": {}},
    }


def test_the_page_pairs_fit_with_the_loops_by_seed_and_data_set():
    runs = [_run(FIT, "spots", seed, 0.5 + 0.1 * seed) for seed in range(3)]
    runs += [_run(SMP, "spots", seed, 0.48 + 0.09 * seed) for seed in range(3)]
    runs += [_run(FIT, "brain", 0, 0.7), _run(SMP, "brain", 0, 0.75)]
    *_, title, table, _ = panel_section({"runs": runs})
    assert title == "### unet, resnet18, 100 steps of 8 x 128 px"
    # differences of 2, 3 and 4 points: Student's t with two degrees of freedom, 4.303 * 1 / sqrt(3)
    assert table.splitlines()[2:] == [
        "| brain | 70.0 | -5.00 |",
        "| spots | 60.0 | +3.00 ± 2.48 |",
        "| mean |  | -1.00 ± 50.82 |",  # over -5 and 3: 12.706 * 5.657 / sqrt(2)
    ]


def test_the_page_compares_options_on_the_data_sets_that_both_have():
    runs = [_run(FIT, name, 0, 0.5) for name in ("brain", "spots", "cracks")]
    runs += [_run("fit, flips", "brain", 0, 0.6), _run("fit, flips", "spots", 0, 0.4)]
    runs += [_run("fit, flips", "nuclei", 0, 0.9), {**_run("fit, flips", "cracks", 0, 0), "error": "failed"}]
    *_, table = panel_section({"runs": runs})  # flips were not tried on all, so that there is no choice
    assert table.splitlines()[2:] == ["| fit, flips | +0.00 ± 127.06 | 1 of 2 | 2 |"]


def test_an_option_is_chosen_on_the_other_data_sets_and_judged_by_the_one_left_out():
    gains = {"brain": (0.03, -0.01), "cracks": (-0.02, 0.01), "spots": (-0.04, 0.0)}
    runs = [_run(FIT, name, 0, 0.5) for name in gains]
    runs += [_run("fit, flips", name, 0, 0.5 + flips) for name, (flips, _) in gains.items()]
    runs += [_run("fit, no average", name, 0, 0.5 + average) for name, (_, average) in gains.items()]
    *_, note = panel_section({"runs": runs})
    # without brain, no average gains 0.5, then loses 1; without cracks, nothing gains; without spots, flips gain 0.5,
    # then lose 4
    assert note.split("points")[0].endswith(f"{(-1 + 0 - 4) / 3:+.2f} ± 5.17 ")
    assert "fit, no average (1), fit (1), fit, flips (1)" in note


@pytest.mark.parametrize("holds_out", [True, False])
def test_fit_holds_images_out_unless_it_is_to_train_on_all_of_them(holds_out):
    trained_on = len(_surveyed("satellite", holds_out=holds_out).splits["train"])
    assert trained_on == (19 if holds_out else 24)
