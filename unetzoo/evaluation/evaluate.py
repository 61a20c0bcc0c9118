"""Measure how good a network is on a data set."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from unetzoo._utils.extras import need
from unetzoo.checks import check_choice, check_count, check_whole, number
from unetzoo.data.dataset import Dataset
from unetzoo.data.find import Data
from unetzoo.data.formats.nodata import known_where_data
from unetzoo.data.masks.options import Classes, MaskOptions, Masks, Value
from unetzoo.data.open import dataset_of, slicing_for
from unetzoo.data.sources.cuts import SplitBy
from unetzoo.data.sources.source import Finding, sentences
from unetzoo.errors import DataError, DataWarning, OptionError
from unetzoo.evaluation.bootstrap import Bootstrap
from unetzoo.evaluation.masks import check_fits, object_pairs, predicted_maps, prediction_of
from unetzoo.evaluation.measure import Evaluation, Measurement
from unetzoo.evaluation.objects import tally
from unetzoo.evaluation.shown import presented
from unetzoo.evaluation.volumes import measure_cases_whole, measure_volumes, volumes_of
from unetzoo.inference.choices import Axes, Resample
from unetzoo.inference.forward import Network
from unetzoo.inference.slices import SliceTiling
from unetzoo.nn.ensemble import without_postprocessing
from unetzoo.nn.wrapped import network_of


class Tiling(NamedTuple):
    """How images are shown to a network, as in `unetzoo.predict` and `unetzoo.PredictOptions`."""

    tile: int | None = None
    overlap: int | None = None
    mirrors: int = 1
    resample: Resample = "auto"
    axes: Axes | None = None


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
    split_by: SplitBy = "auto",
    surface: bool = False,
    tolerance: float = 2.0,
    instances: str | None = None,
    resamples: int = 1000,
    seed: int = 0,
    tile: int | None = None,
    overlap: int | None = None,
    mirrors: int = 1,
    resample: Resample = "auto",
    raw: bool = False,
    axes: Axes | None = None,
    on_case: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """Compare the predictions of a network with the masks of a data set.

    Pixels whose class is unknown (255), or without data, do not count. A class that is neither in the mask nor
    predicted has no score. The mean is over the classes that the masks have, whatever is predicted;
    `unetzoo.create_metric` counts the same way. Intervals are from a bootstrap over images
    (`unetzoo.evaluation.bootstrap` says how good they are): a single image has none. Brier score and expected
    calibration error (`unetzoo.evaluation.calibration` defines them) are those of the probabilities of
    `unetzoo.predict`, whatever thresholds the network has.

    A network that was trained on volumes is measured on volumes: each is a case, and distances are in the unit of its
    file, such as millimeters, with the distance of voxels along each axis.

    Args:
        model: in evaluation mode.
        data: what `fit` takes: a folder, a file that lists pairs, a name, a `Dataset`, splits by name. It has the
            classes of the network; for a network with a single logit, the two classes of a mask.
        split: `"train"`, `"val"`, `"test"` or `"all"`; None: test, else val; all where there are no splits and the
            network was not trained on the data.
        classes: names of the classes, perhaps with their values in masks; None: as in the network's training.
        masks: as for `unetzoo.survey`.
        ignore: values or colors of masks whose pixels do not count, besides those ignored in the training.
        threshold: mask values of at least this are the foreground, where edges are soft.
        nearest_color: read a color or value that has no class as the nearest one that has.
        split_by: as for `unetzoo.survey`; `"auto"`: on the data of the network's training as there.
        surface: also measure Hausdorff 95 and surface Dice.
        tolerance: of the surface Dice, in pixels, of volumes in their unit, >= 0.
        instances: name of the class whose objects are counted: connected components, and in the truth the objects that
            masks number, where they do; None: none, and those of each class for a network of objects, whose predicted
            objects are its own.
        resamples: draws for the intervals.
        seed: of the draws.
        tile: as in `unetzoo.predict`.
        overlap: as in `unetzoo.predict`.
        mirrors: as in `unetzoo.predict`.
        resample: as in `unetzoo.PredictOptions`, for images and volumes of files.
        raw: leave out the post-processing that is stored with the network.
        axes: of volumes, along which slices are predicted, as in `unetzoo.predict_volume`.
        on_case: called after each image with the number of all images.

    Raises:
        DataError: there are no images, or one cannot be read.
        OptionError, ShapeError: the network does not fit the data; there is no such class.
        MissingExtraError: scipy is not installed, or MONAI for `surface`.
    """
    _need_extras(surface=surface, instances=instances)
    resamples, seed = check_count("resamples", resamples), check_whole("seed", seed, 0)
    options = MaskOptions(classes, masks, ignore, threshold, nearest_color)
    model = without_postprocessing(network_of(model)) if raw else model
    info, has_objects = network_of(model).config.info, bool(network_of(model).config.objects)
    slicing = slicing_for(network_of(model).config)
    dataset = dataset_of(data, split, options, trained=info, objects=has_objects, split_by=split_by, slicing=slicing)
    names = dataset.class_names
    if not len(dataset):
        raise DataError("there are no images to evaluate")
    countable = names[1:] if has_objects else names
    if instances is not None and instances not in countable:
        raise OptionError(f"there is no class {instances!r}; there are {', '.join(countable)}")
    pixels = number(tolerance)
    if pixels is None or not pixels >= 0:
        raise OptionError(f"tolerance must be a number of pixels >= 0, got {tolerance!r}")
    counted = (instances,) if instances else tuple(countable) if has_objects else ()
    measurement = Measurement(names, surface=surface, tolerance=pixels, counted=counted)
    check_choice("resample", resample, Resample)
    tiling = Tiling(tile, overlap, mirrors, resample, axes)
    doubts = measure_cases(model, dataset, measurement, tiling, on_case=on_case)
    for sentence in sentences(doubts):
        warnings.warn(sentence, DataWarning, stacklevel=2)
    result = measurement.summed_up(
        Bootstrap(len(measurement.cases), resamples=resamples, seed=seed), resamples=resamples, seed=seed
    )
    return replace(result, split=dataset.split, split_note=dataset.split_note)


def measure_cases(
    model: Network,
    dataset: Dataset,
    measurement: Measurement,
    tiling: Tiling,
    *,
    on_case: Callable[[int], None] = lambda _: None,
) -> list[Finding]:
    """Add each image, or each volume, of a data set to a measurement; what is doubtful about them.

    Args:
        model: the network.
        dataset: of the cases.
        measurement: to add to.
        tiling: how they are shown to the network.
        on_case: called after each with the number of all.

    Raises:
        DataError, OptionError, ShapeError: as `evaluate`.
    """
    seen = SliceTiling(tile=tiling.tile, overlap=tiling.overlap, mirrors=tiling.mirrors, resample=tiling.resample)
    if network_of(model).config.spatial_dims == 3:
        if tiling.axes is not None:
            raise OptionError("axes are those of slices, and the network sees all three at once: leave axes out")
        return measure_cases_whole(model, dataset, measurement, seen, on_volume=lambda: on_case(len(dataset)))
    volumes = volumes_of(dataset)
    if volumes is None:
        if tiling.axes is not None:
            raise OptionError("axes are for volumes, and the data has images: leave axes out")
        return _measure_images(model, dataset, measurement, tiling, lambda: on_case(len(dataset)))
    if measurement.counted:
        raise OptionError(
            "objects are counted in images, and in volumes by a network over three axes (--spatial-dims 3), not in "
            "slices: leave instances out"
        )
    return measure_volumes(model, dataset, measurement, seen, tiling.axes, on_volume=lambda: on_case(len(volumes)))


def _measure_images(
    model: Network, dataset: Dataset, measurement: Measurement, tiling: Tiling, on_image: Callable[[], None]
) -> list[Finding]:
    config, doubts = network_of(model).config, list[Finding]()
    tile, overlap, mirrors, resample, _ = tiling
    for index in range(len(dataset)):
        sample, scale, said, whole = presented(dataset, index, config, resample)
        *space, channels = sample.image.shape
        names, labels = dataset.class_names, dataset.labels
        check_fits(model, names, channels, labels=labels, axes=len(space), image=sample.name)
        doubts += [Finding(sample.name, f": {doubt}") for doubt in said]
        maps = predicted_maps(
            model,
            sample.image,
            name=sample.name,
            tile=tile,
            overlap=overlap,
            mirrors=mirrors,
            scale=scale,
            whole=whole,
        )
        prediction = prediction_of(maps, config, sample.image.shape[:-1])
        truth = known_where_data(sample.image, sample.mask, config.info.nodata)
        pairs = object_pairs(prediction, truth, dataset, index, measurement.counted)
        tallies = np.stack([tally(*pair) for pair in pairs]) if pairs else None
        measurement.add(sample.name, prediction.ids, truth, tallies, None if config.objects else maps)
        on_image()
    return doubts


def _need_extras(*, surface: bool, instances: str | None) -> None:
    need("evaluate", "evaluation", "scipy")
    if instances is not None:
        need("evaluate", "counting objects", "scipy")
    if surface:
        need("surface", "Hausdorff distances and surface Dice", "monai", "scipy")
