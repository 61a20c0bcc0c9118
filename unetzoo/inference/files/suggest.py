"""Which images are worth labeling next: those of which a network is least sure."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from unetzoo.checks import check_choice, check_count
from unetzoo.errors import DataError, DataWarning, OptionError, ShapeError
from unetzoo.inference.choices import Resample, Uncertainty, check_mirrors
from unetzoo.inference.files.jobs import Image, Images, find_images
from unetzoo.inference.files.shown import Shown, shown
from unetzoo.inference.forward import Network
from unetzoo.inference.pixel_size import rows_at
from unetzoo.inference.predict import rows_of
from unetzoo.inference.uncertainty import check_uncertainty, uncertainty_of
from unetzoo.nn.ensemble import members_of
from unetzoo.nn.wrapped import network_of


@dataclass(frozen=True)
class Suggestion:
    """An image to label.

    Attributes:
        image: its path, or its name in a data set.
        uncertainty: mean over its pixels, 0 to 1.
    """

    image: str
    uncertainty: float


def suggest(
    model: Network,
    images: Images,
    *,
    count: int = 20,
    uncertainty: Uncertainty | None = None,
    tile: int | None = None,
    overlap: int | None = None,
    mirrors: int = 1,
    resample: Resample = "auto",
    on_image: Callable[[int], None] = lambda _: None,
) -> list[Suggestion]:
    """The images of which a network is least sure, to label them next (Settles 2009, section 3).

    Nothing is written. An image larger than the memory is read by blocks. A `DataWarning` says which image cannot be
    read and is left out, and which one is unlike those of the training.

    Args:
        model: a network of images, in evaluation mode, or an `Ensemble` of several.
        images: as for `unetzoo.predict_files`.
        count: number of images.
        uncertainty: `"entropy"` or `"disagreement"`, as of `unetzoo.predict_uncertainty`; None: the disagreement of
            several networks or of mirror images, the entropy of a single prediction.
        tile: as in `unetzoo.predict`.
        overlap: as in `unetzoo.predict`.
        mirrors: as in `unetzoo.predict`.
        resample: as in `unetzoo.PredictOptions`.
        on_image: called after each image with the number of all images.

    Returns:
        At most `count` images, the least sure first.

    Raises:
        DataError: there are no images, or none can be read.
        OptionError: a network of volumes; the disagreement of a single prediction; an option is out of its range.
    """
    count, mirrors = check_count("count", count), check_mirrors(mirrors)
    check_choice("resample", resample, Resample)
    network = network_of(model)
    if network.config.info.slice_axis:
        raise OptionError("the network is one of volumes, and images are suggested: use one that was trained on images")
    has_several = mirrors > 1 or len(members_of(network)) > 1
    kind: Uncertainty = uncertainty or ("disagreement" if has_several else "entropy")
    check_uncertainty(kind, model, mirrors)

    def mean_of(seen: Shown) -> float:
        predict = partial(
            rows_of,
            model,
            tile=tile,
            overlap=overlap,
            batch=1,
            mirrors=mirrors,
            normalizations=seen.normalizations,
            entropies=kind == "disagreement",
        )
        total, pixels = 0.0, 0
        for _, rows in rows_at(seen.scale, seen.pixels, seen.normalizations, predict):
            values = uncertainty_of(rows, network.config, kind)
            total += float(np.nansum(values, dtype=np.float64))
            pixels += int(np.count_nonzero(~np.isnan(values)))
        return total / pixels if pixels else np.nan

    candidates = find_images(images, on_left_out=_warn)
    measured = list[Suggestion]()
    for image in candidates:
        value = _measured(image, model, resample, mean_of)
        if not np.isnan(value):
            measured.append(Suggestion(str(image), value))
        on_image(len(candidates))
    if not measured:
        raise DataError("none of the images can be read")
    return sorted(measured, key=lambda each: -each.uncertainty)[:count]


def _measured(image: Image, model: Network, resample: Resample, mean_of: Callable[[Shown], float]) -> float:
    """The uncertainty of an image; NaN, with a warning, where it cannot be read or has no data."""
    try:
        with shown(image, network_of(model), resample) as seen:
            for doubt in seen.doubts:
                _warn(f"{image}: {doubt}")
            value = mean_of(seen)
    except (DataError, ShapeError) as error:
        _warn(f"{image} is left out: {error}")
        return np.nan
    if np.isnan(value):
        _warn(f"{image} is left out: it has no data")
    return value


def _warn(sentence: str) -> None:
    warnings.warn(sentence, DataWarning, stacklevel=4)
