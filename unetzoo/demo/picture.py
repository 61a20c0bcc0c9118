"""Draw what each method sees and where it errs, with Pillow."""

from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from unetzoo._utils.colors import FALSE_NEGATIVE, FALSE_POSITIVE, HIT, Colors
from unetzoo.data.datasets.picture import HELD_OUT_COLUMNS
from unetzoo.demo.panels import Color, error_panel, image_panel, mask_panel
from unetzoo.demo.run import Outcome, Result

_PAPER, _INK, _FAINT = (255, 255, 255), (31, 41, 51), (94, 106, 118)
_LEGEND = (
    (HIT, "nucleus, found"),
    (FALSE_POSITIVE, "false positive: no nucleus there"),
    (FALSE_NEGATIVE, "false negative: nucleus missed"),
)
# Pixels of the picture; positions of text are those of its baseline.
_SCALE = 2  # a pixel of the image
_MARGIN, _GAP, _GROUP_GAP = 48, 10, 40
_LARGE, _MEDIUM, _SMALL = 40, 32, 25
_TITLE_Y, _NAME_Y, _NUMBERS_Y, _LABEL_Y, _PANEL_Y = 76, 158, 196, 246, 262
_LEGEND_HEIGHT, _SWATCH = 96, 26


@dataclass(frozen=True)
class _Group:
    """Two panels (h, w, 3) that belong together, under a name and a line of numbers."""

    name: str
    numbers: str
    panels: tuple[tuple[str, Colors], tuple[str, Colors]]


def draw(result: Result) -> Image.Image:
    """The held-out image and its truth, then each method's prediction and errors, side by side, with a legend."""
    groups = [_held_out_group(result), *(_method_group(outcome, result) for outcome in result.outcomes)]
    height, width = (_SCALE * side for side in result.held_out.image.shape)
    group_width = 2 * width + _GAP
    size = 2 * _MARGIN + len(groups) * (group_width + _GROUP_GAP) - _GROUP_GAP, _PANEL_Y + height + _LEGEND_HEIGHT
    picture = Image.new("RGB", size, _PAPER)
    pen = ImageDraw.Draw(picture)
    _write(pen, (_MARGIN, _TITLE_Y), _title(result), _LARGE)
    for index, group in enumerate(groups):
        _draw_group(picture, group, _MARGIN + index * (group_width + _GROUP_GAP), (width, height))
    _draw_legend(pen, _PANEL_Y + height + _LEGEND_HEIGHT // 2)
    return picture


def _title(result: Result) -> str:
    settings = result.settings
    return f"Nuclei in the part held out: encoder {settings.encoder}, steps {settings.steps}, seed {settings.seed}"


def _held_out_group(result: Result) -> _Group:
    columns = f"columns {HELD_OUT_COLUMNS.start} to {HELD_OUT_COLUMNS.stop - 1}"
    image, truth = image_panel(result.held_out.image), mask_panel(result.held_out.nuclei)
    return _Group("held out", columns, (("image", image), ("truth", truth)))


def _method_group(outcome: Outcome, result: Result) -> _Group:
    numbers = f"mean IoU {outcome.scores.mean_iou:.3f}   nuclei Dice {outcome.scores.dice:.3f}"
    errors = error_panel(outcome.prediction, result.held_out.nuclei)
    return _Group(outcome.method, numbers, (("prediction", mask_panel(outcome.prediction)), ("errors", errors)))


def _draw_group(picture: Image.Image, group: _Group, left: int, size: tuple[int, int]) -> None:
    pen = ImageDraw.Draw(picture)
    _write(pen, (left, _NAME_Y), group.name, _MEDIUM)
    _write(pen, (left, _NUMBERS_Y), group.numbers, _SMALL)
    for index, (label, panel) in enumerate(group.panels):
        place = left + index * (size[0] + _GAP)
        _write(pen, (place, _LABEL_Y), label, _SMALL, _FAINT)
        picture.paste(Image.fromarray(panel).resize(size, Image.Resampling.NEAREST), (place, _PANEL_Y))


def _draw_legend(pen: ImageDraw.ImageDraw, middle: int) -> None:
    left, half = _MARGIN, _SWATCH // 2
    for color, meaning in _LEGEND:
        pen.rectangle((left, middle - half, left + _SWATCH, middle + half), fill=color)
        left += _SWATCH + 12
        _write(pen, (left, middle + 9), meaning, _SMALL)
        left += round(pen.textlength(meaning, _font(_SMALL))) + 48


def _write(pen: ImageDraw.ImageDraw, place: tuple[int, int], text: str, size: int, color: Color = _INK) -> None:
    pen.text(place, text, fill=color, font=_font(size), anchor="ls")


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)
