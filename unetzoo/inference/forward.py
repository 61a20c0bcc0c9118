"""Run a network on a batch of tiles."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unetzoo._utils.memory import is_out_of_memory
from unetzoo.errors import OptionError, OutOfMemoryError
from unetzoo.inference.turns import TURNS, turned
from unetzoo.inference.uncertainty import entropy_of
from unetzoo.layers.axes import of_last_axes
from unetzoo.layers.valid import mirrored
from unetzoo.nn.config import ModelConfig, is_sigmoid
from unetzoo.nn.ensemble import Ensemble, Member, members_of
from unetzoo.nn.optimized import OptimizedSegmenter
from unetzoo.nn.segmenter import Encoder, Segmenter
from unetzoo.nn.wrapped import network_of
from unetzoo.objects.coding import ObjectMap
from unetzoo.objects.target import activate

Network = Segmenter | OptimizedSegmenter | Ensemble
Probabilities = NDArray[np.float32]


def mean_probabilities(
    model: Network, views: Sequence[Tensor], *, mirrors: int, maps: Sequence[ObjectMap] = (), entropies: bool = False
) -> Probabilities:
    """The mean over the networks of an ensemble, one after the other, each with its own view of the images.

    Arguments and result are those of `probabilities_of`.
    """
    network = network_of(model)
    models = network.members if isinstance(network, Ensemble) else (model,)
    total: Probabilities | None = None
    for member, images in zip(models, views, strict=True):
        part = probabilities_of(member, images, mirrors=mirrors, maps=maps, entropies=entropies)
        total = part if total is None else np.add(total, part, out=total)
    assert total is not None  # noqa: S101 - there is at least one network
    return total if len(models) == 1 else np.divide(total, len(models), out=total)


@torch.no_grad()
def probabilities_of(
    model: Network, images: Tensor, *, mirrors: int, maps: Sequence[ObjectMap] = (), entropies: bool = False
) -> Probabilities:
    """Probabilities (b, classes, h, w) for normalized images (b, c, h, w): the mean over 1, 2, 4 or 8 symmetries.

    Those of volumes (b, c, d, h, w) are (b, classes, d, h, w): the mean over 1, 2 or 8.

    Where the network has maps of objects, these after activation. With `entropies` the mean over the symmetries of the
    entropy is one more channel.
    """
    network = network_of(model)
    assert not isinstance(network, Ensemble)  # noqa: S101 - its members are
    stored = next(chain(model.parameters(), model.buffers()))
    images = images.to(stored.device, network.image_dtype if isinstance(network, OptimizedSegmenter) else stored.dtype)
    encoder, turns = encoder_of(network), TURNS[network.config.spatial_dims][mirrors]
    total: Tensor | None = None
    for turn in turns:
        seen = turned(images, turn)
        logits = model(mirrored(seen, encoder.features.reductions[-1]) if encoder.valid_padding else seen)
        same = of_last_axes(slice(side) for side in seen.shape[2:])
        part = _activated(logits[same].float(), network.config, maps)
        if entropies:
            part = torch.cat([part, entropy_of(part, network.config)], 1)
        part = turned(part, turn.back, maps)
        total = part if total is None else total.add_(part)
    assert total is not None  # noqa: S101 - there is at least one symmetry
    result: Probabilities = (total if len(turns) == 1 else total.div_(len(turns))).cpu().numpy()
    return result


def _activated(logits: Tensor, config: ModelConfig, maps: Sequence[ObjectMap]) -> Tensor:
    if maps:
        return activate(maps, logits)
    if (temperature := config.post.temperature) != 1:
        logits = logits / temperature
    return logits.sigmoid() if is_sigmoid(config) else logits.softmax(1)


@contextmanager
def explain_out_of_memory(images: Tensor, tile: int) -> Iterator[None]:
    """Raise OutOfMemoryError that says what to lower where the memory does not suffice for images (b, c, h, w)."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        batch, _, *sides = images.shape
        lower = f"batch from {batch} to {batch // 2}" if batch > 1 else f"tile from {tile} to {tile // 2}"
        raise OutOfMemoryError(
            f"out of memory with {' x '.join(map(str, (batch, *sides)))} pixels at once: lower {lower}"
        ) from error


def encoder_of(network: Member) -> Encoder:
    """The encoder of a network, optimized or not."""
    return (network.network if isinstance(network, OptimizedSegmenter) else network).encoder


def check_network(network: Network) -> None:
    """Raise OptionError where a network is in training mode, or its mean and std do not fit its channels."""
    for member in members_of(network):
        _check_member(member)


def _check_member(network: Member) -> None:
    channels, info = network.config.in_channels, network.config.info
    for name, values in (("mean", info.mean), ("std", info.std), ("normalization", info.normalization)):
        if len(values) not in (0, 1, channels):
            raise OptionError(f"the network's {name} must be one for each of its {channels} channels, or for all")
    if isinstance(network, Segmenter) and network.training:
        raise OptionError("the network is in training mode; call model.eval() first")
