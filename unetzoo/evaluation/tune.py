"""Tune what turns the maps of a network into its result: the decoder of objects, or thresholds of classes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unetzoo.data.dataset import Dataset
from unetzoo.data.find import Data
from unetzoo.data.formats.nodata import known_where_data
from unetzoo.data.masks.options import Classes, MaskOptions, Masks, Value
from unetzoo.data.objects import object_ids
from unetzoo.data.open import dataset_of, slicing_for
from unetzoo.data.sources.cuts import SplitBy
from unetzoo.errors import DataError, OptionError
from unetzoo.evaluation.masks import check_fits, decoded, predicted_maps, tallies_of
from unetzoo.evaluation.objects import average_precision
from unetzoo.evaluation.shown import presented
from unetzoo.evaluation.thresholds import choose_thresholds, names_of_thresholds
from unetzoo.inference.forward import Network
from unetzoo.nn.config import ModelConfig, case_noun, is_sigmoid
from unetzoo.nn.wrapped import network_of
from unetzoo.objects.coding import Maps
from unetzoo.registry.objects import coding_defaults, coding_of

OnStep = Callable[[int, int], None]
_PIXELS = 2**23
_ROUNDS = 3
_GAIN = 1e-6  # of the average precision, for which an option changes


@dataclass(frozen=True)
class Tuning:
    """Options of a decoder of objects, or thresholds of classes, that were chosen by a score, and what they change.

    Attributes:
        options: all options of the coding that differ from its defaults, as in `ModelConfig.objects_options`; empty for
            thresholds.
        changes: of each option and threshold that was tuned, its value before and after.
        before: the score with the values before.
        after: the same with the new values. It is on the images that chose them, so it flatters.
        images: number of images, or of volumes.
        noun: what they are, `"image"` or `"volume"`.
        score: `"AP"`: average precision of the objects, the mean over IoUs from 0.5 to 0.95, 0 to 1; `"Dice"`: over all
            pixels, the mean over classes, 0 to 1.
    """

    options: Mapping[str, Any]
    changes: Mapping[str, tuple[float, float]]
    before: float
    after: float
    images: int
    noun: str
    score: str = "AP"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


class _Case(NamedTuple):
    """An image whose objects are known."""

    maps: Maps  # (c, h, w), on the disk
    truth: NDArray[np.integer]  # class ids (h, w)
    objects: NDArray[np.integer]  # (h, w)


def tune(
    model: Network,
    data: Data,
    *,
    split: str | None = None,
    classes: Classes | None = None,
    masks: Masks = "auto",
    ignore: Sequence[Value] | Value = (),
    threshold: float | None = None,
    nearest_color: bool = False,
    split_by: SplitBy = "auto",
    tile: int | None = None,
    on_step: OnStep = lambda _done, _all: None,
) -> Tuning:
    """Choose the options of a network's decoder of objects, or its thresholds, and set them in `model.config`.

    One option after the other takes the value with the largest average precision, until none changes (coordinate
    ascent over `ObjectCoding.tunable`, at most three rounds). Each class that may overlap, and the foreground of a
    single logit, gets the threshold with the largest Dice over all pixels, of 0.01 to 0.99. `fit` does so at its end
    for objects and for classes that may overlap. Save the network to keep the values.

    Args:
        model: a network of `create(..., objects=...)`, of classes that may overlap, or with a single logit, in
            evaluation mode; its values are where the search begins.
        data: as in `evaluate`. For objects images are taken evenly over the data until they have 2^23 pixels.
        split: as in `evaluate`; None: val, or all of a `Dataset`. The network knows the objects of training images, and
            test images should not choose anything.
        classes: as in `evaluate`.
        masks: as in `evaluate`.
        ignore: as in `evaluate`.
        threshold: as in `evaluate`.
        nearest_color: as in `evaluate`.
        split_by: as in `evaluate`.
        tile: as in `unetzoo.predict`.
        on_step: called with the number of finished steps, and that of all steps as far as it is known.

    Raises:
        DataError: there are no images, one cannot be read, or they have no objects, or none of the classes.
        OptionError, ShapeError: the network has several classes that exclude one another, or does not fit the data.
        MissingExtraError: the extra `objects` is not installed.
    """
    network = network_of(model)
    has_objects = bool(network.config.objects)
    if not has_objects and not is_sigmoid(network.config):
        raise OptionError(
            "the network has several classes that exclude one another: the most probable one needs no tuning"
        )
    options = MaskOptions(classes, masks, ignore, threshold, nearest_color)
    split = split or (None if isinstance(data, Dataset) else "val")
    info = network.config.info
    slicing = slicing_for(network.config)
    dataset = dataset_of(data, split, options, trained=info, objects=has_objects, split_by=split_by, slicing=slicing)
    if not len(dataset):
        raise DataError("there are no images to tune on: choose another split")
    tuning = tune_on(model, dataset, tile=tile, on_step=on_step)
    if tuning is None:
        missing = "objects" if has_objects else "pixel of any class"
        raise DataError(f"the images to tune on have no {missing}: choose others")
    network.config = with_tuning(network.config, tuning)
    return tuning


def with_tuning(config: ModelConfig, tuning: Tuning) -> ModelConfig:
    """The configuration with the values that were chosen."""
    if config.objects:
        return replace(config, objects_options=tuning.options)
    thresholds = tuple(after for _, after in tuning.changes.values())
    return replace(config, info=replace(config.info, thresholds=thresholds))


def tune_on(
    model: Network,
    dataset: Dataset,
    *,
    tile: int | None = None,
    pixels: int = _PIXELS,
    on_step: OnStep = lambda _done, _all: None,
) -> Tuning | None:
    """As `tune`, for images of a data set until they have so many pixels; changes nothing. None: without objects."""
    if not network_of(model).config.objects:
        return _tune_thresholds(model, dataset, tile, on_step)
    with _cases(model, dataset, tile, pixels, on_step) as cases:
        if not any((case.objects > 0).any() for case in cases):
            return None
        return _Search(network_of(model).config, cases, dataset.class_names).run(on_step)


def _tune_thresholds(model: Network, dataset: Dataset, tile: int | None, on_step: OnStep) -> Tuning | None:
    chosen = choose_thresholds(model, dataset, tile=tile, on_step=on_step)
    if chosen is None:
        return None
    names = names_of_thresholds(dataset.class_names, network_of(model).config)
    changes = dict(zip(names, zip(chosen.before, chosen.after, strict=True), strict=True))
    return Tuning({}, changes, *chosen.dice, chosen.images, case_noun(network_of(model).config), score="Dice")


class _Search:
    """Coordinate ascent over the options that are worth tuning."""

    def __init__(self, config: ModelConfig, cases: Sequence[_Case], class_names: Sequence[str]) -> None:
        self.config, self.cases, self.class_names = config, cases, class_names
        self.tunable = coding_of(config).tunable
        options = {**coding_defaults(config.objects), **config.objects_options}
        self.begin = {name: options[name] for name in self.tunable}

    def run(self, on_step: OnStep) -> Tuning:
        """The best options; OptionError if those of the network do not decode the images."""
        current = dict(self.begin)
        before = best = self.score(current)
        trials = [(name, value) for name, values in self.tunable.items() for value in values]
        done, count = len(self.cases), len(self.cases) + len(trials)
        for number in range(_ROUNDS):
            start = dict(current)
            for name, value in trials:
                precision = self._score_or_zero({**current, name: value}) if value != current[name] else best
                if precision > best + _GAIN:
                    best, current[name] = precision, value
                done += 1
                on_step(done, count)
            if current == start or number + 1 == _ROUNDS:
                break
            count += len(trials)
        changes = {name: (self.begin[name], value) for name, value in current.items()}
        changed = {name: value for name, value in current.items() if value != self.begin[name]}
        options = {**self.config.objects_options, **changed}
        return Tuning(options, changes, before, best, len(self.cases), case_noun(self.config))

    def _score_or_zero(self, options: Mapping[str, float]) -> float:
        """0 for options that do not go together."""
        try:
            return self.score(options)
        except OptionError:
            return 0.0

    def score(self, options: Mapping[str, float]) -> float:
        """The average precision over all images."""
        config = replace(self.config, objects_options={**self.config.objects_options, **options})
        tallies = [
            tallies_of(decoded(config, case.maps), case.truth, case.objects, self.class_names).sum(0)
            for case in self.cases
        ]
        return float(average_precision(np.sum(tallies, axis=0)))


@contextmanager
def _cases(model: Network, dataset: Dataset, tile: int | None, pixels: int, on_step: OnStep) -> Iterator[list[_Case]]:
    """Predicted maps and known objects of images that are spread evenly over a data set; the maps lie on the disk."""
    config, cases = network_of(model).config, list[_Case]()
    order = spread(len(dataset))
    with TemporaryDirectory(prefix="unetzoo-tune-") as folder:
        for index in order:
            if pixels <= 0:
                break
            sample, *_, whole = presented(dataset, index, config, "never")
            check_fits(
                model,
                dataset.class_names,
                sample.image.shape[-1],
                axes=sample.image.ndim - 1,
                labels=dataset.labels,
                image=sample.name,
            )
            path = Path(folder) / f"{index}.npy"
            np.save(path, predicted_maps(model, sample.image, name=sample.name, tile=tile, whole=whole))
            truth = known_where_data(sample.image, sample.mask, config.info.nodata)
            cases.append(_Case(np.load(path, mmap_mode="r"), truth, object_ids(dataset, index, truth)))
            pixels -= truth.size
            on_step(len(cases), len(order))
        yield cases


def spread(count: int) -> list[int]:
    """All indices, in an order whose beginning is spread evenly: 0, the middle, the quarters, ..."""
    steps = [2**power for power in reversed(range(max(count - 1, 0).bit_length()))] or [1]
    return list(dict.fromkeys(index for step in steps for index in range(0, count, step)))
