"""`unetzoo bench grid` and `unetzoo bench report`: every combination of parts, trained alike, on one page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unetzoo._utils.texts import count_of
from unetzoo.cli.common import Json
from unetzoo.cli.errors import exit_for
from unetzoo.cli.output import say, show, show_result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unetzoo.bench.grid import Combination
    from unetzoo.bench.store import Result

_DECODERS, _ENCODERS, _STEPS = "unet,unetpp", "resnet18", 300
Folder = Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Folder of the results, one file per run")]


def grid(
    decoders: Annotated[
        str | None,
        typer.Option(
            "--decoders",
            "--decoder",
            "-d",
            metavar="NAMES",
            help="Decoders, such as unet,fpn or 'unet*' or 'unetpp(deep_supervision=True)'  [default: unet,unetpp]",
            show_default=False,
        ),
    ] = None,
    encoders: Annotated[
        str | None,
        typer.Option(
            "--encoders",
            "--encoder",
            "-e",
            metavar="NAMES",
            help="Encoders, such as 'resnet{18,34},convnext_*'  [default: resnet18]",
            show_default=False,
        ),
    ] = None,
    losses: Annotated[
        str | None,
        typer.Option(
            "--losses",
            "--loss",
            metavar="EXPRESSIONS",
            help="Loss expressions, such as dice,'dice + ce'  [default: dice + ce; dice + bce where classes overlap]",
            show_default=False,
        ),
    ] = None,
    objects: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Codings of objects, such as boundary,distance: instead of losses, networks that number objects",
            show_default=False,
        ),
    ] = None,
    recipes: Annotated[
        str | None,
        typer.Option(
            "--recipes",
            "--recipe",
            metavar="NAMES",
            help="Recipes, such as cells,cracks or run/recipe.toml, instead of parts and losses; each with "
            "its batch and crops",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        str, typer.Option(metavar="NAMES", help="Data sets, such as nuclei,brain-tissue, or folders")
    ] = "nuclei",
    seeds: Annotated[
        int, typer.Option(metavar="N", help="Number of runs of each combination, with seeds from 0 on")
    ] = 1,
    steps: Annotated[
        int | None,
        typer.Option(metavar="N", help="Number of updates of the weights  [default: 300]", show_default=False),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Time of each training, instead of --steps", show_default=False),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(metavar="N", help="Crops per step  [default: 8, or the recipe's]", show_default=False),
    ] = None,
    crop: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS", help="Side of the square crops  [default: 128, or the recipe's]", show_default=False
        ),
    ] = None,
    size: Annotated[int, typer.Option(metavar="PIXELS", help="Side of the square image for the latency")] = 256,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Engine that times the networks, on the CPU, such as openvino  [default: torch]",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(metavar="N", help="Number of simultaneous runs; more than one distorts latencies", min=1)
    ] = 1,
    ray: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Use a Ray cluster: its address, auto, or local")
    ] = None,
    out: Folder = Path("leaderboard"),
    json: Json = None,
) -> None:
    """Train every combination under the same budget, and measure its accuracy and its speed.

    The result of each run is a file. If the command is interrupted, run it again to continue: existing results are
    kept. A combination that fails is recorded with its error. `unetzoo bench report` writes a page of the results.

    Example: unetzoo bench grid --decoder unet,fpn --encoder 'resnet{18,34}' --out leaderboard
    """
    from unetzoo.bench.grid import expand, split_commas
    from unetzoo.bench.runner import run_in_processes, run_on_ray
    from unetzoo.bench.store import check_folder, load, missing
    from unetzoo.inference.engines.started import check_engine, engine_spec

    if engine:
        check_engine(engine_spec(engine), "float32")
    sides = {"batch": batch, "crop": crop}
    chosen = expand(
        decoders=split_commas(decoders or ("" if recipes else _DECODERS)),
        encoders=split_commas(encoders or ("" if recipes else _ENCODERS)),
        losses=split_commas(losses or ""),
        objects=split_commas(objects or ""),
        recipes=split_commas(recipes or ""),
        data=split_commas(data),
        seeds=seeds,
        steps=_STEPS if steps is None and seconds is None else steps,
        seconds=seconds,
        **{name: number for name, number in sides.items() if number is not None},
        size=size,
        engine="" if engine in (None, "torch") else engine,
    )
    check_folder(out)
    left = missing(chosen, out)
    if len(left) < len(chosen):
        show(f"{len(chosen) - len(left):,} of {count_of(len(chosen), 'run')} already in {out}")
    running = run_on_ray(left, out, address=ray) if ray else run_in_processes(left, out, workers=workers)
    failed = _follow(running, len(chosen), len(left))
    failures = f", {failed:,} of which failed" if failed else ""
    line = f"{count_of(len(chosen), 'run')} in {out}{failures}; unetzoo bench report {out} makes the page"
    show_result({"folder": str(out), "runs": [load(out / each.file_name) for each in chosen]}, json, line)
    exit_for(failed, len(chosen) - failed)


def report(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder that `unetzoo bench grid` wrote", show_default=False)
    ],
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File of the page  [default: index.html in FOLDER]", show_default=False),
    ] = None,
    title: Annotated[str, typer.Option(metavar="TEXT", help="Title of the page")] = "Leaderboard",
) -> None:
    """Write one page of the results of a grid, and its table as CSV and Markdown.

    The page is one file that needs no internet connection.

    Example: unetzoo bench report leaderboard --title "Decoders on cell nuclei"
    """
    from unetzoo.bench.page import write_report

    for path in write_report(folder, html or folder / "index.html", title=title):
        show(str(path))


def _follow(running: "Iterator[tuple[Combination, Result]]", total: int, left: int) -> int:
    """Print each run as it ends, above a progress bar; the number of failed runs."""
    from unetzoo.cli.progress import progress

    failed = 0
    with progress() as bar:
        task = bar.add_task("runs", total=total, completed=total - left)
        for combination, result in running:
            bar.update(task, advance=1)
            if "error" in result:
                failed += 1
                say("failed:", "yellow", f"{combination.title}: {result['error']}")
            else:
                show(f"{combination.title}: {_summary(result)}")
    return failed


def _summary(result: "Result") -> str:
    iou, speed = result["accuracy"]["mean"]["IoU"], result["speed"]
    precision = result["accuracy"].get("objects", {}).get("AP")
    objects = "" if precision is None else f"AP {precision:.4f}, "
    accuracy = "no IoU" if iou is None else f"mean IoU {iou:.4f}"
    return f"{objects}{accuracy}, {speed['latency'] * 1e3:.1f} ms, {speed['parameters'] / 1e6:.2f} M parameters"
