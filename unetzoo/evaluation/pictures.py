"""An image beside its truth, what was predicted, and where that errs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from unetzoo.data.coding import UNKNOWN

Colors = NDArray[np.uint8]
Ids = NDArray[np.integer]

# Okabe and Ito's colours, which the colour-blind tell apart too; class 0, the background, is dark.
_CLASS_COLORS = np.array(
    [
        (18, 22, 28), (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0),
        (204, 121, 167), (238, 240, 242),
    ],
    dtype=np.uint8,
)  # fmt: skip
_UNKNOWN, _RIGHT, _RIGHT_FOREGROUND, _WRONG = np.array(
    [(70, 74, 80), (18, 22, 28), (104, 110, 118), (213, 94, 0)], dtype=np.uint8
)
_INK, _PAPER = (31, 41, 51), (255, 255, 255)
_MARGIN, _CAPTION, _TEXT = 8, 22, 14  # pixels
_NARROWEST, _WIDEST = 72, 4  # pixels, that captions fit in; of a panel's height


def case_picture(
    image: NDArray[np.generic], truth: Ids, predicted: Ids, class_names: Sequence[str], *, height: int = 256
) -> Image.Image:
    """Four panels side by side: the image, its truth, the prediction and the errors, over a legend of the classes.

    Args:
        image: (h, w, channels), of any range: brightness is stretched between its 1st and 99th percentile. Three
            channels are red, green and blue; of any other number the first is shown in grey.
        truth: class ids (h, w); 255: unknown.
        predicted: class ids (h, w).
        class_names: of the ids from 0.
        height: of a panel, in pixels; the panels keep the image's proportions, up to a width of four times that.
    """
    panels = {
        "image": image_colors(image),
        "truth": class_colors(truth),
        "prediction": class_colors(predicted),
        "errors": error_colors(truth, predicted),
    }
    wide = round(height * image.shape[1] / image.shape[0])
    width = min(max(wide, _NARROWEST), _WIDEST * height)
    whole = Image.new("RGB", (_MARGIN + 4 * (width + _MARGIN), height + 2 * (_CAPTION + _MARGIN)), _PAPER)
    pen = ImageDraw.Draw(whole)
    for index, (caption, colors) in enumerate(panels.items()):
        left = _MARGIN + index * (width + _MARGIN)
        pen.text((left, _CAPTION - 5), caption, fill=_INK, font=ImageFont.load_default(_TEXT), anchor="ls")
        method = Image.Resampling.BILINEAR if caption == "image" else Image.Resampling.NEAREST
        whole.paste(Image.fromarray(colors).resize((width, height), method), (left, _CAPTION))
    _draw_legend(pen, class_names, top=_CAPTION + height + _MARGIN, right=whole.width - _MARGIN)
    return whole


def image_colors(image: NDArray[np.generic]) -> Colors:
    """An image (h, w, channels) of any range as colours (h, w, 3)."""
    shown = image if image.shape[2] == 3 else image[..., :1].repeat(3, axis=2)
    values = shown.astype(np.float32)
    low, high = np.percentile(values, (1, 99))
    grey = (values - low) / max(high - low, np.finfo(np.float32).tiny)
    colors: Colors = (255 * grey.clip(0, 1)).round().astype(np.uint8)
    return colors


def class_colors(ids: Ids) -> Colors:
    """Class ids (h, w) as colours (h, w, 3): a colour for each of nine classes, then again from the second."""
    foreground = len(_CLASS_COLORS) - 1
    index = np.where(ids > 0, (ids.astype(np.int64) - 1) % foreground + 1, 0)
    return np.where((ids == UNKNOWN)[..., None], _UNKNOWN, _CLASS_COLORS[index])


def error_colors(truth: Ids, predicted: Ids) -> Colors:
    """Where a prediction (h, w) errs, as colours (h, w, 3): wrong pixels, right ones and unknown ones."""
    colors: Colors = np.where((truth == 0)[..., None], _RIGHT, _RIGHT_FOREGROUND)
    colors[predicted != truth] = _WRONG
    colors[truth == UNKNOWN] = _UNKNOWN
    return colors


def _draw_legend(pen: ImageDraw.ImageDraw, class_names: Sequence[str], *, top: int, right: int) -> None:
    font = ImageFont.load_default(_TEXT)
    colors = [*class_colors(np.arange(len(class_names))[None])[0], _WRONG]
    left = _MARGIN
    for color, name in zip(colors, [*class_names, "wrong"], strict=True):
        wide = 12 + 5 + round(pen.textlength(name, font=font)) + 14
        if left + wide > right:
            return
        pen.rectangle((left, top, left + 12, top + 12), fill=tuple(color.tolist()))
        pen.text((left + 17, top + 11), name, fill=_INK, font=font, anchor="ls")
        left += wide
