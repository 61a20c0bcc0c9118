"""Measure how good a network is on a data set."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.extras import need
from unetzoo.checks import check_count, check_whole, number
from unetzoo.data.formats.nodata import known_where_data
from unetzoo.data.masks.options import Classes, MaskOptions, Masks, Value
from unetzoo.data.open import Data, dataset_of
from unetzoo.errors import DataError, OptionError
from unetzoo.evaluation.bootstrap import CONFIDENCE, Bootstrap, Estimate
from unetzoo.evaluation.instances import count_instances
from unetzoo.evaluation.masks import check_fits, predicted_ids
from unetzoo.evaluation.scores import Counts, Scores, count, dice, iou, is_there, mean_of, precision, recall
from unetzoo.evaluation.surface import surface_scores
from unetzoo.inference.forward import Network
from unetzoo.nn.wrapped import network_of

PIXELS = {"IoU": iou, "Dice": dice, "precision": precision, "recall": recall}
OBJECTS = {"AP at 0.5": iou, "F1": dice, "precision": precision, "recall": recall}
HAUSDORFF, PENALIZED, SURFACE_DICE = "Hausdorff 95", "Hausdorff 95 penalised", "surface Dice"


@dataclass(frozen=True)
class Case:
    """One image.

    Attributes:
        index: in the data set.
        name: of the image.
        class_iou: of each class, 0 to 1; None where it is neither there nor predicted.
        mean_iou: of the classes that its mask has; None where it has none.
        objects: how many are found, invented and missed, where they are counted.
        average_precision: of these at 0.5; None where there are none, or they are not counted.
    """

    index: int
    name: str
    class_iou: tuple[float | None, ...]
    mean_iou: float | None
    objects: tuple[int, ...] = ()
    average_precision: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """How good a network is on a data set.

    Attributes:
        class_names: of each class id.
        classes: of each class, its numbers by name: IoU, Dice, precision and recall of the pixels of all images
            together, 0 to 1; where asked for, Hausdorff 95 (pixels) and surface Dice, means over images. The first kind
            of Hausdorff distance is that of images which have the class both in the mask and in the prediction, how
            many, `Estimate.images` says; in the penalised one a class that lacks in one of both is as far as the
            image's diagonal.
        mean: the mean over the classes that the masks have and for which a number is defined.
        instances: of the objects of a class, where asked for: AP at 0.5 (TP / (TP + FP + FN)), F1, precision, recall.
        objects: of the same, how many are found, invented and missed.
        cases: each image.
        resamples: draws of images behind the intervals.
        seed: of these.
        split: which part of the data the cases are, where that is known.
        split_note: what that means for the numbers.
        instances_of: the class whose objects are counted; empty: none.
    """

    class_names: tuple[str, ...]
    classes: tuple[dict[str, Estimate], ...]
    mean: dict[str, Estimate]
    cases: tuple[Case, ...]
    instances: dict[str, Estimate] = field(default_factory=dict)
    objects: dict[str, int] = field(default_factory=dict)
    resamples: int = 0
    seed: int = 0
    split: str = ""
    split_note: str = ""
    instances_of: str = ""

    @property
    def ranked(self) -> list[Case]:
        """The cases with a score, the worst first."""
        scored = [case for case in self.cases if case.mean_iou is not None]
        return sorted(scored, key=lambda case: case.mean_iou or 0.0)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "images": len(self.cases), "confidence": CONFIDENCE}


def evaluate(
    model: Network,
    data: Data,
    *,
    split: str | None = None,
    classes: Classes | None = None,
    masks: Masks = "auto",
    ignore: Sequence[Value] | Value = (),
    threshold: float | None = None,
    nearest_color: bool = False,
    surface: bool = False,
    tolerance: float = 2.0,
    instances: str | None = None,
    resamples: int = 1000,
    seed: int = 0,
    tile: int | None = None,
    overlap: int | None = None,
    flips: bool = False,
    on_case: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """Compare what a network sees with the masks of a data set.

    Pixels whose class is unknown (255), or that hold no data, do not count.

    A class that is neither there nor predicted has no score. A mean is over the classes that the masks have, whatever
    is predicted; `unetzoo.create_metric` counts alike. Intervals are those of a bootstrap over images
    (`unetzoo.evaluation.bootstrap` says how good they are): with a single image there are none.

    Args:
        model: in evaluation mode.
        data: a `Dataset`, or what `fit` takes: a folder, a file that lists pairs, a name, splits by name. It has the
            classes of the network; one with a single logit has the two classes of a mask.
        split: `"train"`, `"val"`, `"test"` or `"all"`; None: as `unetzoo.data.sources.splits.choose_split` says.
        classes: names of the classes, perhaps with their values in masks; None: as in the network's training.
        masks: `"instances"`: masks number the objects of one class.
        ignore: values or colours of masks whose pixels do not count, beside those that did not in the training.
        threshold: values of masks of at least this are the foreground, where edges are soft.
        nearest_color: a colour or value of no class stands for the nearest one of a class.
        surface: measure Hausdorff 95 and surface Dice, too.
        tolerance: of the surface Dice, in pixels, >= 0.
        instances: name of the class whose objects are counted: connected components, and in the truth what masks
            number, where they do; None: none.
        resamples: draws for the intervals.
        seed: of the draws.
        tile: as in `unetzoo.predict`.
        overlap: as in `unetzoo.predict`.
        flips: as in `unetzoo.predict`.
        on_case: called after each image with the number of all.

    Raises:
        DataError: there are no images, or one cannot be read.
        OptionError, ShapeError: the network does not fit the data; there is no such class.
        MissingExtraError: torchmetrics is not installed, or scipy for `instances`, or MONAI for `surface`.
    """
    _need_extras(surface=surface, instances=instances)
    resamples, seed = check_count("resamples", resamples), check_whole("seed", seed, 0)
    said = MaskOptions(classes, masks, ignore, threshold, nearest_color)
    info = network_of(model).config.info
    dataset = dataset_of(data, split, said, trained=info)
    names = dataset.class_names
    if not len(dataset):
        raise DataError("there are no images to evaluate")
    if instances is not None and instances not in names:
        raise OptionError(f"there is no class {instances!r}; there are {', '.join(names)}")
    pixels = number(tolerance)
    if pixels is None or not pixels >= 0:
        raise OptionError(f"tolerance must be a number of pixels >= 0, got {tolerance!r}")
    measured = _Measured(names, surface=surface, tolerance=pixels, instances=instances)
    for index in range(len(dataset)):
        sample = dataset[index]
        check_fits(model, names, sample.image.shape[2], where=f"{sample.name} has")
        ids = predicted_ids(model, sample.image, tile=tile, overlap=overlap, flips=flips)
        truth = known_where_data(sample.image, sample.mask, info.nodata)
        measured.add(sample.name, ids, truth, dataset.instances(index) if instances else None)
        on_case(len(dataset))
    result = measured.summed_up(Bootstrap(len(dataset), resamples=resamples, seed=seed), resamples=resamples, seed=seed)
    return replace(result, split=dataset.split, split_note=dataset.split_note, instances_of=instances or "")


def _need_extras(*, surface: bool, instances: str | None) -> None:
    need("evaluate", "evaluation", "torchmetrics", "scipy")
    if instances is not None:
        need("evaluate", "counting objects", "scipy")
    if surface:
        need("surface", "Hausdorff distances and surface Dice", "monai", "scipy")


class _Measured:
    """What is measured of each image, and what that comes to."""

    def __init__(self, names: tuple[str, ...], *, surface: bool, tolerance: float, instances: str | None) -> None:
        self.names = names
        self.surface = surface
        self.tolerance = tolerance
        self.instances = instances
        self.cases: list[Case] = []
        self.counts: list[Counts] = []
        self.objects: list[NDArray[np.int64]] = []
        self.distances: list[Scores] = []
        self.penalized: list[Scores] = []
        self.surface_dice: list[Scores] = []

    def add(
        self,
        name: str,
        predicted: NDArray[np.int64],
        truth: NDArray[np.integer],
        numbers: NDArray[np.integer] | None,
    ) -> None:
        """Measure one image."""
        counts = count(predicted, truth, len(self.names))
        scores = iou(counts)
        ious = tuple(None if np.isnan(value) else float(value) for value in scores)
        case = Case(len(self.cases), name, ious, mean_of(scores, is_there(counts)))
        self.counts.append(counts)
        if self.instances is not None:
            objects = count_instances(predicted, truth, self.names.index(self.instances), numbers)
            self.objects.append(objects)
            score = float(iou(objects))
            case = replace(case, objects=tuple(objects.tolist()), average_precision=None if np.isnan(score) else score)
        self.cases.append(case)
        if self.surface:
            distances, dices = surface_scores(predicted, truth, len(self.names), tolerance=self.tolerance)
            lacks = np.isnan(distances) & ~np.isnan(dices)  # in one of both alone
            self.distances.append(distances)
            self.penalized.append(np.where(lacks, np.hypot(*truth.shape), distances))
            self.surface_dice.append(dices)

    def summed_up(self, bootstrap: Bootstrap, *, resamples: int, seed: int) -> Evaluation:
        """All numbers, with their intervals."""
        counts = np.stack(self.counts)
        there = is_there(counts.sum(0))
        columns = {name: bootstrap.of_sums(counts, score, averaged=there) for name, score in PIXELS.items()}
        of_images = {HAUSDORFF: self.distances, PENALIZED: self.penalized, SURFACE_DICE: self.surface_dice}
        for name, values in of_images.items():
            if values:
                shares = name == SURFACE_DICE
                columns[name] = bootstrap.of_means(np.stack(values), averaged=there, shares=shares)
        rows = [{name: column[index] for name, column in columns.items()} for index in range(len(self.names) + 1)]
        return Evaluation(
            class_names=self.names,
            classes=tuple(rows[:-1]),
            mean=rows[-1],
            cases=tuple(self.cases),
            instances=self._instances(bootstrap),
            objects=self._objects(),
            resamples=resamples,
            seed=seed,
        )

    def _instances(self, bootstrap: Bootstrap) -> dict[str, Estimate]:
        if not self.objects:
            return {}
        counts = np.stack(self.objects)[:, None]
        return {name: bootstrap.of_sums(counts, score)[0] for name, score in OBJECTS.items()}

    def _objects(self) -> dict[str, int]:
        if not self.objects:
            return {}
        return dict(zip(("found", "invented", "missed"), np.sum(self.objects, axis=0).tolist(), strict=True))
