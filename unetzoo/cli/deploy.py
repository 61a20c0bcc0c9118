"""`unetzoo deploy`: keep the fastest engine and arithmetic that loses little."""

from pathlib import Path
from typing import Annotated

import typer

from unetzoo.cli.common import Json
from unetzoo.cli.data_flags import ClassNames, Ignore, MaskKind, NearestColor, Threshold, mask_options
from unetzoo.cli.models import ModelName, load_model
from unetzoo.cli.output import new_table, say, show_result


def deploy(
    model: ModelName,
    data: Annotated[
        str,
        typer.Option("--data", metavar="DATA", help="Data set of the network, as train takes it", show_default=False),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="New folder of the result", show_default=False)],
    max_drop: Annotated[
        float,
        typer.Option(
            metavar="SCORE", help="How much of the mean IoU, or of the objects' AP, may be lost", min=0, max=1
        ),
    ] = 0.005,
    engines: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Engines, such as torch,openvino  [default: all]", show_default=False),
    ] = None,
    crops: Annotated[int, typer.Option(metavar="N", help="Number of training crops that calibrate int8", min=1)] = 64,
    crop: Annotated[int, typer.Option(metavar="PIXELS", help="Side of these crops", min=1)] = 256,
    classes: ClassNames = None,
    masks: MaskKind = "auto",
    ignore: Ignore = None,
    threshold: Threshold = None,
    nearest_color: NearestColor = False,
    json: Json = None,
) -> None:
    """Measure a network by each engine in each arithmetic of this machine; keep the fastest that is good enough.

    Int8 is calibrated with training crops, and scored on the validation images like the rest. The folder has the
    network, the files of the engine, and all numbers in deployment.json and in its card; unetzoo predict runs it.

    Example: unetzoo deploy run --data cells/ --max-drop 0.005 --out app
    """
    from dataclasses import asdict

    from unetzoo._utils.memory import keep_freed_memory
    from unetzoo.bench.grid import split_commas
    from unetzoo.deployment.card import cells
    from unetzoo.deployment.deploy import deploy as measure

    keep_freed_memory()
    options = mask_options(classes, masks, ignore, threshold, nearest_color=nearest_color)
    result = measure(
        load_model(model),
        data,
        out,
        max_drop=max_drop,
        engines=None if engines is None else list(split_commas(engines)),
        calibration_crops=crops,
        crop=crop,
        masks=options,
        on_candidate=lambda name: say("trying:", "cyan", name),
    )
    table = new_table("engine", "arithmetic", "result", numbers=(result.metric, "ms", "times as fast", "MB"))
    for each in result.candidates:
        engine, arithmetic, *numbers, verdict = cells(each)
        table.add_row(engine, arithmetic, verdict, *numbers)
    kept = f"kept: {result.kept.engine} {result.kept.dtype}, in {out}"
    show_result({**asdict(result), "folder": str(out)}, json, table, "", kept)
