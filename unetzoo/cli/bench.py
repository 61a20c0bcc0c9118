"""`unetzoo bench speed`: time a network, as created and at its best."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unetzoo.cli.common import Json
from unetzoo.cli.grid import grid, report
from unetzoo.cli.output import new_table, show, show_result
from unetzoo.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rich.table import Table

    from unetzoo.bench.case import Case

bench = typer.Typer(help="Measure speed and accuracy.", rich_markup_mode=None)


bench.command("grid")(grid)
bench.command("report")(report)


@bench.command()
def speed(
    decoders: Annotated[
        list[str] | None,
        typer.Option(
            "--decoders", "--decoder", "-d", metavar="NAMES", help="Decoders, such as unet,fpn  [default: unet,unetpp]"
        ),
    ] = None,
    encoders: Annotated[
        list[str] | None,
        typer.Option(
            "--encoders", "--encoder", "-e", metavar="NAMES", help="Encoders, such as resnet18  [default: resnet34]"
        ),
    ] = None,
    size: Annotated[
        list[str] | None, typer.Option(metavar="PIXELS", help="Side of the square image  [default: 512]")
    ] = None,
    batch: Annotated[list[str] | None, typer.Option(metavar="N", help="Images in one call  [default: 1]")] = None,
    task: Annotated[
        list[str] | None,
        typer.Option(metavar="NAMES", help="What to time: inference or training  [default: inference]"),
    ] = None,
    device: Annotated[
        str, typer.Option(metavar="NAME", help="Device: cpu, cuda, or auto, which is both if there is a GPU")
    ] = "auto",
    rounds: Annotated[int, typer.Option(metavar="N", help="Timed calls of each contender")] = 15,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the weights and images")] = 0,
    compile_too: Annotated[
        bool, typer.Option("--compile", help="Also time compiled networks, which takes a minute more each")
    ] = False,
    engine: Annotated[
        list[str] | None,
        typer.Option(metavar="NAMES", help="Also time these engines on the CPU, such as openvino,onnxruntime"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Also write the raw samples to this folder, one .json file per case"),
    ] = None,
    json: Json = None,
) -> None:
    """Time networks as created and optimized, in turn, call by call.

    --decoder, --encoder, --size, --batch and --task take several values, separated by commas, or may be repeated; each
    combination is a case.

    Example: unetzoo bench speed --decoder unet,fpn --encoder resnet18 --size 256
    """
    from itertools import product

    from unetzoo.bench.case import Case
    from unetzoo.bench.grid import parts
    from unetzoo.bench.store import check_folder
    from unetzoo.bench.timings import EXPLANATION, as_numbers
    from unetzoo.inference.engines.started import check_engine, engine_spec

    choices = (
        parts("decoder", _listed(decoders, ["unet", "unetpp"])),
        parts("encoder", _listed(encoders, ["resnet34"])),
        _numbers("--size", _listed(size, ["512"])),
        _numbers("--batch", _listed(batch, ["1"])),
        _listed(task, ["inference"]),
    )
    devices, engines = _devices(device), tuple(_listed(engine, []))
    for name in engines:
        check_engine(engine_spec(name), "float32")
    cases = [
        Case(
            decoder=decoder,
            encoder=encoder,
            size=side,
            batch=images,
            task=what,  # type: ignore[arg-type]  # Case checks it
            device=where,  # type: ignore[arg-type]  # as above
            compile=compile_too,
            rounds=rounds,
            seed=seed,
            engines=engines,
        )
        for where in devices
        for decoder, encoder, side, images, what in product(*choices)
    ]
    if out is not None:
        check_folder(out)
    results = [_measure(case, out) for case in cases]
    without_gpu = device == "auto" and "cuda" not in devices
    note = ("", "There is no GPU here: nothing was measured on one.") if without_gpu else ()
    show_result([*map(as_numbers, results)], json, EXPLANATION, *note)


def _measure(case: "Case", out: Path | None) -> "Mapping[str, Any]":
    """Time a case, and print its table at once."""
    from unetzoo.bench.speed import run_case
    from unetzoo.bench.store import write_json
    from unetzoo.bench.timings import comparisons
    from unetzoo.cli.progress import counting

    with counting(case.title) as on_round:
        result = run_case(case, lambda: on_round(case.rounds))
    show(case.title, "", _table(result), "", *comparisons(result), "")
    if out is not None:
        write_json(result, out / case.file_name)
    return result


def _table(result: "Mapping[str, Any]") -> "Table":
    from unetzoo.bench.timings import timings

    table = new_table("", "", numbers=("ms", "faster than the first", "peak MiB", "difference"))
    for one in timings(result):
        table.add_row(one.allocator, one.contender, one.milliseconds, one.ratio, one.peak, one.difference)
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


def _devices(name: str) -> list[str]:
    import torch

    if name not in ("auto", "cpu", "cuda"):
        raise OptionError(f"device must be one of cpu, cuda, auto; got {name!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise OptionError("torch sees no GPU here; measure with --device cpu")
    if name == "auto":
        return ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    return [name]
