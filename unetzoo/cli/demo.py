"""`unetzoo demo`: train U-Net and U-Net++ on a real image, offline, and see how well they do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unetzoo.cli.output import new_table, show
from unetzoo.cli.progress import progress

if TYPE_CHECKING:
    from rich.table import Table

    from unetzoo.demo.run import Outcome, Result, Settings

_QUICKEST = 0.001  # seconds; below it the number says nothing


def demo(
    encoder: Annotated[
        str, typer.Option("--encoder", "-e", metavar="NAME", help="see `unetzoo list encoders`")
    ] = "mobilenetv3_small_100",
    steps: Annotated[int, typer.Option(metavar="N", help="updates of the weights of each network")] = 150,
    seed: Annotated[int, typer.Option(metavar="N", help="of the weights and the crops")] = 0,
    out: Annotated[Path, typer.Option(metavar="FILE", help="write the picture into this .png or .jpg file")] = Path(
        "demo.png"
    ),
) -> None:
    """Train U-Net and U-Net++ on a real image of nuclei, and judge them on a part that they never saw.

    The image ships with unetzoo: nothing is downloaded. It takes about a minute on two cores. A table compares both
    with Otsu's threshold, and a picture shows what each of them sees and where it errs. The same seed gives the same
    numbers.
    """
    from unetzoo._utils.memory import keep_freed_memory
    from unetzoo.demo.run import Settings, run_demo
    from unetzoo.demo.save import check_target, save_picture

    keep_freed_memory()
    check_target(out)
    settings = Settings(encoder, steps, seed)
    with _progress(settings) as on_step:
        result = run_demo(settings, on_step)
    show(_title(result), "", _table(result), "", _explanation(result))

    from unetzoo.demo.picture import draw

    save_picture(draw(result), out)
    show("", f"picture in {out}")


@contextmanager
def _progress(settings: "Settings") -> Iterator[Callable[[str, float], None]]:
    """A bar for each network; gives what to call after a step."""
    from unetzoo.demo.run import DECODERS

    with progress("{task.fields[loss]}") as bar:
        tasks = {name: bar.add_task(name, total=settings.steps, loss="", start=False) for name in DECODERS}

        def on_step(name: str, loss: float) -> None:
            bar.start_task(tasks[name])
            bar.update(tasks[name], advance=1, loss=f"loss {loss:.3f}")

        yield on_step


def _title(result: "Result") -> str:
    settings = result.settings
    return f"nuclei in the part held out: encoder {settings.encoder}, steps {settings.steps}, seed {settings.seed}"


def _table(result: "Result") -> "Table":
    table = new_table("method", numbers=("mean IoU", "nuclei Dice", "seconds per image", "parameters"))
    for outcome in result.outcomes:
        table.add_row(*_row(outcome))
    return table


def _row(outcome: "Outcome") -> tuple[str, ...]:
    seconds = f"< {_QUICKEST}" if outcome.seconds < _QUICKEST else f"{outcome.seconds:.3f}"
    scores = outcome.scores
    return outcome.method, f"{scores.mean_iou:.3f}", f"{scores.dice:.3f}", seconds, f"{outcome.parameters:,}"


def _explanation(result: "Result") -> str:
    import torch

    from unetzoo.demo.run import TIMED_RUNS

    height, width = result.held_out.image.shape
    return (
        "mean IoU: of background and nuclei; seconds: to predict the "
        f"{height} x {width} pixels held out, median of {TIMED_RUNS} runs, {torch.get_num_threads()} threads"
    )
