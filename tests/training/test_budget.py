"""A budget of time, by a clock that the test turns."""

from dataclasses import replace

import pytest
from squares import Squares

import unetzoo
from unetzoo import FitListener, FitOptions, fit
from unetzoo.training.budget import Pace, fit_plan
from unetzoo.training.options import Plan


class _Clock:
    """Seconds that pass with each step and each image of a validation."""

    def __init__(self, monkeypatch, step=1.0, image=1.0):
        self.now, self.step, self.image, self.plans = 1e6, step, image, []
        monkeypatch.setattr("unetzoo.training.budget.monotonic", lambda: self.now)

    def listener(self, stop_after=None):
        def on_step(number, _of, _loss):
            self.now += self.step(number) if callable(self.step) else self.step
            if number == stop_after:
                raise KeyboardInterrupt

        def on_image(_number, _of):
            self.now += self.image

        return FitListener(on_step=on_step, on_image=on_image, on_plan=lambda *plan: self.plans.append(plan))


@pytest.fixture
def options():
    return FitOptions(minutes=1, batch=2, crop=32)


def _pace(step, validation=0.0, spent=0.0):
    times = iter([0.0, 1.0, 1.0 + step, 1.0 + step + validation])
    pace = Pace(spent, lambda: next(times))
    pace.end_step()  # the first one is not timed
    pace.end_step()
    if validation:
        pace.end_validation()
    return pace


@pytest.mark.parametrize("left", [30.0, 100.0, 3600.0, 36000.0])
@pytest.mark.parametrize("validation", [0.0, 2.0, 20.0])
def test_steps_and_validations_fill_what_is_left(left, validation):
    pace = _pace(0.5, validation)
    plan = fit_plan(Plan("dice", 32, 1500, 30), left, pace, step=100, epochs=3, is_validated=True)
    steps, epochs = plan.steps - 100, plan.epochs - 3
    assert left - 0.5 < steps * 0.5 + epochs * validation <= left
    assert pace.left(plan, 100, 3) == pytest.approx(steps * 0.5 + epochs * validation)
    assert epochs <= 2 or (epochs * validation <= 0.2 * left and steps >= 40 * epochs and plan.epochs <= 30)
    assert (plan.epochs_in(100), plan.epochs_in(plan.steps)) == (3, plan.epochs)


@pytest.mark.parametrize(("is_validated", "more"), [(True, 0), (False, 1)])
def test_without_time_a_training_ends_with_a_validated_step(is_validated, more):
    plan = fit_plan(Plan("", 32, 1500, 30), -5.0, _pace(1.0), step=70, epochs=2, is_validated=is_validated)
    assert (plan.steps, plan.epochs, plan.epochs_in(plan.steps)) == (70 + more, 2 + more, 2 + more)


def test_the_first_step_is_not_timed_and_a_checkpoint_belongs_to_its_validation():
    times = iter([0.0, 9.0, 10.0, 12.0, 15.0, 16.0])
    pace = Pace(100.0, lambda: next(times))
    for _ in range(3):
        pace.end_step()
    pace.end_validation()
    pace.end_checkpoint()
    assert (pace.step, pace.validation, pace.spent) == (1.5, 4.0, 116.0)


def test_a_training_ends_on_time_with_the_end_of_its_schedule(make_model, squares, options, tmp_path, monkeypatch):
    clock = _Clock(monkeypatch)
    result = fit(make_model(), squares, tmp_path, options=options, listener=clock.listener())
    assert clock.now - 1e6 == pytest.approx(60, rel=0.05)
    last = result.epochs[-1]
    assert (last.step, last.epoch) == clock.plans[-1][:2]
    assert last.learning_rate == 0
    assert clock.plans[0] == (60, 2, 57)  # after three steps, before a validation of three images was timed
    assert (last.step, last.epoch) == (54, 2)


def test_a_machine_that_becomes_slower_still_ends_on_time(make_model, squares, options, tmp_path, monkeypatch):
    clock = _Clock(monkeypatch, step=lambda number: 0.5 if number <= 30 else 1.0, image=0.2)
    result = fit(make_model(), squares, tmp_path, options=options, listener=clock.listener())
    assert clock.now - 1e6 == pytest.approx(60, rel=0.1)
    assert len(result.epochs) >= 2
    assert result.epochs[-1].learning_rate == pytest.approx(0, abs=1e-9)


def test_steps_that_take_long_are_planned_after_two(make_model, squares, options, tmp_path, monkeypatch):
    clock = _Clock(monkeypatch, step=10.0)
    result = fit(make_model(), squares, tmp_path, options=replace(options, minutes=0.5), listener=clock.listener())
    assert [epoch.step for epoch in result.epochs] == [3]
    assert clock.now - 1e6 == 33


def test_the_time_that_was_spent_counts_when_a_run_is_resumed(make_model, squares, options, tmp_path, monkeypatch):
    clock, options = _Clock(monkeypatch), replace(options, checkpoint_steps=10)
    with pytest.raises(KeyboardInterrupt):
        fit(make_model(), squares, tmp_path, options=options, listener=clock.listener(stop_after=31))
    clock.now += 1000  # nobody trained meanwhile
    start = clock.now
    fit(make_model(), squares, tmp_path, options=options, resume=True, listener=clock.listener())
    assert clock.now - start == pytest.approx(60 - 30, rel=0.1)
    clock.now, start = clock.now + 1000, clock.now + 1000
    longer = replace(options, minutes=1.5)
    result = fit(make_model(), squares, tmp_path, options=longer, resume=True, listener=clock.listener())
    assert clock.now - start == pytest.approx(30, rel=0.1)
    again = fit(make_model(), squares, tmp_path, options=longer, resume=True, listener=clock.listener())
    assert again.epochs == result.epochs


def test_a_run_is_not_resumed_with_another_kind_of_budget(make_model, squares, options, tmp_path, monkeypatch):
    clock = _Clock(monkeypatch, step=10.0)
    fit(make_model(), squares, tmp_path, options=replace(options, minutes=0.5), listener=clock.listener())
    with pytest.raises(unetzoo.TrainingError, match="has a budget of minutes: resume with the same kind of budget"):
        fit(make_model(), squares, tmp_path, options=FitOptions(batch=2, crop=32), resume=True)


@pytest.mark.parametrize("other", [{"steps": 5}, {"epochs": 3}])
def test_a_budget_of_time_excludes_one_of_steps(other):
    with pytest.raises(unetzoo.OptionError, match="minutes=2 is a budget instead of steps and epochs"):
        FitOptions(minutes=2, **other)


@pytest.mark.parametrize(
    ("change", "left"),
    [({"training.minutes": 5}, {"minutes": 5}), ({"training.steps": 9}, {"steps": 9, "epochs": 4})],
)
def test_a_budget_replaces_that_of_a_recipe(tmp_path, change, left):
    path = unetzoo.Recipe(training=FitOptions(steps=8, epochs=4)).save(tmp_path / "recipe.toml")
    assert unetzoo.Recipe.load(path, change).training == FitOptions(**left)


def test_an_estimate_of_the_time_comes_without_a_budget_too(make_model, tmp_path, monkeypatch):
    clock, data = _Clock(monkeypatch, step=2.0), {"train": Squares(4, 0), "val": Squares(2, 1)}
    options = FitOptions(steps=24, epochs=2, batch=2, crop=32)
    fit(make_model(), data, tmp_path, options=options, listener=clock.listener())
    assert clock.plans == [(24, 2, 28.0), (24, 2, 12 * 2.0 + 2.0), (24, 2, 0.0)]
