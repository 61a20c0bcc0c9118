"""The mean teacher of the benchmark of images without masks, and its tables."""

from dataclasses import replace
from math import exp

import numpy as np
import pytest
import torch
from torch import nn

import unetzoo
from benchmarks import mean_teacher
from benchmarks.mean_teacher import Teacher, difference, train
from benchmarks.page.unlabeled import unlabeled_tables
from benchmarks.panel.data import opened
from benchmarks.unlabeled import UnlabeledRun, divided, measure_run
from unetzoo.nn.coding import UNKNOWN
from unetzoo.training.crops import Crop


def test_the_images_without_masks_are_the_others():
    whole = opened("spots", "train")
    labeled, others = divided(whole, 5, np.random.default_rng(0))
    assert len(labeled) == 5
    assert not any(others[number].mask.any() for number in range(len(others)))
    names = [samples[number].name for samples in (labeled, others) for number in range(len(samples))]
    assert sorted(names) == sorted(whole[number].name for number in range(len(whole)))


_OPTIONS = unetzoo.FitOptions(steps=3, batch=2, crop=32, device="cpu")


@pytest.fixture(scope="module")
def images():
    return divided(opened("spots", "train"), 2, np.random.default_rng(0))


def _survey(images):
    return unetzoo.survey({"train": images[0], "val": images[0]})  # or one of them would be held out


def _network(statistics):
    torch.manual_seed(0)
    widths = {"encoder_options": {"widths": [4, 8]}, "decoder_options": {"widths": [4]}}
    model = unetzoo.create("unet", encoder="plain", in_channels=1, classes=2, **widths)
    model.config = replace(model.config, info=statistics.info)
    return model


def _numbers(model):
    return {name: value for name, value in model.state_dict().items() if value.is_floating_point()}


def _trained(images, teacher):
    statistics = _survey(images).statistics
    return _numbers(train(_network(statistics), *images, teacher, _OPTIONS, statistics))


def test_without_a_teacher_it_is_the_training_of_fit(images, tmp_path):
    data = _survey(images)
    fitted = unetzoo.fit(_network(data.statistics), data, tmp_path / "run", options=_OPTIONS).model
    torch.testing.assert_close(_trained(images, None), _numbers(fitted), rtol=0, atol=0)


def test_a_teacher_without_weight_changes_neither_weights_nor_statistics_of_batch_norms(images):
    teachers = None, Teacher(weight=0), Teacher(weight=1)
    alone, ignored, followed = (_trained(images, teacher) for teacher in teachers)
    torch.testing.assert_close(ignored, alone, rtol=0, atol=0)
    assert any(not torch.equal(followed[name], alone[name]) for name in alone)


def test_the_weight_rises():
    teacher = Teacher(weight=2.0, ramp=0.5)
    assert teacher.weight_at(0.25) == pytest.approx(2 * exp(-5 / 4))
    assert teacher.weight_at(0.5) == teacher.weight_at(1.0) == 2.0


def _pixelwise(factor):
    """A network with the logits 0 and `factor` times the value of a pixel."""
    network = nn.Conv2d(1, 2, 1, bias=False)
    network.weight.data = torch.tensor([0.0, factor]).reshape(2, 1, 1, 1)
    return network


def test_the_difference_is_that_of_known_pixels_and_teaches_the_student_alone(monkeypatch):
    monkeypatch.setattr(mean_teacher, "_recolored", lambda image: image + 1)  # the student's crops alone
    values = torch.tensor([[0.0, 1.0], [3.0, 9.0]])[None, None]
    crops = Crop(values, torch.tensor([[[0, 0], [0, UNKNOWN]]]), "")
    student, average = _pixelwise(1.0), _pixelwise(2.0)
    pairs = [(1 / (1 + exp(-value - 1)), 1 / (1 + exp(-2 * value))) for value in (0, 1, 3)]
    found = difference(student, average, crops)
    assert found.item() == pytest.approx(sum(2 * (one - other) ** 2 for one, other in pairs) / 3)
    found.backward()
    assert student.weight.grad.abs().sum() > 0
    assert average.weight.grad is None


def test_a_run_says_how_many_images_have_no_masks():
    result = measure_run(UnlabeledRun("spots", 2, teacher=True, seed=0, steps=2))
    assert result["unlabeled"] == 38
    assert 0 < result["IoU"] < 1


def _result(data, labeled, score, *, teacher, seed=0):
    combination = {"data": data, "labeled": labeled, "teacher": teacher, "seed": seed, "steps": 100}
    return {"combination": combination, "IoU": score, "seconds of a step": 0.2 if teacher else 0.1}


def test_the_table_compares_with_the_training_without_a_teacher_by_seed():
    alone = [_result("a", 2, 0.5, teacher=False), _result("b", 2, 0.6, teacher=False)]
    alone += [_result("a", 5, 0.7, teacher=False, seed=seed) for seed in range(3)]
    taught = [_result("a", 2, 0.52, teacher=True), _result("b", 2, 0.59, teacher=True)]
    taught += [_result("a", 5, score, teacher=True, seed=seed) for seed, score in enumerate((0.8, 0.9))]
    title, table = unlabeled_tables(alone + taught)
    assert title == "100 steps; with the teacher a step takes 2.0 times as long:"
    assert table.splitlines() == [
        "| data | 2 labeled, 1 seed | 5 labeled, 2 seeds |",
        "|---|---:|---:|",
        "| a | 50.0 (+2.0) | 70.0 (+15.0) |",
        "| b | 60.0 (-1.0) |  |",
        # Student's t with one degree of freedom: 12.706 * 2.1213 / sqrt(2)
        "| mean difference | +0.50 ± 19.06 | +15.00 |",
        "| better with the teacher | 1 of 2 | 1 of 1 |",
    ]
