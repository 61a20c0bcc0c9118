"""What a network of objects learns and gives: targets with weights, maps from logits, and classes of objects."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unetzoo.errors import ShapeError
from unetzoo.objects.coding import Ids, Maps, ObjectCoding, ObjectMap, slices_of


def all_maps(coding: ObjectCoding, class_names: Sequence[str] = ()) -> tuple[ObjectMap, ...]:
    """The maps of a coding, and beside them a class for each pixel where there are classes of objects.

    Args:
        coding: of the objects.
        class_names: of the objects, at least two; empty: all objects are of one class.
    """
    if not class_names:
        return coding.maps
    return *coding.maps, ObjectMap(name="class", channels=tuple(class_names), activation="softmax", loss="ce")


def make_target(coding: ObjectCoding, ids: Ids, classes: NDArray[np.integer] | None = None, count: int = 0) -> Maps:
    """The target of a crop, (c + m, h, w): what the c channels should be, then how much each pixel counts for m maps.

    Of a volume (d, h, w) all are (..., d, h, w).

    Encode crops after they have been turned, flipped or deformed, or vectors and distances are wrong.

    Args:
        coding: of the objects.
        ids: (h, w); a pixel of a negative number is unknown and counts for no map.
        classes: (h, w) 0 to `count - 1` in objects; a pixel of another value, or beyond objects, counts for no class.
        count: of classes of objects; 0: there are none.

    Raises:
        ShapeError: when ids are not (h, w) or not whole numbers, or classes are not of their shape.
    """
    maps, weights = coding.encode(ids), coding.weights(ids) * (ids >= 0)
    if not count:
        return np.concatenate([maps, weights.astype(np.float32)])
    if classes is None or classes.shape != ids.shape:
        raise ShapeError(
            f"classes of objects must be {ids.shape}, as their ids, got {None if classes is None else classes.shape}"
        )
    masks = classes == np.arange(count).reshape(-1, *(1,) * ids.ndim)
    return np.concatenate([maps, masks, weights, (masks.any(0) & (ids > 0))[None]]).astype(np.float32)


def activate(maps: Sequence[ObjectMap], logits: Tensor) -> Tensor:
    """The maps (b, c, h, w) of logits (b, c, h, w)."""
    parts = [activated(item, logits[:, place]) for item, place in zip(maps, slices_of(maps), strict=True)]
    return torch.cat(parts, 1)


def activated(item: ObjectMap, logits: Tensor) -> Tensor:
    """One map (b, k, h, w) of its logits (b, k, h, w)."""
    if item.activation == "softmax":
        return logits.softmax(1)
    return logits.sigmoid() if item.activation == "sigmoid" else logits


def object_classes(objects: NDArray[np.integer], classes: NDArray[np.integer], count: int) -> NDArray[np.int64]:
    """The class that most pixels of each object have: (n + 1) by the number of the object, -1 where none has one.

    Args:
        objects: (h, w), 1 to n.
        classes: (h, w), 0 to `count - 1`; pixels of other values do not vote. Of as many votes the lower class wins.
        count: of classes.
    """
    votes = (objects > 0) & (classes >= 0) & (classes < count)
    last = int(objects.max(initial=0))
    places = objects[votes].astype(np.int64) * count + classes[votes]
    ballots = np.bincount(places, minlength=(last + 1) * count).reshape(last + 1, count)
    return np.where(ballots.any(1), ballots.argmax(1), -1)
