"""The picture of `unetzoo demo`: what each method predicts and where it errs, drawn with Pillow."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from unetzoo._utils.colors import FALSE_NEGATIVE, FALSE_POSITIVE, FOUND_EDGE, HIT, OBJECT_COLOR, Colors, dimmed
from unetzoo.cli.demo_methods import Result
from unetzoo.data.dataset import Sample
from unetzoo.data.shown import image_colors
from unetzoo.evaluation.pictures import OUTLINES, Entry, class_colors, error_colors, objects_panels, outlined

_PAPER, _INK, _FAINT = (255, 255, 255), (31, 41, 51), (94, 106, 118)
_LEGEND = (
    Entry(HIT, "nucleus, found"),
    Entry(FALSE_POSITIVE, "false positive: no nucleus there"),
    Entry(FALSE_NEGATIVE, "false negative: nucleus missed"),
    *OUTLINES,
)
_GAMMA = 0.6  # lightens the dim nuclei
# Pixels of the picture; positions of text are those of its baseline.
_SCALE = 2  # a pixel of the image
_MARGIN, _GAP, _GROUP_GAP = 48, 10, 40
_LARGE, _MEDIUM, _SMALL = 40, 28, 22
_TITLE_Y, _NAME_Y, _NUMBERS_Y, _LABEL_Y, _PANEL_Y = 76, 154, 192, 242, 258
_LEGEND_HEIGHT, _SWATCH = 96, 26


def draw(title: str, sample: Sample, results: Sequence[Result]) -> Image.Image:
    """The image and its truth, then the prediction and the errors of each method, side by side, with a legend."""
    image = (255 * (image_colors(sample.image) / 255) ** _GAMMA).round().astype(np.uint8)
    pixels = " x ".join(map(str, sample.mask.shape))
    truth = outlined(dimmed(class_colors(sample.mask, 2)), results[0].objects.truth, FOUND_EDGE)
    nuclei = f"{pixels} pixels, {results[0].objects.truth.max()} nuclei"
    groups = [("held out", nuclei, {"image": image, "truth": truth})]
    for result in results:
        numbers = f"IoU {result.mean_iou:.3f}   AP {result.precision:.3f}   {result.objects.predicted.max()} nuclei"
        _, prediction = objects_panels(image, class_colors(result.mask, 2), [result.objects])
        panels = {"prediction": prediction, "errors": error_colors(sample.mask, result.mask)}
        groups.append((result.method, numbers, panels))
    height, width = (_SCALE * side for side in sample.mask.shape)
    step = 2 * width + _GAP + _GROUP_GAP
    size = 2 * _MARGIN + len(groups) * step - _GROUP_GAP, _PANEL_Y + height + _LEGEND_HEIGHT
    picture = Image.new("RGB", size, _PAPER)
    pen = ImageDraw.Draw(picture)
    _write(pen, (_MARGIN, _TITLE_Y), title, _LARGE)
    for index, (name, numbers, panels) in enumerate(groups):
        left = _MARGIN + index * step
        _write(pen, (left, _NAME_Y), name, _MEDIUM)
        _write(pen, (left, _NUMBERS_Y), numbers, _SMALL)
        _draw_panels(picture, panels, left, (width, height))
    _draw_legend(pen, _PANEL_Y + height + _LEGEND_HEIGHT // 2)
    return picture


def _draw_panels(picture: Image.Image, panels: dict[str, Colors], left: int, size: tuple[int, int]) -> None:
    for label, panel in panels.items():
        _write(ImageDraw.Draw(picture), (left, _LABEL_Y), label, _SMALL, _FAINT)
        picture.paste(Image.fromarray(panel).resize(size, Image.Resampling.NEAREST), (left, _PANEL_Y))
        left += size[0] + _GAP


def _draw_legend(pen: ImageDraw.ImageDraw, middle: int) -> None:
    left, half = _MARGIN, _SWATCH // 2
    for color, meaning, is_outline in _LEGEND:
        box = (left, middle - half, left + _SWATCH, middle + half)
        pen.rectangle(box, fill=color, outline=_FAINT if is_outline else None)
        if is_outline:
            pen.rectangle((left + 6, middle - half + 6, left + _SWATCH - 6, middle + half - 6), fill=OBJECT_COLOR)
        left += _SWATCH + 12
        _write(pen, (left, middle + 9), meaning, _SMALL)
        left += round(pen.textlength(meaning, ImageFont.load_default(_SMALL))) + 48


def _write(
    pen: ImageDraw.ImageDraw, place: tuple[int, int], text: str, size: int, color: tuple[int, int, int] = _INK
) -> None:
    pen.text(place, text, fill=color, font=ImageFont.load_default(size), anchor="ls")
