"""`unetzoo plan`: choose network, patch and batch by the data and the memory."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unetzoo.cli.common import Json
from unetzoo.cli.data_flags import ClassNames, Ignore, MaskKind, NearestColor, Source, Threshold, mask_options
from unetzoo.cli.output import say, show_result
from unetzoo.cli.progress import counting
from unetzoo.cli.values import read_numbers
from unetzoo.errors import OptionError

if TYPE_CHECKING:
    from unetzoo.planning.planner import Plan

_MOST_DOUBTS = 10


def plan(
    data: Source,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the recipe into this .toml file, instead of printing it"),
    ] = None,
    encoder: Annotated[
        str,
        typer.Option(metavar="plain|resenc", help="Encoder: nnU-Net's first one, or that with residual blocks"),
    ] = "plain",
    memory: Annotated[
        float | None,
        typer.Option(
            metavar="GB",
            help="Memory for the training  [default: that of the GPU; without one 8, or half of what is free]",
            show_default=False,
        ),
    ] = None,
    spatial_dims: Annotated[
        int | None,
        typer.Option(
            metavar="2|3",
            help="Axes of the network: 3 of volumes, as which TIFF stacks and other 3-D arrays are read; 2 of images, "
            "or of the slices of volumes  [default: 3 where files hold volumes]",
            show_default=False,
        ),
    ] = None,
    channels: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Names of the channels, such as CT or T1,FLAIR; values of CT are clipped  [default: those that the "
            "files or nnU-Net's dataset.json say]",
            show_default=False,
        ),
    ] = None,
    spacing: Annotated[
        str | None,
        typer.Option(
            metavar="STEPS",
            help="Distances between voxels along z, y and x of files that state none, such as 3,0.8,0.8",
            show_default=False,
        ),
    ] = None,
    classes: ClassNames = None,
    masks: MaskKind = "auto",
    ignore: Ignore = None,
    threshold: Threshold = None,
    nearest_color: NearestColor = False,
    json: Json = None,
) -> None:
    """Plan a training by the data and the memory, by the rules of nnU-Net, and say why.

    Sizes, spacings and values of the images, beside the memory, determine the spacing, the patch, levels with strides
    and kernels along each axis, the batch and the normalization. The result is a recipe, to read and to change.

    Example: unetzoo plan livers/ --out plan.toml
    """
    from unetzoo._utils.atomic import check_place, write_text
    from unetzoo.planning.measure import measure
    from unetzoo.planning.memory import Memory, memory_at_hand
    from unetzoo.planning.planner import check_plan_options, plan_for
    from unetzoo.planning.reasons import reasons_of
    from unetzoo.planning.recipe import recipe_text

    if out:
        if out.suffix.lower() != ".toml":
            raise OptionError(f"--out must be a .toml file, got {out}")
        check_place(out)
    check_plan_options(encoder, memory, spatial_dims)
    options = mask_options(classes, masks, ignore, threshold, nearest_color=nearest_color)
    with counting("reading") as on_read:
        fingerprint = measure(
            data,
            options,
            as_volumes=spatial_dims == 3,
            channels=_names(channels),
            spacing=read_numbers(spacing, "--spacing"),
            on_read=on_read,
        )
    machine = memory_at_hand()
    size = machine if memory is None else Memory(memory, "--memory")
    chosen = plan_for(fingerprint, encoder=encoder, memory=size.size, spatial_dims=spatial_dims)  # type: ignore[arg-type] # it was checked
    text = recipe_text(chosen, data, options, "bfloat16" if machine.is_of_gpu else "float32")
    for doubt in fingerprint.doubts[:_MOST_DOUBTS]:
        say("warning:", "yellow", doubt)
    if out:
        write_text(out, text)
    memory_line = f"memory {size.size:g} GB: {size.source}"
    recipe = [*reasons_of(chosen), f"recipe {out}: unetzoo train --recipe {out} --out run"] if out else ["", text]
    show_result(_as_dict(chosen), json, memory_line, *recipe)


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",")) if text else ()


def _as_dict(plan: "Plan") -> dict[str, Any]:
    """Plain data, without the sizes of each case."""
    from dataclasses import asdict

    from unetzoo.planning.reasons import reasons_of

    fingerprint = plan.fingerprint
    names = ("spatial_dims", "encoder", "memory", "spacing", "median_shape", "patch", "batch", "strides", "kernels")
    return {name: getattr(plan, name) for name in names} | {
        "widths": plan.widths,
        "unit": fingerprint.unit,
        "normalization": [asdict(each) for each in plan.normalization],
        "network": plan.network,
        "cases": len(fingerprint.shapes),
        "reasons": reasons_of(plan),
        "warnings": fingerprint.doubts,
    }
