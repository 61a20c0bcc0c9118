"""What scenes are drawn of: smooth fields, regions around random points, lines that wander."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

Field = NDArray[np.float64]
Random = np.random.Generator
Scene = tuple[NDArray[np.generic], NDArray[np.uint8]]
"""An image (h, w, c) and its mask (h, w)."""

_FINER = 4  # pixels of a drawing beside one of the picture, along each axis


def smooth(random: Random, shape: tuple[int, int], scale: float) -> Field:
    """A random field (h, w) without steps, of mean 0 and standard deviation 1; `scale` is the size of its blobs."""
    field = gaussian_filter(random.standard_normal(shape), scale, mode="wrap")
    return np.asarray((field - field.mean()) / field.std())


def pixels(side: int) -> Field:
    """Row and column (side, side, 2) of each pixel of a square."""
    rows, columns = np.indices((side, side), dtype=float)
    return np.stack([rows, columns], axis=-1)


def regions(random: Random, side: int, count: int, *, wobble: float) -> tuple[NDArray[np.intp], Field]:
    """The nearest of `count` random points to each pixel (side, side), and how far its border to the next one is.

    Borders are bent by about `wobble` pixels; the distance is in pixels.
    """
    points = random.random((count, 2)) * side * 1.2 - 0.1 * side
    bent = pixels(side) + wobble * np.stack([smooth(random, (side, side), 8) for _ in range(2)], axis=-1)
    distances, nearest = cKDTree(points).query(bent, k=2)
    between = np.linalg.norm(points[nearest[..., 0]] - points[nearest[..., 1]], axis=-1)
    return nearest[..., 0], (distances[..., 1] ** 2 - distances[..., 0] ** 2) / (2 * between)


def wander(random: Random, start: Field, angle: float, *, steps: int, bend: float) -> Field:
    """Points (steps, 2) of a path of steps of 2 pixels whose direction changes by about `bend` radians a step."""
    angles = angle + np.cumsum(bend * random.standard_normal(steps))
    return np.asarray(start + 2 * np.cumsum(np.stack([np.sin(angles), np.cos(angles)], axis=-1), axis=0))


class Drawing:
    """Shapes on a black square, drawn finer than its pixels."""

    def __init__(self, side: int) -> None:
        self.side = side
        self._image = Image.new("L", (side * _FINER, side * _FINER))
        self._pen = ImageDraw.Draw(self._image)

    def line(self, points: Field, width: float) -> None:
        """A line through points (n, 2) of rows and columns, `width` pixels wide."""
        places = [(float(x) * _FINER, float(y) * _FINER) for y, x in points]
        self._pen.line(places, fill=255, width=max(1, round(width * _FINER)), joint="curve")

    def polygon(self, points: Field) -> None:
        """The inside of a closed line (n, 2)."""
        self._pen.polygon([(float(x) * _FINER, float(y) * _FINER) for y, x in points], fill=255)

    @property
    def coverage(self) -> Field:
        """The share of each pixel that is drawn on (side, side)."""
        return np.asarray(self._image.reduce(_FINER), dtype=float) / 255


def blob(random: Random, center: Field, radius: float, *, wobble: float, points: int = 40) -> Field:
    """A closed line (points, 2) around a center, whose radius varies by a share of about `wobble`."""
    angles = np.linspace(0, 2 * np.pi, points, endpoint=False)
    waves = sum(random.standard_normal() / k * np.cos(k * angles + random.random() * 2 * np.pi) for k in range(1, 5))
    radii = radius * np.clip(1 + wobble * np.asarray(waves), 0.3, 2)
    return np.asarray(center + radii[:, None] * np.stack([np.sin(angles), np.cos(angles)], axis=-1))


def as_bytes(image: Field) -> NDArray[np.uint8]:
    """Brightness 0 to 1 as 0 to 255, (h, w, c)."""
    return (image.clip(0, 1) * 255).round().astype(np.uint8).reshape(*image.shape[:2], -1)
