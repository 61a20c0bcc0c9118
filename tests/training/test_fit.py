import json
from dataclasses import replace

import pytest
import torch
from PIL import Image
from saved import same_weights
from squares import Squares

import unetzoo
from unetzoo import FitListener, FitOptions, fit
from unetzoo.evaluation.masks import predicted
from unetzoo.evaluation.scores import count, iou


def test_the_best_folder_has_the_network_with_the_best_score_in_the_history(make_model, squares, short, tmp_path):
    result = fit(make_model(), squares, tmp_path, options=short)
    loaded = unetzoo.load(tmp_path / "best")
    counts = sum(count(predicted(loaded, image).ids, mask, 2) for image, mask, _ in squares["val"])
    assert result.best.class_iou == pytest.approx(iou(counts).tolist())
    assert loaded.config.info.metrics["mean IoU"] == pytest.approx(iou(counts).mean())
    assert loaded.config.info.class_names == ("rest", "square")
    history = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert [epoch["step"] for epoch in history] == [4, 8, 12]
    assert all(torch.equal(a, b) for a, b in zip(result.model.parameters(), loaded.parameters(), strict=True))


def test_a_listener_is_called_for_each_step_image_and_epoch(make_model, squares, short, tmp_path):
    starts, steps, images, epochs = [], [], [], []
    listener = FitListener(
        on_start=starts.append,
        on_step=lambda step, of, loss: steps.append((step, of, loss)),
        on_image=lambda image, of: images.append((image, of)),
        on_epoch=epochs.append,
    )
    result = fit(make_model(), squares, tmp_path, options=short, listener=listener)
    assert starts == [0]
    assert [step[:2] for step in steps] == [(number, 12) for number in range(1, 13)]
    assert images == 3 * [(1, 3), (2, 3), (3, 3)]
    assert tuple(epochs) == result.epochs
    assert all(isinstance(epoch, unetzoo.Epoch) for epoch in epochs)
    for number, epoch in enumerate(epochs):  # an epoch has four steps
        assert epoch.loss == pytest.approx(sum(loss for _, _, loss in steps[4 * number : 4 * number + 4]) / 4)


def test_a_short_training_finds_the_squares(make_model, squares, tmp_path):
    options = FitOptions(steps=120, epochs=2, batch=4, crop=32, learning_rate=3e-3)
    result = fit(make_model(), squares, tmp_path, options=options)
    assert result.best.mean_iou > 0.9


def test_a_network_of_one_logit_is_trained_too(make_model, squares, short, tmp_path):
    result = fit(make_model(classes=1), squares, tmp_path, options=short)
    assert len(result.best.class_iou) == 2


def test_pictures_and_curves_are_in_the_run_folder(make_model, squares, short, tmp_path):

    fit(make_model(), squares, tmp_path, options=short)
    with Image.open(tmp_path / "curves.png") as curves, Image.open(tmp_path / "predictions.png") as predictions:
        assert curves.width > 600
        assert predictions.height > 3 * 256  # the worst, the median and the best of three


def test_without_validation_images_the_last_network_is_kept(make_model, squares, short, tmp_path):
    result = fit(make_model(), {"train": Squares(1, 0)}, tmp_path, options=short)
    assert [epoch.mean_iou for epoch in result.epochs] == [None] * 3
    assert result.best.epoch == 3


def test_the_same_seed_gives_the_same_weights(make_model, squares, short, tmp_path):
    first = fit(make_model(dropout=0.3), squares, tmp_path / "1", options=short).model
    torch.rand(7)  # the caller's random numbers do not matter
    second = fit(make_model(dropout=0.3), squares, tmp_path / "2", options=short).model
    other = fit(make_model(dropout=0.3), squares, tmp_path / "3", options=replace(short, seed=1)).model
    assert same_weights(first, second)
    assert not same_weights(first, other)


def test_worker_processes_change_nothing(make_model, squares, short, tmp_path):
    alone = fit(make_model(), squares, tmp_path / "1", options=short).model
    helped = fit(make_model(), squares, tmp_path / "2", options=replace(short, workers=2)).model
    assert same_weights(alone, helped)


def test_the_random_state_of_the_caller_stays(make_model, squares, short, tmp_path):
    model = make_model()
    torch.manual_seed(4)
    expected = torch.rand(2)
    torch.manual_seed(4)
    fit(model, squares, tmp_path, options=short)
    assert torch.equal(torch.rand(2), expected)


def test_a_frozen_encoder_keeps_its_weights_and_is_thawed_after(make_model, squares, short, tmp_path):
    model = make_model()
    before = [parameter.clone() for parameter in model.encoder.parameters()]
    steps = []

    def compare(step, _of, _loss):
        steps.append(all(torch.equal(a, b) for a, b in zip(before, model.encoder.parameters(), strict=True)))

    fit(model, squares, tmp_path, options=replace(short, frozen_epochs=2), listener=FitListener(on_step=compare))
    assert steps[:8] == [True] * 8  # two epochs of four steps
    assert not any(steps[8:])


def test_an_encoder_that_was_frozen_to_the_end_is_thawed_too(make_model, squares, short, tmp_path):
    model = make_model()
    fit(model, squares, tmp_path / "run", options=replace(short, frozen_epochs=99))
    assert not model.encoder.frozen
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_the_encoder_has_its_own_rate(make_model, squares, short, tmp_path):
    model = make_model()
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    fit(model, squares, tmp_path, options=replace(short, encoder_rate=0.0, average=0.0))
    moved = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
    assert moved
    assert not any(name.startswith("encoder.") for name in moved)


def test_trackers_log_each_epoch(make_model, squares, short, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    result = fit(make_model(), squares, tmp_path, options=replace(short, trackers=["tensorboard"]))
    events = EventAccumulator(str(tmp_path / "unetzoo"))
    events.Reload()
    assert [event.step for event in events.Scalars("mean IoU")] == [4, 8, 12]
    assert events.Scalars("loss")[-1].value == pytest.approx(result.epochs[-1].loss)
