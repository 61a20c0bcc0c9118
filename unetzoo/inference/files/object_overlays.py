"""Pictures of images of any size with the outlines of their objects."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unetzoo._utils.colors import Colors
from unetzoo.data.formats.nodata import masked_values
from unetzoo.data.shown import as_colors, contrast_of
from unetzoo.inference.files.object_tables import Labels
from unetzoo.inference.scale import sample_of
from unetzoo.objects.overlay import overlay

LONGEST = 4096
"""Pixels of the longer side of a picture; larger images are reduced."""
_PIXELS = 2**21  # of an image, at once


def write_overlay(
    path: Path,
    labels: Labels,
    image: Any,  # noqa: ANN401 - whatever can be sliced
    colors: Colors,
    *,
    nodata: tuple[float, ...] = (),
    longest: int = LONGEST,
) -> None:
    """Write a picture of an image with the outlines of its objects as PNG.

    Args:
        path: of the file.
        labels: numbers of the objects.
        image: (h, w, c) that can be sliced.
        colors: (n, 3); the object i has the color `i % n`.
        nodata: values of the image that stand for no data.
        longest: see `LONGEST`.
    """
    step = -(-max(labels.shape) // longest)
    shown, ids = reduced(labels, image, nodata, step)
    Image.fromarray(overlay(shown, ids, colors)).save(path, format="PNG")


def reduced(
    labels: Labels,
    image: Any,  # noqa: ANN401 - as above
    nodata: tuple[float, ...],
    step: int,
) -> tuple[Colors, NDArray[np.integer]]:
    """The image in colors, each of which is the mean of `step` x `step` pixels, and the first number of each.

    Arguments are those of `write_overlay`.
    """
    parts = [masked_values(np.asanyarray(part), nodata) for part in sample_of(image)]
    contrast = contrast_of(np.ma.concatenate([part.reshape(-1, 1, part.shape[-1]) for part in parts]))  # type: ignore[no-untyped-call] # of numpy
    shown, ids = [], []
    height, width = labels.shape
    many = step * max(1, _PIXELS // (step * width))
    for top in range(0, height, many):
        rows = slice(top, top + many)
        block = as_colors(masked_values(np.asanyarray(image[rows, :]), nodata), contrast)
        shown.append(np.asarray(Image.fromarray(np.ascontiguousarray(block)).reduce(step)))
        ids.append(labels[rows][::step, ::step])
    return np.concatenate(shown), np.concatenate(ids)
