"""The masks that a network predicts, and whether it fits a data set at all."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unetzoo._utils.texts import count_of
from unetzoo.errors import OptionError, ShapeError
from unetzoo.inference.forward import Network
from unetzoo.inference.normalize import normalization_of
from unetzoo.inference.predict import rows_of
from unetzoo.inference.thresholds import Limits, class_ids
from unetzoo.nn.wrapped import network_of


def check_fits(model: Network, class_names: Sequence[str], channels: int, *, image: str = "") -> None:
    """Check that a network has the classes and the channels of a data set; a single logit stands for two classes.

    Args:
        model: the network.
        class_names: of the data set.
        channels: of its images.
        image: name of the image that has these channels; empty: all have, and the network is about to be trained.

    Raises:
        OptionError: the classes differ.
        ShapeError: the channels differ.
    """
    config = network_of(model).config
    count, logits = len(class_names), config.classes
    if logits != count and not (logits == 1 and count == 2):
        raise OptionError(
            f"the data has {count} classes ({', '.join(class_names)}), the network {logits}: "
            + ("use data with the classes of its training" if image else f"create it with classes={count}")
        )
    if config.in_channels != channels:
        raise ShapeError(
            f"{f'{image} has' if image else 'the images have'} {count_of(channels, 'channel')}, the network takes "
            f"{config.in_channels}: "
            + ("use images like those of its training" if image else f"create it with in_channels={channels}")
        )


def predicted_ids(
    model: Network,
    image: NDArray[np.generic],
    *,
    name: str = "the image",
    tile: int | None = None,
    overlap: int | None = None,
    flips: bool = False,
    limits: Limits = (),
) -> NDArray[np.int64]:
    """The class ids (h, w) that a network predicts for an image (h, w, c); a warning about its values says its name."""
    config = network_of(model).config
    normalize = normalization_of(image, config.info, name=name)
    result = np.empty((config.classes, *image.shape[:2]), dtype=np.float32)
    for _ in rows_of(model, image, tile=tile, overlap=overlap, batch=1, flips=flips, normalize=normalize, out=result):
        pass
    return class_ids(result, limits).astype(np.int64, copy=False)
