"""The methods of `unetzoo demo`: Otsu's threshold and three networks, and how well they find nuclei."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from timeit import repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unetzoo.cli.progress import progress
from unetzoo.data.objects import object_ids
from unetzoo.data.survey.survey import Survey
from unetzoo.evaluation.instances import Objects, match, match_objects
from unetzoo.evaluation.masks import Prediction, predicted
from unetzoo.evaluation.objects import average_precision, tally
from unetzoo.evaluation.scores import count, dice, iou
from unetzoo.nn.segmenter import Segmenter
from unetzoo.training.fit import fit
from unetzoo.training.options import FitOptions
from unetzoo.training.progress import FitListener

TIMED_RUNS = 7


class Method(NamedTuple):
    """A network that is trained: what it is called, its decoder, its coding of objects."""

    name: str
    decoder: str
    objects: str = ""


METHODS = (Method("U-Net", "unet"), Method("U-Net++", "unetpp"), Method("U-Net, objects", "unet", "distance"))


@dataclass(frozen=True)
class Result:
    """How well a method finds the nuclei of an image.

    Attributes:
        method: its name.
        mask: predicted class ids (h, w).
        objects: predicted and true nuclei.
        mean_iou: mean intersection over union of nuclei and background, 0 to 1.
        dice: Dice coefficient of nuclei, 0 to 1.
        precision: average precision of the nuclei over IoUs from 0.5 to 0.95, 0 to 1.
        seconds: time to predict the image.
        parameters: number of parameters that are fitted to the training image.
    """

    method: str
    mask: NDArray[np.integer]
    objects: Objects
    mean_iou: float
    dice: float
    precision: float
    seconds: float
    parameters: int


def judge_network(name: str, model: Segmenter, data: Survey, options: FitOptions) -> Result:
    """Train a network, and measure how well it does on the test split."""
    with progress("{task.fields[loss]}") as bar, TemporaryDirectory(prefix="unetzoo-") as folder:
        task = bar.add_task(name, total=options.steps, loss="")
        on_step = lambda _step, _steps, loss: bar.update(task, advance=1, loss=f"loss {loss:.3f}")  # noqa: E731
        fit(model, data, Path(folder, "run"), options=options, listener=FitListener(on_step=on_step))
    image = data.dataset("test")[0].image
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return _judged(name, lambda: predicted(model, image), data, parameters)


def judge_otsu(data: Survey) -> Result:
    """How well the threshold of the training image does on the test split."""
    image, threshold = data.dataset("test")[0].image, otsu_threshold(data.dataset("train")[0].image)
    return _judged("Otsu's threshold", lambda: Prediction((image[..., 0] > threshold).astype(int)), data, 1)


def _judged(name: str, predict: Callable[[], Prediction], data: Survey, parameters: int) -> Result:
    """How well a method does on the test split, and how long it takes, without its first run."""
    prediction, test = predict(), data.dataset("test")
    truth = test[0].mask
    numbers = object_ids(test, 0, truth)
    if prediction.objects is None:
        objects = match(prediction.ids, truth, 1, numbers)
    else:
        objects = match_objects(prediction.objects, numbers)
    counts = count(prediction.ids, truth, 2)
    return Result(
        method=name,
        mask=prediction.ids,
        objects=objects,
        mean_iou=float(iou(counts).mean()),
        dice=float(dice(counts)[1]),
        precision=float(average_precision(tally(objects.predicted, objects.truth))),
        seconds=median(repeat(predict, number=1, repeat=TIMED_RUNS)),
        parameters=parameters,
    )


def otsu_threshold(image: NDArray[np.integer]) -> int:
    """The brightness, 0 to 255, with the highest variance between the pixels above it and the others.

    Otsu 1979, doi:10.1109/TSMC.1979.4310076, equation 14. The darkest of equally good ones; the brightness itself if
    all pixels have the same.
    """
    counts = np.bincount(image.ravel(), minlength=256)
    dark, dark_sum = counts.cumsum(), (counts * np.arange(256)).cumsum()
    bright, bright_sum = dark[-1] - dark, dark_sum[-1] - dark_sum
    if not (dark * bright).any():
        return int(image.flat[0])
    distance = dark_sum / dark.clip(1) - bright_sum / bright.clip(1)
    return int(np.argmax(dark * bright * distance**2))
