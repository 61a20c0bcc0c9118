"""`unetzoo bench`: measure this project beside its peers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unetzoo._utils.extras import need
from unetzoo.cli.grid import grid, report
from unetzoo.cli.output import new_table, show
from unetzoo.errors import OptionError

if TYPE_CHECKING:
    from rich.table import Table

    from unetzoo.bench.case import Case
    from unetzoo.bench.speed_table import Result

bench = typer.Typer(help="Measure speed and accuracy.", no_args_is_help=True, rich_markup_mode=None)


@bench.callback()
def _group() -> None:
    """Measure speed and accuracy."""


bench.command("grid")(grid)
bench.command("report")(report)


@bench.command()
def speed(
    decoders: Annotated[
        list[str] | None,
        typer.Option("--decoders", "--decoder", "-d", metavar="NAMES", help="unet or unetpp  [default: both]"),
    ] = None,
    encoders: Annotated[
        list[str] | None,
        typer.Option("--encoders", "--encoder", "-e", metavar="NAMES", help="names of timm  [default: resnet34]"),
    ] = None,
    size: Annotated[
        list[str] | None, typer.Option(metavar="PIXELS", help="side of the square image  [default: 512]")
    ] = None,
    batch: Annotated[list[str] | None, typer.Option(metavar="N", help="images in one call  [default: 1]")] = None,
    task: Annotated[
        list[str] | None, typer.Option(metavar="NAMES", help="inference or training  [default: inference]")
    ] = None,
    device: Annotated[str, typer.Option(metavar="NAME", help="cpu, cuda, or auto: both if there is a GPU")] = "auto",
    rounds: Annotated[int, typer.Option(metavar="N", help="timed calls of each contender")] = 15,
    seed: Annotated[int, typer.Option(metavar="N", help="of the weights and images")] = 0,
    compile_too: Annotated[
        bool, typer.Option("--compile", help="also compiled contenders: a minute more each")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="also write the raw samples there, a .json file a case")
    ] = None,
) -> None:
    """Time U-Net and U-Net++ of unetzoo, segmentation_models_pytorch and MONAI in turn, call by call.

    Options may take several values, separated by commas or one at a time; each combination is a case. It
    needs the extra 'bench'.
    """
    from itertools import product

    from unetzoo.bench.case import DECODERS, Case
    from unetzoo.bench.speed_table import EXPLANATION
    from unetzoo.bench.store import check_folder

    choices = (
        _listed(decoders, DECODERS),
        _listed(encoders, ["resnet34"]),
        _numbers("--size", _listed(size, ["512"])),
        _numbers("--batch", _listed(batch, ["1"])),
        _listed(task, ["inference"]),
    )
    devices = _devices(device)
    cases = [
        Case(
            decoder=one[0],
            encoder=one[1],
            size=one[2],
            batch=one[3],
            task=one[4],  # type: ignore[arg-type]  # Case checks it
            device=where,  # type: ignore[arg-type]  # as above
            compile=compile_too,
            rounds=rounds,
            seed=seed,
        )
        for where in devices
        for one in product(*choices)
    ]
    need("bench", "the benchmark", "segmentation_models_pytorch", "monai")
    if out is not None:
        check_folder(out)
    for case in cases:
        _measure(case, out)
    show(EXPLANATION)
    if device == "auto" and "cuda" not in devices:
        show("", "There is no GPU here: nothing was measured on one.")


def _measure(case: "Case", out: Path | None) -> None:
    from unetzoo.bench.run import run_case
    from unetzoo.bench.speed_table import findings
    from unetzoo.bench.store import save_result

    with _progress(case) as on_round:
        result = run_case(case, on_round)
    show(case.title, "", _table(result), "", *findings(result), "")
    if out is not None:
        save_result(result, out)


@contextmanager
def _progress(case: "Case") -> Iterator[Callable[[], None]]:
    """A bar on standard error, if that is a terminal, and gone at the end; gives what to call after a round."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(case.title, total=case.rounds)
        yield lambda: progress.advance(task)


def _table(result: "Result") -> "Table":
    from unetzoo.bench.speed_table import HEADERS, rows

    table = new_table("", "", numbers=HEADERS)
    for row in rows(result):
        table.add_row(row.allocator, row.name, *row.cells)
    return table


def _listed(texts: Sequence[str] | None, default: Sequence[str]) -> list[str]:
    """The values of an option that may be given several times, each time with several, separated by commas."""
    from unetzoo.bench.grid import split_commas

    return [value for text in texts or default for value in split_commas(text)]


def _numbers(flag: str, values: Sequence[str]) -> list[int]:
    """Whole numbers; OptionError for other texts."""
    for value in values:
        if not value.isdecimal():
            raise OptionError(f"{flag} takes whole numbers, such as 256,512; got {value!r}")
    return [int(value) for value in values]


def _devices(asked: str) -> list[str]:
    """Those to measure on."""
    import torch

    if asked not in ("auto", "cpu", "cuda"):
        raise OptionError(f"device must be cpu, cuda or auto, got {asked!r}")
    if asked == "cuda" and not torch.cuda.is_available():
        raise OptionError("torch sees no GPU here; measure with --device cpu")
    if asked == "auto":
        return ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    return [asked]
