"""Old pages: ink under uneven light, with stains, ruled lines, and the writing of the other side shining through."""

from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from benchmarks.panel.scenes.parts import Field, Random, Scene, as_bytes, smooth

CLASSES = ("paper", "ink", "ruled line")
_HEIGHT, _WIDTH = 128, 192
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,;:"


def document(random: Random) -> Scene:
    """Image (128, 192, 1), uint8."""
    shape, spacing = (_HEIGHT, _WIDTH), int(random.integers(16, 24))
    ink = _writing(random, spacing)
    back = gaussian_filter(_writing(random, spacing)[:, ::-1], 1.2)
    ruled = np.zeros(shape)
    ruled[int(random.integers(4, spacing)) :: spacing] = 1
    fading = (0.75 + 0.25 * smooth(random, shape, 5)).clip(0.25, 1.2)  # ink that ran dry or rubbed off
    paper = 0.75 + 0.13 * smooth(random, shape, 60) + 0.02 * smooth(random, shape, 1.5)
    paper -= 0.10 * (smooth(random, shape, 12) > 1.3)
    darkness = random.uniform(0.35, 0.5) * ink * fading + random.uniform(0.1, 0.22) * back + 0.14 * ruled
    light = gaussian_filter(paper - darkness.clip(0, 0.6), random.uniform(0.5, 0.9))
    mask = np.select([ink > 0.5, ruled > 0.5], [1, 2], 0).astype(np.uint8)
    return as_bytes(light + 0.03 * random.standard_normal(shape)), mask


def _writing(random: Random, spacing: int) -> Field:
    """Lines of random words (h, w), 0 to 1."""
    page = Image.new("L", (_WIDTH, _HEIGHT))
    pen = ImageDraw.Draw(page)
    for top in range(int(random.integers(0, 6)), _HEIGHT, spacing):
        words = ("".join(random.choice(list(_LETTERS), int(random.integers(2, 9)))) for _ in range(6))
        pen.text((int(random.integers(-10, 20)), top), " ".join(words), fill=255, font=_font(spacing - 5))
    return np.asarray(page, dtype=float) / 255


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
