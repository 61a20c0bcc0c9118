"""Assign classes to each pixel, by the probabilities of all classes."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unetzoo.errors import OptionError, did_you_mean
from unetzoo.inference.choices import Threshold, plain_threshold
from unetzoo.nn.config import ModelConfig

Limits = Sequence[float | None]
_EVEN = 0.5  # the threshold of a class that may overlap


def labels_of(
    probabilities: NDArray[np.float32], config: ModelConfig, limits: Limits, *, unknown: int | None = None
) -> NDArray[np.integer]:
    """What a network of classes says of each pixel: class ids (h, w), or planes (classes, h, w) if classes may overlap.

    Probabilities of a volume, (classes, d, h, w), give those of its voxels.

    Args:
        probabilities: (classes, h, w) of this network.
        config: of the network.
        limits: of each class, from `limits_of`.
        unknown: id of pixels whose probabilities are NaN; None: any id.
    """
    if config.labels == "overlapping":
        return class_planes(probabilities, limits, nested=_places(config), unknown=unknown)
    return class_ids(probabilities, limits, unknown=unknown)


def class_planes(
    probabilities: NDArray[np.float32], limits: Limits, *, nested: Sequence[int] = (), unknown: int | None = None
) -> NDArray[np.uint8]:
    """Planes (classes, h, w) of 0 and 1: the pixels where the probability of a class is above its limit.

    Args:
        probabilities: of each class.
        limits: of each class.
        nested: ids of classes each of which contains the next: of that, pixels outside are dropped.
        unknown: value of pixels whose probabilities are NaN; None: 0.
    """
    planes = (probabilities > _along_classes(limits, probabilities)).astype(np.uint8)
    for outer, inner in pairwise(nested):
        planes[inner] &= planes[outer]
    if unknown is not None:
        planes[np.isnan(probabilities)] = unknown
    return planes


def _places(config: ModelConfig) -> tuple[int, ...]:
    names = class_names(config)
    return tuple(names.index(name) for name in config.info.nested if name in names)


def class_ids(
    probabilities: NDArray[np.float32], limits: Limits = (), *, unknown: int | None = None
) -> NDArray[np.intp]:
    """Class ids (h, w) for probabilities (classes, h, w); 0 and 1 for a single logit.

    Without limits a pixel gets its most probable class. A class with a limit takes the pixels where its probability is
    higher, the most probable one of several such classes. A pixel that is left gets the most probable other class.

    Args:
        probabilities: of each class, or of the foreground alone.
        limits: of each class, from `limits_of`.
        unknown: id of pixels whose probabilities are NaN; None: any id.
    """
    is_nan = np.isnan(probabilities[0])
    if len(probabilities) == 1:
        probabilities = np.concatenate([1 - probabilities, probabilities])
    has_limit = np.array([limit is not None for limit in limits], dtype=bool)
    ids: NDArray[np.intp]
    if has_limit.any():
        is_limited = _along_classes(has_limit, probabilities)
        above = (is_limited > 0) & (probabilities > _along_classes([limit or 0 for limit in limits], probabilities))
        best_above = np.where(above, probabilities, -1).argmax(0)
        best_other = np.where(is_limited > 0, -1, probabilities).argmax(0)
        ids = np.where(above.any(0), best_above, best_other)
    else:
        ids = probabilities.argmax(0)
    if unknown is not None:
        ids[is_nan] = unknown
    return ids


def _along_classes(values: Any, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:  # noqa: ANN401 - numbers
    """A value for each class, float32, as an array that fits to probabilities (classes, ...)."""
    return np.array(values, dtype=np.float32).reshape(-1, *(1,) * (probabilities.ndim - 1))


def limits_of(threshold: Threshold | None, config: ModelConfig) -> Limits:
    """The limit of each class of a network; None for a class without a limit.

    Args:
        threshold: a number for every class, except the first, the background, where classes exclude one another; or
            numbers by class name or id; None, and for classes that have no number: as the network's `info` says, or its
            post-processing.
        config: of the network.

    Raises:
        OptionError: as `plain_threshold`; a class does not exist, or all of those that exclude one another have a
            limit.
    """
    names, threshold = class_names(config), plain_threshold(threshold)
    may_overlap = config.labels == "overlapping"
    own = config.info.thresholds if len(config.info.thresholds) == config.classes else ()
    if threshold is None and not may_overlap:
        threshold = config.post.thresholds or None
        if threshold is None:
            return (None, *own) if config.classes == 1 and own else ()
    limits: dict[str, float | None] = dict.fromkeys(names)
    if may_overlap:
        limits = dict(zip(names, own or [_EVEN] * len(names), strict=True))
    others = names if may_overlap else names[1:]
    chosen = (
        threshold if isinstance(threshold, Mapping) else {} if threshold is None else dict.fromkeys(others, threshold)
    )
    for name, limit in chosen.items():
        limits[_known(name, names)] = limit
    if not may_overlap and None not in limits.values():
        raise OptionError(
            "one class must have no threshold, such as the background: it gets the pixels that reach none"
        )
    return tuple(limits.values())


def class_names(config: ModelConfig) -> tuple[str, ...]:
    """Class names of a network, or ids if it has none; a single logit has two classes that exclude one another."""
    classes, names = max(2, config.classes), tuple(config.info.class_names)
    if config.labels == "overlapping":
        return names if len(names) == config.classes == len({*names}) else tuple(map(str, range(config.classes)))
    named = ("background", *names) if len(names) == 1 else names
    return named if len(named) == classes == len(set(named)) else tuple(map(str, range(classes)))


def _known(name: str, names: Sequence[str]) -> str:
    if name in names:
        return name
    if name.isdecimal() and int(name) < len(names):
        return names[int(name)]
    hint = did_you_mean(name, names)
    raise OptionError(f"there is no class {name!r}; there are {', '.join(names)}{hint and '; ' + hint}")
