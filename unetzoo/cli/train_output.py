"""What `unetzoo train` says: warnings, a line an epoch, a progress bar, the result."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from unetzoo._utils.texts import count_of, duration
from unetzoo.cli.output import say, show, show_result
from unetzoo.cli.progress import is_first_process, progress
from unetzoo.features import along_axes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unetzoo.data.survey.survey import Survey
    from unetzoo.evaluation.tune import Tuning
    from unetzoo.nn.segmenter import Segmenter
    from unetzoo.training.finish import Fit
    from unetzoo.training.options import FitOptions
    from unetzoo.training.progress import Epoch, FitListener
    from unetzoo.training.recipe import Recipe
    from unetzoo.weights.inherit import Inheritance

_MOST_WARNINGS = 5
_SHORT = 60  # seconds, of which nobody needs an estimate


def say_new_run(folder: Path) -> None:
    """Warn that there is no run to resume."""
    if is_first_process():
        say("warning:", "yellow", f"there is no run to resume in {folder}; starting a new one")


def say_warnings(survey: "Survey") -> None:
    """Print the first warnings about the data."""
    if not is_first_process():
        return
    warnings = [problem.text for problem in survey.problems if problem.severity == "warning"]
    for text in warnings[:_MOST_WARNINGS]:
        say("warning:", "yellow", text)
    if len(warnings) > _MOST_WARNINGS:
        say("warning:", "yellow", f"and {len(warnings) - _MOST_WARNINGS:,} more; `unetzoo data check` lists them")


@contextmanager
def listening(model: "Segmenter", survey: "Survey", recipe: "Recipe") -> "Iterator[FitListener]":
    """A listener that prints a line an epoch, and shows a progress bar on a terminal."""
    from unetzoo.training.progress import FitListener

    clock = _Clock(recipe.training, model)
    with progress() as bar:
        task = bar.add_task("step", total=None)
        validation = bar.add_task("validate", visible=False)
        tuning = bar.add_task("tune", visible=False)

        def on_start(step: int) -> None:
            bar.update(task, completed=step, total=clock.steps)
            show(_title(model, survey, recipe, step, clock.steps))

        yield FitListener(
            on_inherit=say_inheritance,
            on_length=clock.on_length,
            on_start=on_start,
            on_plan=clock.on_plan,
            on_step=lambda step, steps, _loss: bar.update(task, completed=step, total=steps),
            on_image=lambda done, total: bar.update(validation, completed=done, total=total, visible=done < total),
            on_epoch=lambda epoch: show(_line(epoch, clock, survey.statistics.class_names)),
            on_tune=lambda done, total: bar.update(tuning, completed=done, total=total, visible=done < total),
        )


class _Clock:
    """What is known of the time of a training: it prints that once, after the first steps."""

    def __init__(self, options: "FitOptions", model: "Segmenter") -> None:
        self.steps, self.epochs, self.left = 0, 0, 0.0
        self._minutes, self._model, self._is_known = options.minutes, model, False

    def on_length(self, steps: int, epochs: int) -> None:
        """Keep the number of steps, and that of epochs."""
        self.steps, self.epochs = steps, epochs

    def on_plan(self, steps: int, epochs: int, seconds: float) -> None:
        """Keep the number of epochs, and the seconds to the end."""
        self.epochs, self.left = epochs, seconds
        if not self._is_known and (self._minutes is not None or seconds >= _SHORT):
            device = next(self._model.parameters()).device.type
            machine = "this CPU" if device == "cpu" else f"this {device} device"
            if self._minutes is not None:
                show(f"about {steps:,} steps fit into {duration(60 * self._minutes)} on {machine}")
            else:
                show(f"about {duration(seconds)} on {machine}, and validation")
        self._is_known = True


def say_inheritance(inheritance: "Inheritance") -> None:
    """Print what a network has of the one that its training begins with."""
    show(f"begins with {inheritance.lineage[0]}", *(f"  {line}" for line in inheritance.notes))


def _title(model: "Segmenter", survey: "Survey", recipe: "Recipe", step: int, steps: int) -> str:
    from unetzoo.training.spacing import SpacedSurvey

    options, spaced = recipe.training, SpacedSurvey(survey, recipe.data.spacing)
    statistics = spaced.of(survey.statistics)
    plan = options.plan(statistics, model.config.classes, objects=bool(model.config.objects))
    *most, (split, last) = survey.splits.items()
    number = count_of(len(last), f"{split} {survey.noun}")
    counts = ", ".join((*(f"{len(indices):,} {name}" for name, indices in most), number))
    crop = " x ".join(map(str, along_axes(plan.crop, 1)))
    parameters = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    classes = count_of(len(statistics.class_names), "class", "classes")
    sides = " x ".join(f"{side:.4g}" for side in spaced.spacing)
    size = f", each {sides} {spaced.unit}" if sides else ""
    loss = plan.loss or "the losses of its maps"
    objects = f", objects by {model.config.objects}" if model.config.objects else ""
    start = f", continued from step {step:,}" if step else ""
    length = count_of(steps, "step") if options.minutes is None else f"{duration(60 * options.minutes)} of steps"
    return (
        f"{counts}, {classes}{objects}; {model.config.decoder} over "
        f"{model.config.encoder}, {parameters:.2f} M parameters; {loss}; {length} of "
        f"{count_of(options.batch, 'crop')} of {crop} px{size}{start}"
    )


def _line(epoch: "Epoch", clock: _Clock, class_names: tuple[str, ...]) -> str:
    epochs, left = clock.epochs, f"  {duration(clock.left)} left" if clock.left >= _SHORT else ""
    number = f"epoch {epoch.epoch:>{len(str(epochs))}}/{epochs}  loss {epoch.loss:.4f}"
    if epoch.mean_iou is None:
        return f"{number}{left}"
    scores = zip(class_names, epoch.class_iou, strict=True)
    classes = ", ".join(f"{name} {value:.3f}" for name, value in scores if value is not None)
    precision = "" if epoch.average_precision is None else f"  AP {epoch.average_precision:.4f}"
    return f"{number}{precision}  mean IoU {epoch.mean_iou:.4f} ({classes}){'  best' if epoch.is_best else ''}{left}"


def say_result(result: "Fit", json: str | None) -> None:
    """Print where the best network is, or all numbers as JSON."""
    best = result.best
    pictures = [result.folder / name for name in ("predictions.png", "curves.png")]  # without validation one of them
    picture = next(path for path in pictures if path.exists())
    network = "no validation images to choose by: the last network"
    if best.score is not None:
        tuned = result.tuning
        score = f"{best.score_name} {best.score:.4f}" if tuned is None else f"{tuned.score} {tuned.after:.4f} as tuned"
        network = f"the best network, of epoch {best.epoch} with {score},"
    lines = [result.outlook] if result.outlook else []
    if result.tuning is not None:
        lines.append(tuning_line(result.tuning))
    lines.append(f"{network} is in {result.folder / 'best'}; pictures: {picture}")
    show_result(result.to_dict(), json, *lines)


def tuning_line(tuning: "Tuning") -> str:
    """What the tuning of a decoder of objects, or of thresholds, changed."""
    changes = [f"{name} {old:g} to {new:g}" for name, (old, new) in tuning.changes.items() if new != old]
    subject, score = "decoder" if tuning.score == "AP" else "thresholds", tuning.score
    tuned = f"{subject} tuned on {count_of(tuning.images, tuning.noun)}"
    if not changes:
        stay = "its options stay" if subject == "decoder" else "they stay"
        return f"{tuned}: {stay}, {score} {tuning.before:.4f}"
    return f"{tuned}: {', '.join(changes)}; {score} {tuning.before:.4f} to {tuning.after:.4f}"
