"""The masks that a network sees, and whether it fits a data set at all."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unetzoo.errors import OptionError, ShapeError
from unetzoo.inference.forward import Network
from unetzoo.inference.predict import predict
from unetzoo.inference.thresholds import Limits, class_ids
from unetzoo.nn.wrapped import network_of


def check_fits(model: Network, class_names: Sequence[str], channels: int, *, where: str = "the images have") -> None:
    """Check that a network has the classes and the channels of a data set; a single logit stands for two classes.

    Args:
        model: the network.
        class_names: of the data set.
        channels: of its images.
        where: subject and verb of an error about the channels.

    Raises:
        OptionError: the classes are others.
        ShapeError: the channels are others.
    """
    config = network_of(model).config
    count, logits = len(class_names), config.classes
    if logits != count and not (logits == 1 and count == 2):
        raise OptionError(
            f"the data has {count} classes ({', '.join(class_names)}), the network {logits}: create it with "
            f"classes={count}"
        )
    if config.in_channels != channels:
        raise ShapeError(
            f"{where} {channels} channels, the network takes {config.in_channels}: create it with "
            f"in_channels={channels}"
        )


def predicted_ids(
    model: Network,
    image: NDArray[np.generic],
    *,
    tile: int | None = None,
    overlap: int | None = None,
    flips: bool = False,
    limits: Limits = (),
) -> NDArray[np.int64]:
    """The class ids (h, w) that a network sees in an image (h, w, c), see `unetzoo.inference.thresholds.class_ids`."""
    probabilities = predict(model, image, tile=tile, overlap=overlap, flips=flips)
    return class_ids(probabilities, limits).astype(np.int64, copy=False)
