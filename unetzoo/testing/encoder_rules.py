"""The contract of encoders, rule by rule."""

import torch
from torch import Tensor

from unetzoo.features import FeatureInfo
from unetzoo.nn.segmenter import Encoder
from unetzoo.testing.common import (
    demand_close,
    demand_round_trip,
    demand_same_state,
    demand_shapes,
    demand_unchanged,
    state_of_torch,
)
from unetzoo.testing.rules import Make, Rule, demand, spatial_dims_of, without_network

_LEAST_SIDE = {2: 64, 3: 16}  # pixels, by the number of axes


def _image(encoder: Encoder, batch: int = 2, channels: int = 3) -> Tensor:
    """A landscape image, or a volume, whose sides are multiples of the deepest reduction."""
    units = encoder.features.axis_reductions[-1]
    sides = [-(-_LEAST_SIDE[len(units)] // unit) * unit for unit in units]
    sides[-1] += units[-1]
    return torch.randn(batch, channels, *sides)


def is_an_encoder(make: Make) -> None:
    """It is an unetzoo.Encoder whose `features` are a FeatureInfo."""
    encoder = make(in_channels=3)
    demand(isinstance(encoder, Encoder), f"the builder returned {type(encoder).__name__}")
    demand(isinstance(encoder.features, FeatureInfo), f"features are {encoder.features!r}")
    axes = encoder.features.spatial_dims
    demand(axes == spatial_dims_of(make), f"features have {axes} axes, {spatial_dims_of(make)} were asked for")


def shapes_are_as_declared(make: Make) -> None:
    """Level i is (b, channels[i], h / reductions[i], w / reductions[i]) for multiples h, w of the deepest reduction."""
    encoder = make(in_channels=3).eval()
    for batch in (1, 2):
        image = _image(encoder, batch)
        levels = zip(encoder.features.channels, encoder.features.axis_reductions, strict=True)
        declared = [
            (batch, channels, *(side // factor for side, factor in zip(image.shape[2:], factors, strict=True)))
            for channels, factors in levels
        ]
        with torch.no_grad():
            demand_shapes(encoder(image), declared)


def gradient_reaches_the_image(make: Make) -> None:
    """The gradient of every level reaches the first layer."""
    encoder = make(in_channels=3)
    image = _image(encoder).requires_grad_()
    for index, level in enumerate(encoder(image)):
        demand(level.requires_grad, f"level {index} has no gradient")
        (gradient,) = torch.autograd.grad(level.square().mean(), image, retain_graph=True, allow_unused=True)
        demand(gradient is not None and bool(gradient.any()), f"the gradient of level {index} is 0 at the image")


def takes_any_channels(make: Make) -> None:
    """It takes images of any number of channels, `in_channels`."""
    for channels in (1, 2, 5):
        encoder = make(in_channels=channels).eval()
        with torch.no_grad():
            encoder(_image(encoder, 1, channels))


def does_not_connect(make: Make) -> None:
    """Nothing is downloaded without `pretrained`."""
    with without_network():
        make(in_channels=3)


def changes_nothing_global(make: Make) -> None:
    """Building and running it changes nothing global, such as the seed or the number of threads."""
    before = state_of_torch()
    encoder = make(in_channels=3).eval()
    with torch.no_grad():
        encoder(_image(encoder, 1))
    demand_same_state(before)


def images_are_independent(make: Make) -> None:
    """In evaluation mode the features of an image are the same alone, in a batch and when repeated."""
    encoder = make(in_channels=3).eval()
    image = _image(encoder)
    with torch.no_grad():
        together, alone = encoder(image), encoder(image[:1])
    demand_close([level[:1] for level in together], alone, "alone and in a batch")


def leaves_the_image(make: Make) -> None:
    """It does not change the image."""
    encoder = make(in_channels=3).eval()
    image = _image(encoder, 1)
    before = image.clone()
    with torch.no_grad():
        encoder(image)
    demand_unchanged([image], [before])


def comes_back_from_its_state(make: Make) -> None:
    """Its state_dict, loaded into another instance, gives the same features."""
    one, other = make(in_channels=3).eval(), make(in_channels=3).eval()
    demand_round_trip(one, other)
    image = _image(one, 1)
    with torch.no_grad():
        demand_close(other(image), one(image), "after loading")


def runs_under_autocast(make: Make) -> None:
    """It runs under torch.autocast in bfloat16 and gives finite features."""
    encoder = make(in_channels=3).eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        levels = encoder(_image(encoder, 1))
    demand(all(bool(level.isfinite().all()) for level in levels), "some features are not finite")


RULES: tuple[Rule, ...] = (
    is_an_encoder,
    shapes_are_as_declared,
    gradient_reaches_the_image,
    takes_any_channels,
    does_not_connect,
    changes_nothing_global,
    images_are_independent,
    leaves_the_image,
    comes_back_from_its_state,
    runs_under_autocast,
)
