"""Pictures of images of any size with the outlines of their objects."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from unetzoo._utils.colors import Colors, outline_palette
from unetzoo._utils.texts import printable
from unetzoo.data.formats.nodata import masked_values
from unetzoo.data.shown import as_colors, contrast_of
from unetzoo.inference.files.object_tables import Labels
from unetzoo.inference.scale import sample_of
from unetzoo.objects.overlay import overlay

LONGEST = 4096
"""Pixels of the longer side of a picture; larger images are reduced."""
_PAPER, _INK = (18, 22, 28), (238, 240, 242)
_SHORTEST = 8  # letters of a name
_TEXTS = 48  # lines of a legend as long as the picture
_PIXELS = 2**21  # of an image, at once


def write_overlay(
    path: Path,
    labels: Labels,
    image: Any,  # noqa: ANN401 - whatever can be sliced
    colors: Colors,
    *,
    nodata: tuple[float, ...] = (),
    longest: int = LONGEST,
    class_names: Sequence[str] = (),
) -> None:
    """Write a picture of an image with the outlines of its objects as PNG.

    Args:
        path: of the file.
        labels: numbers of the objects.
        image: (h, w, c) that can be sliced.
        colors: (n, 3); the object i has the color `i % n`.
        nodata: values of the image that stand for no data.
        longest: see `LONGEST`.
        class_names: in the order of `outline_palette`, for a legend below the picture; empty: there is none.
    """
    step = -(-max(labels.shape) // longest)
    shown, ids = reduced(labels, image, nodata, step)
    save_overlay(path, shown, ids, colors, class_names)


def save_overlay(
    path: Path, shown: Colors, ids: NDArray[np.integer], colors: Colors, class_names: Sequence[str]
) -> None:
    """Save a picture (h, w, 3) with the outlines of objects; arguments are those of `write_overlay`."""
    picture = Image.fromarray(overlay(shown, ids, colors))
    (with_legend(picture, class_names) if class_names else picture).save(path, format="PNG")


def with_legend(picture: Image.Image, class_names: Sequence[str]) -> Image.Image:
    """A picture above the colors of classes, those of `outline_palette`, and their names."""
    size = max(picture.size) // _TEXTS
    font = ImageFont.load_default(size)
    names: dict[tuple[int, ...], list[str]] = {}
    for color, name in zip(outline_palette(len(class_names)).tolist(), class_names, strict=True):
        names.setdefault(tuple(color), []).append(printable(name))
    places, left, line = [], size, 0
    for color, alike in names.items():
        text = ", ".join(alike)
        while font.getlength(text) > picture.width - 4 * size and len(text) > _SHORTEST:
            text = f"{text[:-4]}..."
        width = 2 * size + round(font.getlength(text))
        if left + width > picture.width and left > size:
            left, line = size, line + 1
        places.append((left, line, color, text))
        left += width + size
    result = Image.new("RGB", (picture.width, picture.height + (2 * line + 3) * size), _PAPER)
    result.paste(picture)
    pen = ImageDraw.Draw(result)
    for left, line, color, text in places:
        top = picture.height + (2 * line + 1) * size
        pen.rectangle((left, top, left + size, top + size), fill=color)
        pen.text((left + 2 * size, top + size // 2), text, fill=_INK, font=font, anchor="lm")
    return result


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
