"""Assign a class to each pixel, by the probabilities of all classes."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from unetzoo.errors import OptionError, did_you_mean
from unetzoo.inference.choices import Threshold, plain_threshold
from unetzoo.nn.config import ModelConfig

Limits = Sequence[float | None]


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
        lowest = np.array([limit or 0 for limit in limits], dtype=np.float32)[:, None, None]
        above = has_limit[:, None, None] & (probabilities > lowest)
        best_above = np.where(above, probabilities, -1).argmax(0)
        best_other = np.where(has_limit[:, None, None], -1, probabilities).argmax(0)
        ids = np.where(above.any(0), best_above, best_other)
    else:
        ids = probabilities.argmax(0)
    if unknown is not None:
        ids[is_nan] = unknown
    return ids


def limits_of(threshold: Threshold | None, config: ModelConfig) -> Limits:
    """The limit of each class of a network; None for a class without a limit.

    Args:
        threshold: a number for every class except the first, the background; or numbers by class name or id.
        config: of the network.

    Raises:
        OptionError: as `plain_threshold`; a class does not exist, or all classes have a limit.
    """
    names, threshold = class_names(config), plain_threshold(threshold)
    if threshold is None:
        return ()
    chosen = threshold if isinstance(threshold, Mapping) else dict.fromkeys(names[1:], threshold)
    limits: dict[str, float | None] = dict.fromkeys(names)
    for name, limit in chosen.items():
        limits[_known(name, names)] = limit
    if None not in limits.values():
        raise OptionError(
            "one class must have no threshold, such as the background: it gets the pixels that reach none"
        )
    return tuple(limits.values())


def class_names(config: ModelConfig) -> tuple[str, ...]:
    """Class names of a network, or ids if it has none; a single logit has two classes."""
    classes, names = max(2, config.classes), tuple(config.info.class_names)
    named = ("background", *names) if len(names) == 1 else names
    return named if len(named) == classes == len(set(named)) else tuple(map(str, range(classes)))


def _known(name: str, names: Sequence[str]) -> str:
    if name in names:
        return name
    if name.isdecimal() and int(name) < len(names):
        return names[int(name)]
    hint = did_you_mean(name, names)
    raise OptionError(f"there is no class {name!r}; there are {', '.join(names)}{hint and '; ' + hint}")
