"""An image of a file as a network takes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from unetzoo.data.formats.grid import Grid
from unetzoo.inference.choices import Resample
from unetzoo.inference.files.bands import channel_order
from unetzoo.inference.files.jobs import Image, grid_of, open_pixels
from unetzoo.inference.normalize import Normalize, scaled_for
from unetzoo.inference.pixel_size import PixelScale, scale_of
from unetzoo.nn.ensemble import Ensemble, Member


class Shown(NamedTuple):
    """An image that is open.

    Attributes:
        pixels: (h, w, c), whatever can be sliced, its channels in the order of the training.
        grid: where the pixels lie.
        normalizations: bring values to those of the training of each network.
        scale: how its pixels are resampled.
        doubts: why it is unlike the images of the training.
    """

    pixels: Any
    grid: Grid
    normalizations: tuple[Normalize, ...]
    scale: PixelScale
    doubts: tuple[str, ...]


@contextmanager
def shown(image: Image, network: Member | Ensemble, resample: Resample) -> Iterator[Shown]:
    """Open an image for a network.

    Raises:
        DataError: it cannot be read.
        ShapeError: it lacks some of the network's channels by name.
    """
    config, grid = network.config, grid_of(image)
    order = channel_order(grid.bands, config.info.channel_names)
    with open_pixels(image, channels=config.in_channels) as opened:
        pixels = order.of(opened)
        normalizations, doubts = scaled_for(pixels, network)
        scale = scale_of(grid, pixels.shape[:2], config, resample)
        yield Shown(pixels, grid, normalizations, scale, tuple(filter(None, (order.doubt, *doubts, scale.said))))
