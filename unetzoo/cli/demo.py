"""`unetzoo demo`: train three networks on a real image, offline, and compare them with Otsu's threshold."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unetzoo._utils.texts import count_of
from unetzoo.cli.common import Json
from unetzoo.cli.output import new_table, show, show_result
from unetzoo.errors import OptionError
from unetzoo.training.options import FitOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from unetzoo.cli.demo_methods import Result

_TITLE = "Cell nuclei in a part of the image that no network saw"
_OPTIONS = FitOptions(epochs=3, batch=4, crop=128, learning_rate=4e-3, warm_up=0.2, augment="flips", device="cpu")
_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
_SHORTEST = 0.001  # seconds; a smaller number says nothing


def demo(
    encoder: Annotated[
        str, typer.Option("--encoder", "-e", metavar="NAME", help="One of `unetzoo list encoders`")
    ] = "mobilenetv3_small_100",
    steps: Annotated[int, typer.Option(metavar="N", help="Number of updates of the weights of each network")] = 100,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the weights and the crops")] = 0,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Picture, a .png or .jpg file")] = Path("demo.png"),
    json: Json = None,
) -> None:
    """Find and count cell nuclei: train three networks on a real image, and judge them on a part that none saw.

    The image is the data set `nuclei`, which ships with unetzoo: nothing is downloaded. It takes two to three minutes
    on two cores. A U-Net and a U-Net++ tell nuclei from background, so that nuclei that touch are one; a U-Net of
    objects numbers each. A table compares them with Otsu's threshold, and a picture shows what each method predicts and
    where it errs. The same seed gives the same numbers.

    Example: unetzoo demo --encoder resnet18 --out nuclei.png
    """
    import torch

    from unetzoo._utils.atomic import check_place, whole_file
    from unetzoo._utils.extras import need
    from unetzoo._utils.memory import keep_freed_memory
    from unetzoo.assembly import create

    if out.suffix.lower() not in _FORMATS:
        raise OptionError(f"the picture is written as {', '.join(_FORMATS)}; got {out.name!r}")
    check_place(out)
    need("train", "training", "accelerate", "matplotlib")
    need("evaluate", "evaluation", "scipy")
    need("objects", "counting nuclei", "skimage", "scipy")
    from unetzoo.cli.demo_methods import METHODS, TIMED_RUNS, judge_network, judge_otsu
    from unetzoo.cli.demo_picture import draw
    from unetzoo.data.open import survey

    options = replace(_OPTIONS, steps=steps, seed=seed)
    keep_freed_memory()
    models = []
    for _, decoder, objects in METHODS:
        torch.manual_seed(seed)
        classes = 1 if objects else 2
        models.append(create(decoder, encoder=encoder, in_channels=1, classes=classes, objects=objects))
    data = survey("nuclei")
    results = [
        judge_otsu(data),
        *(judge_network(method.name, model, data, options) for method, model in zip(METHODS, models, strict=True)),
    ]
    test = data.dataset("test")[0]
    height, width = test.mask.shape
    facts = {"encoder": encoder, "steps": steps, "seed": seed, "threads": torch.get_num_threads(), "picture": str(out)}
    image = {"height": height, "width": width, "nuclei": int(results[0].objects.truth.max())}
    show_result(
        {**facts, "image": image, "methods": [_numbers(each) for each in results]},
        json,
        f"{width} columns of the image that no network saw; encoder {encoder}, {count_of(steps, 'step')}, seed {seed}",
        "",
        _table(results),
        "",
        f"mean IoU: of background and nuclei; counted: separate nuclei, of {results[0].objects.truth.max()}; AP: "
        "average precision of these over IoUs from 0.5 to 0.95; seconds: to predict the "
        f"{height} x {width} pixels, median of {TIMED_RUNS} runs, {count_of(torch.get_num_threads(), 'thread')}",
    )
    with whole_file(out) as draft:
        draw(_TITLE, test, results).save(draft, format=_FORMATS[out.suffix.lower()])
    show("", f"picture in {out}")


def _numbers(result: "Result") -> dict[str, Any]:
    """Those of the table."""
    return {
        "method": result.method,
        "mean_iou": result.mean_iou,
        "dice": result.dice,
        "counted": int(result.objects.predicted.max()),
        "average_precision": result.precision,
        "seconds": result.seconds,
        "parameters": result.parameters,
    }


def _table(results: "Sequence[Result]") -> "Table":
    numbers = ("mean IoU", "nuclei Dice", "counted", "AP", "seconds per image", "parameters")
    table = new_table("method", numbers=numbers)
    for each in results:
        seconds = f"< {_SHORTEST}" if each.seconds < _SHORTEST else f"{each.seconds:.3f}"
        scores = (
            f"{each.mean_iou:.3f}",
            f"{each.dice:.3f}",
            str(each.objects.predicted.max()),
            f"{each.precision:.3f}",
        )
        table.add_row(each.method, *scores, seconds, f"{each.parameters:,}")
    return table
