"""The mask of a volume as that of one image, slices below each other: what values mean does not depend on places."""

from collections.abc import Sequence
from math import prod
from typing import Any

from numpy.typing import NDArray


def shape_in_rows(shape: Sequence[int]) -> tuple[int, int]:
    """(d * h, w) of the shape (d, h, w) of a volume; that of an image as it is."""
    return prod(shape[:-1]), shape[-1]


def in_rows(mask: NDArray[Any]) -> NDArray[Any]:
    """A mask (d, h, w, ...) as (d * h, w, ...)."""
    return mask.reshape(-1, *mask.shape[2:])


def out_of_rows(mask: NDArray[Any], shape: Sequence[int]) -> NDArray[Any]:
    """A mask (d * h, w), or planes (classes, d * h, w), with the shape (d, h, w); one of an image as it is."""
    return mask.reshape(*mask.shape[:-2], *shape)
