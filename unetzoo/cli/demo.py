"""`unetzoo demo`: train U-Net and U-Net++ on a real image, offline, and compare them with Otsu's threshold."""

from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from timeit import repeat
from typing import TYPE_CHECKING, Annotated

import typer

from unetzoo._utils.texts import count_of
from unetzoo.cli.output import new_table, show
from unetzoo.cli.progress import progress
from unetzoo.errors import OptionError
from unetzoo.training.options import FitOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from rich.table import Table

    from unetzoo.cli.demo_picture import Result
    from unetzoo.data.survey.survey import Survey
    from unetzoo.nn.segmenter import Segmenter

_METHODS = {"unet": "U-Net", "unetpp": "U-Net++"}
_TITLE = "U-Net and U-Net++ find cell nuclei in a part of the image that they never saw"
_OPTIONS = FitOptions(epochs=3, batch=4, crop=128, learning_rate=4e-3, warm_up=0.2, augment="flips", device="cpu")
_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
_TIMED_RUNS = 7
_SHORTEST = 0.001  # seconds; a smaller number says nothing


def demo(
    encoder: Annotated[
        str, typer.Option("--encoder", "-e", metavar="NAME", help="One of `unetzoo list encoders`")
    ] = "mobilenetv3_small_100",
    steps: Annotated[int, typer.Option(metavar="N", help="Number of updates of the weights of each network")] = 150,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the weights and the crops")] = 0,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Picture, a .png or .jpg file")] = Path("demo.png"),
) -> None:
    """Train U-Net and U-Net++ on a real image of cell nuclei, and judge them on a part that they never saw.

    The image is the data set `nuclei`, which ships with unetzoo: nothing is downloaded. It takes two to three minutes
    on two cores. A table compares both with Otsu's threshold, and a picture shows what each method predicts and where
    it errs. The same seed gives the same numbers.

    Example: unetzoo demo --encoder resnet18 --out nuclei.png
    """
    import torch

    from unetzoo._utils.atomic import check_place, whole_file
    from unetzoo._utils.extras import need
    from unetzoo._utils.memory import keep_freed_memory
    from unetzoo.assembly import create
    from unetzoo.cli.demo_picture import draw
    from unetzoo.data.open import survey

    if out.suffix.lower() not in _FORMATS:
        raise OptionError(f"the picture is written as {', '.join(_FORMATS)}; got {out.name!r}")
    check_place(out)
    need("train", "training", "accelerate", "matplotlib")
    need("evaluate", "evaluation", "scipy")
    options = replace(_OPTIONS, steps=steps, seed=seed)
    keep_freed_memory()
    models = {}
    for decoder in _METHODS:
        torch.manual_seed(seed)
        models[decoder] = create(decoder, encoder=encoder, in_channels=1, classes=2)
    data = survey("nuclei")
    results = [_judge_otsu(data), *(_judge_network(decoder, model, data, options) for decoder, model in models.items())]
    test = data.dataset("test")[0]
    height, width = test.mask.shape
    show(
        f"{width} columns of the image that no network saw; encoder {encoder}, {count_of(steps, 'step')}, seed {seed}",
        "",
        _table(results),
        "",
        f"mean IoU: of background and nuclei; seconds: to predict the {height} x {width} pixels, median of "
        f"{_TIMED_RUNS} runs, {count_of(torch.get_num_threads(), 'thread')}",
    )
    with whole_file(out) as draft:
        draw(_TITLE, test, results).save(draft, format=_FORMATS[out.suffix.lower()])
    show("", f"picture in {out}")


def _judge_network(decoder: str, model: "Segmenter", data: "Survey", options: FitOptions) -> "Result":
    """Train a network, and measure how well it does on the test split."""
    from unetzoo.cli.demo_picture import Result
    from unetzoo.evaluation.evaluate import evaluate
    from unetzoo.evaluation.masks import predicted_ids
    from unetzoo.training.fit import fit
    from unetzoo.training.progress import FitListener

    with progress("{task.fields[loss]}") as bar, TemporaryDirectory(prefix="unetzoo-") as folder:
        task = bar.add_task(decoder, total=options.steps, loss="")
        on_step = lambda _step, _steps, loss: bar.update(task, advance=1, loss=f"loss {loss:.3f}")  # noqa: E731
        fit(model, data, Path(folder, "run"), options=options, listener=FitListener(on_step=on_step))
    test = data.dataset("test")
    scores = evaluate(model, test)
    mask, seconds = _timed(lambda: predicted_ids(model, test[0].image))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    mean_iou, dice = scores.mean["IoU"].value or 0.0, scores.classes[1]["Dice"].value or 0.0
    return Result(_METHODS[decoder], mask, mean_iou, dice, seconds, parameters)


def _judge_otsu(data: "Survey") -> "Result":
    """How well the threshold of the training image does on the test split."""
    from unetzoo.cli.demo_picture import Result
    from unetzoo.evaluation.scores import count, dice, iou

    test, threshold = data.dataset("test")[0], otsu_threshold(data.dataset("train")[0].image)
    mask, seconds = _timed(lambda: (test.image[..., 0] > threshold).astype(int))
    counts = count(mask, test.mask, 2)
    return Result("Otsu's threshold", mask, float(iou(counts).mean()), float(dice(counts)[1]), seconds, 1)


def otsu_threshold(image: "NDArray[np.integer]") -> int:
    """The brightness, 0 to 255, with the highest variance between the pixels above it and the others.

    Otsu 1979, doi:10.1109/TSMC.1979.4310076, equation 14. The darkest of equally good ones; the brightness itself if
    all pixels have the same.
    """
    import numpy as np

    counts = np.bincount(image.ravel(), minlength=256)
    dark, dark_sum = counts.cumsum(), (counts * np.arange(256)).cumsum()
    bright, bright_sum = dark[-1] - dark, dark_sum[-1] - dark_sum
    if not (dark * bright).any():
        return int(image.flat[0])
    distance = dark_sum / dark.clip(1) - bright_sum / bright.clip(1)
    return int(np.argmax(dark * bright * distance**2))


def _timed(predict: "Callable[[], NDArray[np.integer]]") -> "tuple[NDArray[np.integer], float]":
    """A mask, and the median of the seconds that its prediction takes, without the first."""
    mask = predict()
    return mask, median(repeat(predict, number=1, repeat=_TIMED_RUNS))


def _table(results: "Sequence[Result]") -> "Table":
    table = new_table("method", numbers=("mean IoU", "nuclei Dice", "seconds per image", "parameters"))
    for each in results:
        seconds = f"< {_SHORTEST}" if each.seconds < _SHORTEST else f"{each.seconds:.3f}"
        table.add_row(each.method, f"{each.mean_iou:.3f}", f"{each.dice:.3f}", seconds, f"{each.parameters:,}")
    return table
