"""Several trained networks that predict together."""

import copy
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any, TypeVar

from torch import nn

from unetzoo.errors import OptionError, WeightsWarning
from unetzoo.nn.config import ModelConfig
from unetzoo.nn.optimized import OptimizedSegmenter
from unetzoo.nn.segmenter import Segmenter

Member = Segmenter | OptimizedSegmenter
MemberT = TypeVar("MemberT", Segmenter, OptimizedSegmenter, Member)
_OF_A_FOLD = re.compile(r"^(fold|hash) = .*\n", re.MULTILINE)  # lines of a recipe


class Ensemble(nn.Module):
    """Networks whose probabilities, or maps of objects, are averaged.

    Each network sees an image normalized by the statistics of its own training, and one after the other sees a tile, so
    that the memory of a prediction is that of one network and of the weights of all.

    Args:
        networks: with the same classes, channels and coding of objects; in evaluation mode for predictions.

    Attributes:
        config: that of the first network; values for no data are those of any, thresholds are the mean, and its recipe
            is that of all folds.

    Raises:
        OptionError: there is no network, or one differs from the first.
    """

    def __init__(self, networks: Sequence[Member]) -> None:
        super().__init__()
        if not networks:
            raise OptionError("an ensemble needs at least one network")
        for number, network in enumerate(networks):
            if not isinstance(network, Segmenter | OptimizedSegmenter):
                raise OptionError(f"an ensemble takes networks of unetzoo, got {type(network).__name__}")
            _check_alike(networks[0].config, network.config, number)
        self.networks = nn.ModuleList(networks)
        nodata = sorted({value for network in networks for value in network.config.info.nodata})
        first = networks[0].config
        thresholds = _mean_thresholds(networks)
        self.config = replace(
            first,
            postprocessing=_common_postprocessing(networks),
            info=replace(first.info, nodata=nodata, recipe=_common_recipe(networks), thresholds=thresholds),
        )

    @property
    def members(self) -> tuple[Member, ...]:
        """The networks."""
        return tuple(self.networks)  # type: ignore[arg-type] # torch does not know what a list of modules holds


def members_of(network: Member | Ensemble) -> tuple[Member, ...]:
    """The networks of an ensemble, or a single one."""
    return network.members if isinstance(network, Ensemble) else (network,)


def together(networks: Sequence[Member]) -> Member | Ensemble:
    """A single network as it is, several as an ensemble."""
    return networks[0] if len(networks) == 1 else Ensemble(networks)


def _check_alike(first: ModelConfig, other: ModelConfig, number: int) -> None:
    for name, values in _compared(first).items():
        others = _compared(other)[name]
        if values != others:
            raise OptionError(
                f"networks that predict together need the same {name}: the first has {values}, number {number + 1} "
                f"has {others}"
            )


def _compared(config: ModelConfig) -> dict[str, Any]:
    """What members of an ensemble share, by its name."""
    info = config.info
    return {
        "number of classes": config.classes,
        "classes": ", ".join(info.class_names) or "no names",
        "number of channels": config.in_channels,
        "number of axes": config.spatial_dims,
        "labels": config.labels,
        "channels": ", ".join(info.channel_names) or "no names",
        "coding of objects": config.objects or "none",
        "values of masks": dict(info.mask_coding),
    }


def _mean_thresholds(networks: Sequence[Member]) -> tuple[float, ...]:
    """The mean threshold of each class; empty unless all networks have them."""
    each = [network.config.info.thresholds for network in networks]
    return tuple(fmean(values) for values in zip(*each, strict=True)) if all(each) else ()


def _common_postprocessing(networks: Sequence[Member]) -> Mapping[str, Any]:
    """The post-processing of masks that all networks have; each divides its own logits by its temperature."""
    masks = [
        {name: value for name, value in network.config.postprocessing.items() if name != "temperature"}
        for network in networks
    ]
    if any(each != masks[0] for each in masks):
        warnings.warn(
            "the networks have different post-processing of masks, which is left out", WeightsWarning, stacklevel=3
        )
        return {}
    return masks[0]


def without_postprocessing(network: Member | Ensemble) -> Member | Ensemble:
    """The network, whose weights are shared, without its post-processing."""
    if isinstance(network, Ensemble):
        return Ensemble([_bare(member) for member in network.members])
    return _bare(network)


def _bare(network: MemberT) -> MemberT:
    bare = copy.copy(network)
    bare.config = replace(network.config, postprocessing={})
    return bare


def _common_recipe(networks: Sequence[Member]) -> str:
    """The recipe that all networks share but for the number of the fold; empty: they differ."""
    recipes = {_OF_A_FOLD.sub("", network.config.info.recipe) for network in networks}
    return recipes.pop() if len(recipes) == 1 else ""
