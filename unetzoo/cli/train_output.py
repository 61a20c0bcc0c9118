"""What `unetzoo train` says: warnings, a line an epoch, a progress bar, the result."""

from contextlib import contextmanager
from typing import TYPE_CHECKING

from unetzoo._utils.texts import count_of
from unetzoo.cli.output import say, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unetzoo.data.survey.survey import Survey
    from unetzoo.nn.segmenter import Segmenter
    from unetzoo.training.fit import Fit
    from unetzoo.training.loop import Listener
    from unetzoo.training.options import FitOptions
    from unetzoo.training.progress import Epoch

_MOST_WARNINGS = 5


def say_warnings(found: "Survey") -> None:
    """What is odd about the data, but no reason not to train."""
    from unetzoo.cli.progress import is_first_process

    if not is_first_process():
        return
    warnings = [problem.text for problem in found.problems if problem.severity == "warning"]
    for text in warnings[:_MOST_WARNINGS]:
        say("warning:", "yellow", text)
    if len(warnings) > _MOST_WARNINGS:
        say("warning:", "yellow", f"and {len(warnings) - _MOST_WARNINGS:,} more; `unetzoo data check` lists them")


@contextmanager
def shown(model: "Segmenter", found: "Survey", options: "FitOptions") -> "Iterator[Listener]":
    """A listener that prints a line an epoch, and shows a progress bar on a terminal."""
    from unetzoo.cli.progress import progress
    from unetzoo.training.loop import Listener

    plan = options.plan(found.statistics, model.config.classes)
    with progress() as bar:
        task = bar.add_task("step", total=plan.steps)
        judging = bar.add_task("validate", visible=False)

        def on_start(step: int) -> None:
            bar.update(task, completed=step)
            show(_title(model, found, options, step))

        listener = Listener(
            on_start=on_start,
            on_step=lambda step, _steps, _loss: bar.update(task, completed=step),
            on_image=lambda done, total: bar.update(judging, completed=done, total=total, visible=done < total),
            on_epoch=lambda epoch: show(_line(epoch, plan.epochs, found.statistics.class_names)),
        )
        yield listener


def _title(model: "Segmenter", found: "Survey", options: "FitOptions", step: int) -> str:
    plan = options.plan(found.statistics, model.config.classes)
    counts = ", ".join(f"{len(indices):,} {split}" for split, indices in found.splits.items())
    parameters = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    classes = count_of(len(found.statistics.class_names), "class", "classes")
    begun = f", on from step {step:,}" if step else ""
    return (
        f"{counts} images, {classes}; {model.config.decoder} over "
        f"{model.config.encoder}, {parameters:.2f} M parameters; {plan.loss}; {plan.steps:,} steps of {options.batch} "
        f"crops of {plan.crop} px{begun}"
    )


def _line(epoch: "Epoch", epochs: int, class_names: tuple[str, ...]) -> str:
    number = f"epoch {epoch.epoch:>{len(str(epochs))}}/{epochs}  loss {epoch.loss:.4f}"
    if epoch.mean_iou is None:
        return number
    known = ((name, value) for name, value in zip(class_names, epoch.class_iou, strict=True) if value is not None)
    classes = ", ".join(f"{name} {value:.3f}" for name, value in known)
    return f"{number}  mean IoU {epoch.mean_iou:.4f} ({classes}){'  best' if epoch.is_best else ''}"


def say_result(result: "Fit") -> None:
    """Where the best network is."""
    best = result.best
    pictures = [result.folder / name for name in ("predictions.png", "curves.png")]  # without validation one of them
    picture = next(path for path in pictures if path.exists())
    which = "there are no validation images to choose by: the last network"
    if best.mean_iou is not None:
        which = f"the best network of epoch {best.epoch}, mean IoU {best.mean_iou:.4f},"
    show(f"{which} is in {result.folder / 'best'}; pictures: {picture}")
