"""Choose the post-processing of a network of classes on images with known classes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.extras import need
from unetzoo.data.dataset import Dataset
from unetzoo.data.find import Data
from unetzoo.data.formats.nodata import known_where_data
from unetzoo.data.masks.options import Classes, MaskOptions, Masks, Value
from unetzoo.data.open import dataset_of, slicing_for
from unetzoo.errors import DataError, OptionError
from unetzoo.evaluation.masks import check_fits, predicted_maps
from unetzoo.evaluation.scores import Counts, count, iou, is_there
from unetzoo.evaluation.shown import presented
from unetzoo.evaluation.temperature import choose_temperature, sampled, tempered
from unetzoo.evaluation.tune import OnStep, spread
from unetzoo.inference.components import postprocess
from unetzoo.inference.forward import Network
from unetzoo.inference.thresholds import class_ids, class_names, limits_of
from unetzoo.nn.coding import UNKNOWN
from unetzoo.nn.config import ModelConfig, case_noun
from unetzoo.nn.ensemble import Ensemble, without_postprocessing
from unetzoo.nn.wrapped import network_of

_PIXELS = 2**22  # times classes, of the images that are looked at
_NO_CLASS = 2**16 - 1  # of pixels without data
_GAIN = 1e-4  # of the mean IoU, for which a choice changes
_LIMITS = tuple(round(0.05 * number, 2) for number in range(2, 19))
_SIZES = (5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True)
class MaskTuning:
    """Post-processing that was chosen on images, and what it changes there.

    Attributes:
        postprocessing: what was chosen, as in `ModelConfig.postprocessing`; empty: nothing helps.
        before: IoU of each class by its name, over all pixels, 0 to 1; None for a class that does not occur.
        after: the same with the post-processing. It is on the images that chose it, so it flatters.
        mean_before: mean IoU of the classes that occur.
        mean_after: likewise.
        loss_before: mean negative logarithm of the probability of the true class.
        loss_after: the same at the chosen temperature.
        images: number of images, or of volumes.
        noun: what they are, `"image"` or `"volume"`.
    """

    postprocessing: Mapping[str, Any]
    before: Mapping[str, float | None]
    after: Mapping[str, float | None]
    mean_before: float
    mean_after: float
    loss_before: float
    loss_after: float
    images: int
    noun: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


class Part(NamedTuple):
    """A network, and images that it did not learn from."""

    model: Network
    dataset: Dataset
    tile: int | None = None


class _Case(NamedTuple):
    probabilities: NDArray[np.float32]  # (c, h, w), on the disk
    truth: NDArray[np.integer]  # class ids (h, w)


def tune_masks(
    model: Network,
    data: Data,
    *,
    split: str | None = None,
    classes: Classes | None = None,
    masks: Masks = "auto",
    ignore: Sequence[Value] | Value = (),
    threshold: float | None = None,
    nearest_color: bool = False,
    tile: int | None = None,
    on_step: OnStep = lambda _done, _all: None,
) -> MaskTuning:
    """Choose the post-processing of a network of classes, and set it in `model.config`.

    The temperature has the least negative log-likelihood. Then each class but the first, the background, may get a
    threshold, filled holes, its largest component alone, or a smallest size of components: what raises the mean IoU
    most without lowering that of any class. Save the network to keep it. `predict_files` and `evaluate` apply it;
    `predict` gives the probabilities at the temperature.

    Args:
        model: a network of classes in evaluation mode, not one of objects; what it has is chosen anew.
        data: as in `evaluate`. Images are taken evenly over the data until they have 2^22 pixels, divided by the number
            of classes.
        split: as in `tune`.
        classes: as in `evaluate`.
        masks: as in `evaluate`.
        ignore: as in `evaluate`.
        threshold: as in `evaluate`.
        nearest_color: as in `evaluate`.
        tile: as in `unetzoo.predict`.
        on_step: called with the number of finished steps, and that of all steps.

    Raises:
        DataError: there are no images, or one cannot be read.
        OptionError, ShapeError: the network has objects, is an ensemble, or does not fit the data.
        MissingExtraError: scipy is not installed.
    """
    network = network_of(model)
    if isinstance(network, Ensemble):
        raise OptionError("an ensemble has no post-processing of its own: tune its networks, ensemble.members")
    options = MaskOptions(classes, masks, ignore, threshold, nearest_color)
    split = split or (None if isinstance(data, Dataset) else "val")
    slicing = slicing_for(network.config)
    dataset = dataset_of(data, split, options, trained=network.config.info, slicing=slicing)
    tuning = tune_parts([Part(model, dataset, tile)], on_step=on_step)
    network.config = replace(network.config, postprocessing=tuning.postprocessing)
    return tuning


def tune_parts(parts: Iterable[Part], *, on_step: OnStep = lambda _done, _all: None) -> MaskTuning:
    """The post-processing for all images of several networks together; changes nothing.

    Raises:
        DataError: there are no images, or no pixel whose class is known.
        OptionError: a network has objects.
    """
    need("evaluate", "tuning", "scipy")
    with TemporaryDirectory(prefix="unetzoo-tune-") as folder:
        config, cases = _predicted(list(parts), Path(folder), on_step)
        if all((case.truth == UNKNOWN).all() for case in cases):
            raise DataError("the class of no pixel of the images to tune on is known: choose others")
        return _Search(config, cases, on_step).run()


class _Search:
    """A choice after the other, each kept only if the mean IoU rises and that of no class falls."""

    def __init__(self, config: ModelConfig, cases: Sequence[_Case], on_step: OnStep) -> None:
        self.config, self.cases, self.names = config, cases, class_names(config)
        self.on_step, self.done = on_step, len(cases)
        self.each = len(_LIMITS) + len(_SIZES) + 2
        self.count = len(cases) + self.each * (len(self.names) - 1)
        self.temperature = 1.0

    def run(self) -> MaskTuning:
        """The choices, and their effect."""
        self.temperature, loss_before, loss_after = choose_temperature([sampled(*case) for case in self.cases])
        before = best = self._counts({})
        chosen: dict[str, Any] = {}
        for name in self.names[1:]:
            limits = [{"thresholds": {**chosen.get("thresholds", {}), name: limit}} for limit in _LIMITS]
            chosen, best = self._best(chosen, best, limits)
        for name in self.names[1:]:
            for key in ("fill_holes", "largest"):
                chosen, best = self._best(chosen, best, [{key: [*chosen.get(key, []), name]}])
            sizes = [{"min_size": {**chosen.get("min_size", {}), name: size}} for size in _SIZES]
            chosen, best = self._best(chosen, best, sizes)
        if self.temperature != 1:
            chosen = {"temperature": self.temperature, **chosen}
        return MaskTuning(
            postprocessing=chosen,
            before=self._named(before),
            after=self._named(best),
            mean_before=_mean(before),
            mean_after=_mean(best),
            loss_before=loss_before,
            loss_after=loss_after,
            images=len(self.cases),
            noun=case_noun(self.config),
        )

    def _best(
        self, chosen: dict[str, Any], best: Counts, changes: Sequence[Mapping[str, Any]]
    ) -> tuple[dict[str, Any], Counts]:
        """The best of several changes, or none."""
        start = chosen
        for change in changes:
            trial = {**start, **change}
            counts = self._counts(trial)
            if _is_better(counts, best):
                chosen, best = trial, counts
            self.done += 1
            self.on_step(self.done, self.count)
        return chosen, best

    def _counts(self, chosen: Mapping[str, Any]) -> Counts:
        config = replace(self.config, postprocessing=chosen)
        limits = limits_of(None, config)
        total = np.zeros((len(self.names), 3), np.int64)
        for case in self.cases:
            ids = class_ids(tempered(case.probabilities, self.temperature), limits, unknown=_NO_CLASS).astype(np.uint16)
            postprocess(ids, config)
            total += count(ids, case.truth, len(self.names), axes=case.truth.ndim)
        return total

    def _named(self, counts: Counts) -> dict[str, float | None]:
        return {
            name: None if np.isnan(score) else float(score) for name, score in zip(self.names, iou(counts), strict=True)
        }


def _is_better(counts: Counts, before: Counts) -> bool:
    """Whether the mean IoU rises, and that of no class falls."""
    there = is_there(before)
    new, old = iou(counts)[there], iou(before)[there]
    return bool(new.mean() > old.mean() + _GAIN and (new >= old).all())


def _mean(counts: Counts) -> float:
    return float(iou(counts)[is_there(counts)].mean())


def _predicted(parts: Sequence[Part], folder: Path, on_step: OnStep) -> tuple[ModelConfig, list[_Case]]:
    """The configuration, and images that are spread evenly over all data sets; probabilities lie in the folder."""
    cases = list[_Case]()
    networks = [without_postprocessing(network_of(part.model)) for part in parts]
    places = [(number, index) for number, part in enumerate(parts) for index in range(len(part.dataset))]
    if not places:
        raise DataError("there are no images to tune on: choose another split")
    config = networks[0].config
    if config.objects:
        raise OptionError("the network has objects, whose decoder unetzoo.tune tunes")
    pixels = _PIXELS // max(2, config.classes)
    for place in spread(len(places)):
        if pixels <= 0:
            break
        number, index = places[place]
        part, network = parts[number], networks[number]
        sample, *_, whole = presented(part.dataset, index, network.config, "never")
        check_fits(
            network, part.dataset.class_names, sample.image.shape[-1], axes=sample.image.ndim - 1, image=sample.name
        )
        path = folder / f"{place}.npy"
        np.save(path, predicted_maps(network, sample.image, name=sample.name, tile=part.tile, whole=whole))
        truth = known_where_data(sample.image, sample.mask, network.config.info.nodata)
        cases.append(_Case(np.load(path, mmap_mode="r"), truth))
        pixels -= truth.size
        on_step(len(cases), len(places))
    return config, cases
