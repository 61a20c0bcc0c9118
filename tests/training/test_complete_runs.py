"""A folder that has a run already: what may continue it, and what must not touch it."""

import json
from dataclasses import replace

import pytest
from saved import same_weights
from squares import Squares

from unetzoo import TrainingError, fit


def test_a_folder_of_checkpoints_without_their_run_is_not_touched(make_model, squares, short, tmp_path):
    fit(make_model(), squares, tmp_path, options=short)
    (tmp_path / "run.json").unlink()
    for resume in (False, True):
        with pytest.raises(TrainingError, match=r"there are checkpoints in .*checkpoints but no run.json"):
            fit(make_model(), squares, tmp_path, options=short, resume=resume)
    assert len(list((tmp_path / "checkpoints").iterdir())) == 1


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_anew(make_model, squares, short, tmp_path):
    (tmp_path / "run.json").write_text("{}")
    result = fit(make_model(), squares, tmp_path, options=short, resume=True)
    assert json.loads((tmp_path / "run.json").read_text())["options"]["steps"] == short.steps
    assert len(result.epochs) == 3


def test_a_run_is_not_overwritten(make_model, squares, short, tmp_path):
    fit(make_model(), squares, tmp_path, options=short)
    before = (tmp_path / "best" / "model.safetensors").read_bytes()
    with pytest.raises(TrainingError, match=r"there is a run in .* already"):
        fit(make_model(), squares, tmp_path, options=replace(short, seed=3))
    assert (tmp_path / "best" / "model.safetensors").read_bytes() == before


def test_resuming_with_other_options_is_refused_with_what_differs(make_model, squares, short, tmp_path):
    fit(make_model(), squares, tmp_path, options=short)
    with pytest.raises(TrainingError, match="had other options: seed was 0, is 3"):
        fit(make_model(), squares, tmp_path, options=replace(short, seed=3), resume=True)
    with pytest.raises(TrainingError, match=r"had other network: .*dropout"):
        fit(make_model(dropout=0.1), squares, tmp_path, options=short, resume=True)
    with pytest.raises(TrainingError, match="had other data: images was 6, is 5"):
        fit(make_model(), {**squares, "train": Squares(5, 0)}, tmp_path, options=short, resume=True)


def test_resuming_a_complete_run_returns_its_result(make_model, squares, short, tmp_path):
    first = fit(make_model(), squares, tmp_path, options=short)
    again = fit(make_model(), squares, tmp_path, options=short, resume=True)
    assert again.epochs == first.epochs
    assert same_weights(again.model, first.model)


def test_a_complete_run_continues_with_more_epochs_of_the_same_length(make_model, squares, short, tmp_path):
    first = fit(make_model(), squares, tmp_path, options=short)
    longer = replace(short, steps=20, epochs=5)
    second = fit(make_model(), squares, tmp_path, options=longer, resume=True)
    assert second.epochs[:3] == first.epochs
    assert [epoch.step for epoch in second.epochs] == [4, 8, 12, 16, 20]
    rates = [epoch.learning_rate for epoch in second.epochs]
    assert rates[2] < rates[3]  # the rate falls to 0 at the new end, no more at the old one
    again = fit(make_model(), squares, tmp_path, options=longer, resume=True)
    assert again.epochs == second.epochs


@pytest.mark.parametrize(
    ("steps", "epochs", "message"),
    [
        (12, 6, r"12 steps in 3 epochs; 12 steps in 6 epochs would change .*: resume with steps=24"),
        (8, 2, r"has trained 3 epochs already, more than 2: resume with epochs=3 or more"),
    ],
)
def test_a_run_cannot_go_on_with_epochs_of_another_length_or_end_in_its_past(
    steps, epochs, message, make_model, squares, short, tmp_path
):
    fit(make_model(), squares, tmp_path, options=short)
    before = (tmp_path / "run.json").read_text()
    with pytest.raises(TrainingError, match=message):
        fit(make_model(), squares, tmp_path, options=replace(short, steps=steps, epochs=epochs), resume=True)
    assert (tmp_path / "run.json").read_text() == before
