"""A sample as a network takes it, and what is doubtful about it: as `unetzoo.predict_files` takes images."""

from collections.abc import Sequence
from typing import NamedTuple

from unetzoo.data.dataset import Dataset, Sample
from unetzoo.data.formats.moments import MomentsOf
from unetzoo.data.sources.samples import grid_of
from unetzoo.data.sources.spaced import moments_at
from unetzoo.errors import ShapeError
from unetzoo.inference.choices import Resample
from unetzoo.inference.files.bands import channel_order
from unetzoo.inference.pixel_size import PixelScale, scale_of
from unetzoo.nn.config import ModelConfig
from unetzoo.nn.normalization import Moments


class Presented(NamedTuple):
    """A sample as a network takes it.

    Attributes:
        sample: its channels in the order of the training.
        scale: how its pixels are resampled.
        doubts: why it is unlike the images of the training.
        whole: gives the moments of that of which it is a part.
    """

    sample: Sample
    scale: PixelScale
    doubts: tuple[str, ...]
    whole: MomentsOf


def presented(dataset: Dataset, index: int, config: ModelConfig, resample: Resample = "auto") -> Presented:
    """A sample of a data set as the network of a configuration takes it.

    Raises:
        DataError: its files cannot be read.
        ShapeError: it lacks some of the network's channels by name.
    """
    sample, grid = dataset[index], grid_of(dataset, index)
    try:
        order = channel_order(grid.bands, config.info.channel_names)
    except ShapeError as error:
        raise ShapeError(f"{sample.name}: {error}") from error
    image = sample.image[..., list(order.numbers)] if order.numbers else sample.image
    scale = scale_of(grid, image.shape[:-1], config, resample)

    def whole(nodata: Sequence[float]) -> Moments | None:
        moments = moments_at(dataset, index, nodata)
        return moments.of(order.numbers) if moments and order.numbers else moments

    return Presented(sample._replace(image=image), scale, tuple(filter(None, (order.doubt, scale.said))), whole)
