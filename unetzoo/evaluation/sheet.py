"""Cases below each other on one sheet: four panels each, with a title, under one heading and over one legend."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from unetzoo._utils.colors import OBJECT_COLOR, Colors
from unetzoo._utils.texts import printable
from unetzoo.data.shown import image_colors
from unetzoo.evaluation.instances import Objects
from unetzoo.evaluation.pictures import Entry, Ids, class_colors, error_colors, legend, objects_panels
from unetzoo.nn.coding import UNKNOWN

_INK, _FAINT, _LINE_COLOR, _PAPER = (31, 41, 51), (94, 106, 118), (150, 158, 166), (255, 255, 255)
_PANELS = ("image", "truth", "prediction", "errors")
# Pixels.
_MARGIN, _TITLE, _HEADING, _LINE, _SWATCH, _TEXT, _OUTLINE = 10, 24, 22, 22, 12, 14, 3
_NARROWEST, _WIDEST = 96, 4  # pixels, that headings fit in; of a panel's height


@dataclass(frozen=True)
class Shown:
    """What is shown of a case.

    Attributes:
        image: (h, w, channels), of any range: brightness is stretched between its 1st and 99th percentile. Three
            channels are red, green and blue; of any other number the first is shown in gray.
        truth: class ids (h, w), or planes (classes, h, w) if classes may overlap; 255: unknown.
        predicted: class ids (h, w), or planes.
        title: name and scores; empty: none.
        objects: those of each class whose objects are counted.

    Of a volume (d, h, w, channels) one slice is shown, see `flat`.
    """

    image: NDArray[np.generic]
    truth: Ids
    predicted: Ids
    title: str = ""
    objects: tuple[Objects, ...] = ()


def flat(case: Shown) -> Shown:
    """Of a volume the slice with the most errors, or else with the most of the classes but the first."""
    if case.image.ndim == 3:
        return case
    wrong = (case.predicted != case.truth) & (case.truth != UNKNOWN)
    chosen = wrong if wrong.any() else (case.truth > 0) & (case.truth != UNKNOWN)
    across = tuple(axis for axis in range(chosen.ndim) if axis != chosen.ndim - 3)
    place = int(chosen.sum(across).argmax())
    truth, predicted = (each[..., place, :, :] for each in (case.truth, case.predicted))
    objects = tuple(replace(each, truth=each.truth[place], predicted=each.predicted[place]) for each in case.objects)
    return replace(case, image=case.image[place], truth=truth, predicted=predicted, objects=objects)


def draw_sheet(cases: Sequence[Shown], class_names: Sequence[str], *, height: int = 256) -> Image.Image:
    """Draw cases: the image, its truth, the prediction and the errors, side by side.

    Args:
        cases: at least one.
        class_names: of the ids from 0.
        height: of a panel, in pixels; the panels keep the image's proportions, up to a width of four times that.
    """
    cases = list(map(flat, cases))
    widths = [_width(case.image.shape, height) for case in cases]
    across = _MARGIN + len(_PANELS) * (max(widths) + _MARGIN)
    with_unknown = any(bool((case.truth == UNKNOWN).any()) for case in cases)
    with_objects = any(case.objects for case in cases)
    may_overlap = cases[0].truth.ndim == 3
    names = tuple(map(printable, class_names))
    entries = legend(names, with_unknown=with_unknown, with_objects=with_objects, may_overlap=may_overlap)
    lines = _lines([entry.text for entry in entries], across)
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
    image = Image.fromarray(image_colors(case.image)).resize(size, Image.Resampling.BILINEAR)
    for index, panel in enumerate([image, *map(Image.fromarray, _panels(case, classes, size))]):
        sheet.paste(panel, (_MARGIN + index * step, top))


def _panels(case: Shown, classes: int, size: tuple[int, int]) -> tuple[Colors, ...]:
    """Truth, prediction and errors in pixels of the sheet, on which outlines are equally wide in images of any size."""
    truth_ids, predicted_ids = _nearest(case.truth, size), _nearest(case.predicted, size)
    truth, predicted = class_colors(truth_ids, classes), class_colors(predicted_ids, classes)
    if case.objects:
        objects = [
            replace(each, truth=_nearest(each.truth, size), predicted=_nearest(each.predicted, size))
            for each in case.objects
        ]
        truth, predicted = objects_panels(truth, predicted, objects, width=_OUTLINE)
    return truth, predicted, error_colors(truth_ids, predicted_ids)


def _nearest(ids: Ids, size: tuple[int, int]) -> Ids:
    """Ids (..., h, w) at another width and height."""
    sides = ids.shape[-1], ids.shape[-2]
    columns, rows = ((np.arange(to) + 0.5) * of / to for to, of in zip(size, sides, strict=True))
    resized: Ids = ids[..., rows.astype(int)[:, None], columns.astype(int)]
    return resized


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


def _draw_legend(pen: ImageDraw.ImageDraw, entries: Sequence[Entry], lines: Sequence[int], top: int) -> None:
    waiting = iter(entries)
    for count in lines:
        left = _MARGIN
        for _ in range(count):
            color, text, is_outline = next(waiting)
            box = (left, top, left + _SWATCH, top + _SWATCH)
            pen.rectangle(box, fill=color, outline=_LINE_COLOR)
            if is_outline:
                pen.rectangle((left + 4, top + 4, left + _SWATCH - 4, top + _SWATCH - 4), fill=OBJECT_COLOR)
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
