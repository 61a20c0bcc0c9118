"""The encoder of a trained network for images with other channels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from unetzoo._utils.texts import count_of
from unetzoo.errors import OptionError
from unetzoo.nn.config import ModelConfig
from unetzoo.registry.build import build_encoder

_PREFIX = "encoder."
_AXES = (4, 5)  # of the weight of a convolution: (out, in, h, w), or with a depth


@dataclass(frozen=True)
class Part:
    """What a part of a network takes over.

    Attributes:
        values: of its tensors by name.
        adapted: names of those of which only rows or filters are carried.
        note: the same for people.
    """

    values: Mapping[str, Tensor]
    adapted: frozenset[str]
    note: str


def adapt_stem(
    config: ModelConfig,
    ours: Mapping[str, Tensor],
    trained: ModelConfig,
    theirs: Mapping[str, Tensor],
    channel_names: Sequence[str],
) -> Part:
    """The values for an encoder, those of its convolutions of the image for its own channels; see `inherit`.

    Tensors that do not fit have no value.

    Args:
        config: of the new network.
        ours: its encoder's tensors by name.
        trained: configuration of the trained network.
        theirs: its encoder's tensors.
        channel_names: of the new network; empty: not known.
    """
    fitting = {name: theirs[name] for name, own in ours.items() if name in theirs and theirs[name].shape == own.shape}
    places = _places(trained, channel_names)
    if places is None and trained.in_channels == config.in_channels:
        places = list(range(config.in_channels))
    places = places or [None] * config.in_channels
    if places == list(range(trained.in_channels)):
        note = f"encoder {config.encoder}: all {count_of(len(ours), 'tensor')} carried, channels in their order"
        return Part(fitting, frozenset(), note)
    first = {
        name: gather_filters(theirs[name], places)
        for name in _of_image(config, ours, trained, theirs)
        if theirs[name].ndim in _AXES and theirs[name].shape[1] == trained.in_channels
    }
    return Part(fitting | first, frozenset(first), _note(config, trained, places, channel_names))


def gather_filters(weight: Tensor, places: Sequence[int | None]) -> Tensor:
    """The weight (out, new, h, w) of a convolution for other channels than those of `weight` (out, old, h, w).

    Args:
        weight: of the trained convolution.
        places: for each new channel the old one whose filter it gets; None: the mean of all.
    """
    filters = [weight.mean(1) if place is None else weight[:, place] for place in places]
    return torch.stack(filters, 1) * (weight.shape[1] / len(places))


def _places(trained: ModelConfig, channel_names: Sequence[str]) -> list[int | None] | None:
    """The place of each channel among those of the trained network; None where not both know their names."""
    known = [name.casefold() for name in trained.info.channel_names]
    if len(known) != trained.in_channels or not channel_names:
        return None
    return [known.index(name.casefold()) if name.casefold() in known else None for name in channel_names]


def _of_image(
    config: ModelConfig, ours: Mapping[str, Tensor], trained: ModelConfig, theirs: Mapping[str, Tensor]
) -> list[str]:
    """The names of the tensors whose shape depends on the number of channels."""
    if config.in_channels != trained.in_channels:
        return [name for name, own in ours.items() if name in theirs and theirs[name].shape != own.shape]
    wider = _shapes(replace(config, in_channels=config.in_channels + 1))
    return [name for name, own in ours.items() if name in theirs and wider.get(name) != own.shape]


def _shapes(config: ModelConfig) -> dict[str, torch.Size]:
    """The shape of each tensor of the encoder of a configuration."""
    build = partial(
        build_encoder,
        config.encoder,
        in_channels=config.in_channels,
        spatial_dims=config.spatial_dims,
        options=config.encoder_options,
    )
    with torch.random.fork_rng(devices=()):
        try:
            with torch.device("meta"):
                encoder = build()
        except (NotImplementedError, RuntimeError, OptionError):  # some read their own weights while they are built
            encoder = build()
    return {f"{_PREFIX}{name}": tensor.shape for name, tensor in encoder.state_dict().items()}


def _note(config: ModelConfig, trained: ModelConfig, places: Sequence[int | None], channel_names: Sequence[str]) -> str:
    start = f"encoder {config.encoder}: carried"
    if not channel_names or not trained.info.channel_names:
        return (
            f"{start}; {count_of(len(places), 'channel')} instead of {trained.in_channels}, not known by name: each "
            "gets the mean filter"
        )
    named = list(zip(channel_names, places, strict=True))
    kept = [name for name, place in named if place is not None]
    mean = [name for name, place in named if place is None]
    dropped = [name for place, name in enumerate(trained.info.channel_names) if place not in places]
    parts = {"channels by name": kept, "with the mean filter": mean, "dropped": dropped}
    return "; ".join([start, *(f"{label}: {', '.join(names)}" for label, names in parts.items() if names)])
