"""The contract of decoders, rule by rule."""

from collections.abc import Sequence

import torch
from torch import Tensor

from unetzoo.features import Factor, FeatureInfo, along_axes
from unetzoo.nn.segmenter import Decoder
from unetzoo.testing.common import (
    demand_close,
    demand_round_trip,
    demand_same_state,
    demand_shapes,
    demand_unchanged,
    state_of_torch,
)
from unetzoo.testing.rules import Make, Rule, demand, spatial_dims_of, without_network

_Reductions = tuple[Factor, ...]
PYRAMIDS: dict[int, tuple[_Reductions, ...]] = {  # the last one is the smallest
    2: ((1, 2, 4, 8, 16), (2, 4, 8, 16, 32), (4, 8, 16, 32), (1, 2, 4, 8, 16, 32), (4, 16)),
    3: ((1, 2, 4, 8), (2, 4, 8), (1, (1, 2, 2), (2, 4, 4), (4, 4, 8)), ((1, 2, 2), (2, 4, 4)), (2, 8)),
}
_USUAL: dict[int, _Reductions] = {2: (2, 4, 8, 16, 32), 3: (1, (1, 2, 2), (2, 4, 4), (4, 8, 8))}


def _info(make: Make, reductions: _Reductions | None = None) -> FeatureInfo:
    axes = spatial_dims_of(make)
    levels = [along_axes(reduction, axes) for reduction in reductions or _USUAL[axes]]
    return FeatureInfo.by_axis([8 + 4 * level for level in range(len(levels))], levels)


def _features(info: FeatureInfo, batch: int = 2, high: int = 1) -> list[Tensor]:
    """The features of an image or volume of `high` deepest pixels along each axis, and one more along the last."""
    deepest = [high] * (info.spatial_dims - 1) + [high + 1]
    size = [number * factor for number, factor in zip(deepest, info.axis_reductions[-1], strict=True)]
    pairs = zip(info.channels, info.axis_reductions, strict=True)
    return [torch.randn(batch, channels, *_divided(size, factors)) for channels, factors in pairs]


def _shapes(decoder: Decoder, features: list[Tensor], info: FeatureInfo) -> list[tuple[int, ...]]:
    batch, _, *shallow = features[0].shape
    size = [side * factor for side, factor in zip(shallow, info.axis_reductions[0], strict=True)]
    pairs = zip(decoder.out_channels, decoder.reductions, strict=True)
    return [(batch, channels, *_divided(size, along_axes(factor, len(size)))) for channels, factor in pairs]


def _divided(size: Sequence[int], factors: Sequence[int]) -> list[int]:
    return [side // factor for side, factor in zip(size, factors, strict=True)]


def is_a_decoder(make: Make) -> None:
    """It is an unetzoo.Decoder for a FeatureInfo."""
    decoder = make(features=_info(make))
    demand(isinstance(decoder, Decoder), f"the builder returned {type(decoder).__name__}")


def takes_every_pyramid(make: Make) -> None:
    """Output i is (b, out_channels[i], h / reductions[i], w / reductions[i]), for pyramids of every kind."""
    for reductions in PYRAMIDS[spatial_dims_of(make)]:
        info = _info(make, reductions)
        decoder = make(features=info).eval()
        features = _features(info, high=2)
        with torch.no_grad():
            demand_shapes(decoder(features), _shapes(decoder, features, info))


def takes_the_smallest_map(make: Make) -> None:
    """The deepest map may be one pixel high."""
    decoder, features = make(features=_info(make)).eval(), _features(_info(make), batch=1)
    with torch.no_grad():
        demand_shapes(decoder(features), _shapes(decoder, features, _info(make)))


def every_level_learns(make: Make) -> None:
    """Every level, or every level of `used_levels`, gets a gradient."""
    for reductions in PYRAMIDS[spatial_dims_of(make)]:
        info = _info(make, reductions)
        features = [level.requires_grad_() for level in _features(info)]
        decoder = make(features=info)
        outputs = decoder(features)
        total = sum(output.square().mean() for output in outputs)
        gradients = torch.autograd.grad(total, features, allow_unused=True)
        used = range(len(info)) if decoder.used_levels is None else decoder.used_levels
        without = [index for index in used if gradients[index] is None or not bool(gradients[index].any())]
        demand(not without, f"levels {without} of the pyramid {reductions} get none")


def every_parameter_learns(make: Make) -> None:
    """Every parameter gets a gradient, so that several processes can train it together."""
    decoder = make(features=_info(make))
    sum(output.square().mean() for output in decoder(_features(_info(make)))).backward()
    without = [name for name, parameter in decoder.named_parameters() if parameter.grad is None]
    demand(not without, f"{len(without)} get none: {', '.join(without[:3])}")


def does_not_connect(make: Make) -> None:
    """Nothing is downloaded."""
    with without_network():
        make(features=_info(make))


def changes_nothing_global(make: Make) -> None:
    """Building and running it changes nothing global, such as the seed or the number of threads."""
    before = state_of_torch()
    with torch.no_grad():
        make(features=_info(make)).eval()(_features(_info(make)))
    demand_same_state(before)


def images_are_independent(make: Make) -> None:
    """In evaluation mode the outputs of an image are the same alone, in a batch and when repeated."""
    decoder, features = make(features=_info(make)).eval(), _features(_info(make))
    with torch.no_grad():
        together, alone = decoder(features), decoder([level[:1] for level in features])
    demand_close([output[:1] for output in together], alone, "alone and in a batch")


def leaves_the_features(make: Make) -> None:
    """It does not change the features."""
    for decoder in (make(features=_info(make)).eval(), make(features=_info(make)).train()):
        features = _features(_info(make))
        before = [level.clone() for level in features]
        with torch.no_grad():
            decoder(features)
        demand_unchanged(features, before)


def comes_back_from_its_state(make: Make) -> None:
    """Its state_dict, loaded into another instance, gives the same outputs."""
    one, other = make(features=_info(make)).eval(), make(features=_info(make)).eval()
    demand_round_trip(one, other)
    features = _features(_info(make))
    with torch.no_grad():
        demand_close(other(features), one(features), "after loading")


def runs_under_autocast(make: Make) -> None:
    """It runs under torch.autocast in bfloat16 and gives finite outputs."""
    smallest = PYRAMIDS[spatial_dims_of(make)][-1]  # processors without bfloat16 take long for more
    info = _info(make, smallest)
    decoder = make(features=info).eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = decoder(_features(info, batch=1))
    demand(all(bool(output.isfinite().all()) for output in outputs), "some outputs are not finite")


RULES: tuple[Rule, ...] = (
    is_a_decoder,
    takes_every_pyramid,
    takes_the_smallest_map,
    every_level_learns,
    every_parameter_learns,
    does_not_connect,
    changes_nothing_global,
    images_are_independent,
    leaves_the_features,
    comes_back_from_its_state,
    runs_under_autocast,
)
