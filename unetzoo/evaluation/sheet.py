"""Cases below each other on one sheet: four panels each, with a title, under one heading and over one legend."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from unetzoo._utils.colors import Colors
from unetzoo._utils.texts import printable
from unetzoo.data.shown import image_colors
from unetzoo.evaluation.instances import Objects
from unetzoo.evaluation.pictures import Ids, class_colors, error_colors, legend, objects_panels
from unetzoo.nn.coding import UNKNOWN

_INK, _FAINT, _LINE_COLOR, _PAPER = (31, 41, 51), (94, 106, 118), (150, 158, 166), (255, 255, 255)
_PANELS = ("image", "truth", "prediction", "errors")
# Pixels.
_MARGIN, _TITLE, _HEADING, _LINE, _SWATCH, _TEXT = 10, 24, 22, 22, 12, 14
_NARROWEST, _WIDEST = 96, 4  # pixels, that headings fit in; of a panel's height


@dataclass(frozen=True)
class Shown:
    """What is shown of a case.

    Attributes:
        image: (h, w, channels), of any range: brightness is stretched between its 1st and 99th percentile. Three
            channels are red, green and blue; of any other number the first is shown in gray.
        truth: class ids (h, w); 255: unknown.
        predicted: class ids (h, w).
        title: name and scores; empty: none.
        objects: those of each class whose objects are counted.
    """

    image: NDArray[np.generic]
    truth: Ids
    predicted: Ids
    title: str = ""
    objects: tuple[Objects, ...] = ()


def draw_sheet(cases: Sequence[Shown], class_names: Sequence[str], *, height: int = 256) -> Image.Image:
    """Draw cases: the image, its truth, the prediction and the errors, side by side.

    Args:
        cases: at least one.
        class_names: of the ids from 0.
        height: of a panel, in pixels; the panels keep the image's proportions, up to a width of four times that.
    """
    widths = [_width(case.image.shape, height) for case in cases]
    across = _MARGIN + len(_PANELS) * (max(widths) + _MARGIN)
    with_unknown = any(bool((case.truth == UNKNOWN).any()) for case in cases)
    with_objects = any(case.objects for case in cases)
    entries = legend(tuple(map(printable, class_names)), with_unknown=with_unknown, with_objects=with_objects)
    lines = _lines([text for _, text in entries], across)
    heights = [height + _MARGIN + (_TITLE if case.title else 0) for case in cases]
    sheet = Image.new("RGB", (across, _HEADING + sum(heights) + len(lines) * _LINE + _MARGIN), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for index, heading in enumerate(_PANELS):
        _write(pen, _MARGIN + index * (max(widths) + _MARGIN), _HEADING - 7, heading, _FAINT)
    top = _HEADING
    for case, width, used in zip(cases, widths, heights, strict=True):
        _draw_case(sheet, case, len(class_names), top, (width, height), step=max(widths) + _MARGIN)
        top += used
    _draw_legend(pen, entries, lines, top)
    return sheet


def case_picture(
    image: NDArray[np.generic], truth: Ids, predicted: Ids, class_names: Sequence[str], *, height: int = 256
) -> Image.Image:
    """A single case without a title, see `draw_sheet`."""
    return draw_sheet([Shown(image, truth, predicted)], class_names, height=height)


def _width(shape: tuple[int, ...], height: int) -> int:
    return min(max(round(height * shape[1] / shape[0]), _NARROWEST), _WIDEST * height)


def _draw_case(sheet: Image.Image, case: Shown, classes: int, top: int, size: tuple[int, int], *, step: int) -> None:
    if case.title:
        title = _shortened(printable(case.title), sheet.width - 2 * _MARGIN)
        _write(ImageDraw.Draw(sheet), _MARGIN, top + _TITLE - 8, title, _INK)
        top += _TITLE
    for index, colors in enumerate(_panels(case, classes)):
        method = Image.Resampling.BILINEAR if index == 0 else Image.Resampling.NEAREST
        sheet.paste(Image.fromarray(colors).resize(size, method), (_MARGIN + index * step, top))


def _panels(case: Shown, classes: int) -> tuple[Colors, ...]:
    truth, predicted = class_colors(case.truth, classes), class_colors(case.predicted, classes)
    for objects in case.objects:
        truth, predicted = objects_panels(truth, predicted, objects)
    return image_colors(case.image), truth, predicted, error_colors(case.truth, case.predicted)


def _lines(texts: Sequence[str], across: int) -> list[int]:
    """How many entries of a legend each of its lines has."""
    lines, left = [0], _MARGIN
    for text in texts:
        wide = _SWATCH + 5 + _length(text) + 18
        if left + wide > across and lines[-1]:
            lines.append(0)
            left = _MARGIN
        lines[-1] += 1
        left += wide
    return lines


def _draw_legend(
    pen: ImageDraw.ImageDraw, entries: Sequence[tuple[tuple[int, ...], str]], lines: Sequence[int], top: int
) -> None:
    waiting = iter(entries)
    for count in lines:
        left = _MARGIN
        for _ in range(count):
            color, text = next(waiting)
            pen.rectangle((left, top, left + _SWATCH, top + _SWATCH), fill=color, outline=_LINE_COLOR)
            _write(pen, left + _SWATCH + 5, top + 11, text, _INK)
            left += _SWATCH + 5 + _length(text) + 18
        top += _LINE


def _shortened(text: str, wide: int) -> str:
    """A text that fits, without its middle where it is too long."""
    kept = len(text)
    while kept > 8 and _length(text) > wide:
        kept -= max(1, kept // 20)
        text = f"{text[: kept // 2]}...{text[-(kept // 2) :]}"
    return text


def _write(pen: ImageDraw.ImageDraw, left: int, baseline: int, text: str, color: tuple[int, int, int]) -> None:
    pen.text((left, baseline), text, fill=color, font=ImageFont.load_default(_TEXT), anchor="ls")


def _length(text: str) -> int:
    return round(ImageFont.load_default(_TEXT).getlength(text))
