"""Measure images one by one, and sum the numbers up."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from unetzoo.evaluation.bootstrap import CONFIDENCE, LEAST_IMAGES, Bootstrap, Estimate
from unetzoo.evaluation.calibration import Calibration, CalibrationMeasurement, Reliability
from unetzoo.evaluation.object_scores import ObjectScores, object_scores, whole_counts
from unetzoo.evaluation.objects import Tallies, precision_at_half
from unetzoo.evaluation.scores import Counts, Scores, count, dice, iou, is_there, mean_of, precision, recall
from unetzoo.evaluation.surface import surface_scores

PIXELS = {"IoU": iou, "Dice": dice, "precision": precision, "recall": recall}
HAUSDORFF, PENALIZED, SURFACE_DICE = "Hausdorff 95", "Hausdorff 95 penalised", "surface Dice"

_Number = TypeVar("_Number", bound=np.number)


@dataclass(frozen=True)
class Case:
    """One image, or one volume.

    Attributes:
        index: number in the data set; of a volume that of the slice with the most errors.
        name: of the image or the volume.
        class_iou: of each class, 0 to 1; None for a class that is neither in the mask nor predicted.
        mean_iou: over the classes of the mask; None if it has none.
        objects: numbers of objects found, missed, false, split and merged, by name, if they are counted.
        average_precision: of the objects at 0.5; None if there are none, or they are not counted.
    """

    index: int
    name: str
    class_iou: tuple[float | None, ...]
    mean_iou: float | None
    objects: dict[str, int] = field(default_factory=dict)
    average_precision: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """How good a network is on a data set.

    Attributes:
        class_names: of each class id.
        classes: for each class, its scores by name: IoU, Dice, precision and recall over the pixels of all images
            together, 0 to 1; optionally Hausdorff 95 (in `unit`) and surface Dice, means over images. Hausdorff 95 is
            over the images that have the class both in the mask and in the prediction (`Estimate.images` counts them);
            in the penalised one, a class missing in one of them is as far away as the image's diagonal.
        mean: mean over the classes that the masks have and for which a score is defined.
        objects: scores of the objects of all classes together, each matched with objects of its own class; None if they
            are not counted.
        object_classes: scores of the objects of each class that is counted, by its name.
        calibration: how far the probabilities can be trusted, after the temperature of the network, if it has one; None
            for a network of objects.
        cases: each image.
        resamples: number of draws of images for the intervals.
        seed: of the draws.
        split: name of the split, if known.
        split_note: what the split means for the scores.
        noun: what the cases are, `"image"` or `"volume"`.
        unit: of distances: pixels, voxels, or the unit of the volumes, such as `"mm"`.
    """

    class_names: tuple[str, ...]
    classes: tuple[dict[str, Estimate], ...]
    mean: dict[str, Estimate]
    cases: tuple[Case, ...]
    objects: ObjectScores | None = None
    object_classes: dict[str, ObjectScores] = field(default_factory=dict)
    calibration: Calibration | None = None
    resamples: int = 0
    seed: int = 0
    split: str = ""
    split_note: str = ""
    noun: str = "image"
    unit: str = "pixels"

    @property
    def ranked(self) -> list[Case]:
        """The cases with a score, the worst first."""
        scored = [case for case in self.cases if case.mean_iou is not None]
        return sorted(scored, key=lambda case: case.mean_iou or 0.0)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "images": len(self.cases), "confidence": CONFIDENCE}


class Measurement:
    """The numbers of each image, and what they come to.

    Args:
        names: of the classes.
        surface: also measure distances of surfaces.
        tolerance: of the surface Dice, in pixels.
        counted: names of the classes whose objects are counted.
    """

    def __init__(
        self, names: tuple[str, ...], *, surface: bool = False, tolerance: float = 2.0, counted: tuple[str, ...] = ()
    ) -> None:
        self.names = names
        self.surface = surface
        self.tolerance = tolerance
        self.counted = counted
        self.cases: list[Case] = []
        self.counts: list[Counts] = []
        self.tallies: list[Tallies] = []
        self.distances: list[Scores] = []
        self.penalized: list[Scores] = []
        self.surface_dice: list[Scores] = []
        self.calibration = CalibrationMeasurement()
        self.units: set[str] = set()

    def add(
        self,
        name: str,
        predicted: NDArray[np.int64],
        truth: NDArray[np.integer],
        tallies: Tallies | None = None,
        probabilities: NDArray[np.float32] | None = None,
        *,
        steps: Sequence[float] = (1.0, 1.0),
        unit: str = "",
        index: int | None = None,
    ) -> None:
        """Measure one image, or one volume.

        Args:
            name: of it.
            predicted: class ids (h, w), or planes (classes, h, w); of a volume (d, h, w), or (classes, d, h, w).
            truth: likewise.
            tallies: (classes, 17), those of the objects of each class that is counted.
            probabilities: those of `unetzoo.predict` or `predict_volume`, for the calibration.
            steps: distance of neighbors along each axis of space, two or three.
            unit: of these; empty: steps are not known, and 1.
            index: of the case; None: it is the next one.
        """
        space = len(steps)
        if space == 3:
            self.units.add(unit or "voxels")
        if probabilities is not None:
            self.calibration.add(_flat(probabilities, space), _flat(truth, space))
        counts = count(_flat(predicted, space), _flat(truth, space), len(self.names))
        scores = iou(counts)
        ious = tuple(None if np.isnan(value) else float(value) for value in scores)
        case = Case(len(self.cases) if index is None else index, name, ious, mean_of(scores, is_there(counts)))
        self.counts.append(counts)
        if tallies is not None:
            self.tallies.append(tallies)
            together = tallies.sum(0)
            score = float(precision_at_half(together))
            average = None if np.isnan(score) else score
            case = replace(case, objects=whole_counts(together), average_precision=average)
        self.cases.append(case)
        if self.surface:
            distances, dices = surface_scores(predicted, truth, len(self.names), tolerance=self.tolerance, steps=steps)
            lacks = np.isnan(distances) & ~np.isnan(dices)  # in one of both alone
            self.distances.append(distances)
            self.penalized.append(np.where(lacks, _diagonal(truth.shape, steps), distances))
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
        tallies = np.stack(self.tallies) if self.tallies else np.empty(0)
        return Evaluation(
            class_names=self.names,
            classes=tuple(rows[:-1]),
            mean=rows[-1],
            cases=tuple(self.cases),
            objects=object_scores(tallies.sum(1), bootstrap) if self.tallies else None,
            object_classes={
                name: object_scores(tallies[:, place], bootstrap) for place, name in enumerate(self.counted)
            },
            calibration=self.calibration.summed_up(bootstrap),
            resamples=resamples,
            seed=seed,
            noun="volume" if self.units else "image",
            unit=" and ".join(sorted(self.units)) or "pixels",
        )


def _flat(values: NDArray[_Number], space: int) -> NDArray[_Number]:
    """Class ids or planes of so many axes of space as those of one image."""
    return values if space == 2 else values.reshape(*values.shape[:-space], -1, values.shape[-1])


def _diagonal(shape: tuple[int, ...], steps: Sequence[float]) -> float:
    return float(np.linalg.norm(np.multiply(shape[-len(steps) :], steps)))


def hausdorff_notes(evaluation: Evaluation) -> list[str]:
    """A sentence for each class whose Hausdorff distance leaves out images that have the class.

    The distance improves when whole objects are missed, because their images do not count then.
    """
    if HAUSDORFF not in evaluation.mean:
        return []
    sentences = []
    for index, (name, numbers) in enumerate(zip(evaluation.class_names, evaluation.classes, strict=True)):
        having = sum(case.class_iou[index] is not None for case in evaluation.cases)
        if numbers[HAUSDORFF].images < having:
            sentences.append(
                f"{HAUSDORFF} of {name}: over {numbers[HAUSDORFF].images:,} of the {having:,} {evaluation.noun}s that "
                "have it in the mask or in the prediction; it is in only one of both in the others"
            )
    return sentences


def interval_note(evaluation: Evaluation) -> str:
    """Why some numbers, or all, have no interval; empty: all have one."""
    count = len(evaluation.cases)
    if count < LEAST_IMAGES:
        return f"too few {evaluation.noun}s for intervals: {count:,}, and {LEAST_IMAGES} are needed"
    objects = [evaluation.objects, *evaluation.object_classes.values()]
    groups = [*evaluation.classes, evaluation.mean, *(each.scores for each in objects if each)]
    estimates = [estimate for group in groups for estimate in group.values()]
    estimates += [estimate for _, each in calibration_rows(evaluation) for estimate in (each.brier, each.ece)]
    if all(estimate.value is None or estimate.low is not None for estimate in estimates):
        return ""
    return (
        f"a number without an interval is that of fewer than {LEAST_IMAGES} {evaluation.noun}s, or the mean with such "
        "a number"
    )


def calibration_rows(evaluation: Evaluation) -> list[tuple[str, Reliability]]:
    """The calibration of each class and of all together, with names for a table; empty where it is not measured."""
    calibration = evaluation.calibration
    if calibration is None:
        return []
    overall = "most probable class" if calibration.overall.pixels else "mean"
    return [*zip(evaluation.class_names, calibration.classes, strict=True), (overall, calibration.overall)]


def object_table(evaluation: Evaluation) -> tuple[list[str], dict[str, list[Estimate | int]]]:
    """Columns and rows of a table of objects; no rows where objects are not counted.

    Each class has a column, and where there are several, all of them together.
    """
    columns = dict(evaluation.object_classes)
    if evaluation.objects is not None and len(columns) > 1:
        columns["all classes"] = evaluation.objects
    rows: dict[str, list[Estimate | int]] = {}
    for each in columns.values():
        for name, score in each.scores.items():
            rows.setdefault(name, []).append(score)
        for name, number in each.counts.items():
            rows.setdefault(f"{name}, all images", []).append(number)
    return list(columns), rows
