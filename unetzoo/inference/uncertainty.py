"""How sure a network is at each pixel: entropy of the mean probability, and disagreement of several predictions."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unetzoo.checks import check_choice
from unetzoo.errors import OptionError
from unetzoo.inference.choices import Uncertainty
from unetzoo.losses.terms import parse_terms
from unetzoo.nn.config import ModelConfig, is_sigmoid
from unetzoo.nn.ensemble import members_of
from unetzoo.nn.wrapped import network_of
from unetzoo.objects.coding import ObjectMap, slices_of
from unetzoo.registry.objects import coding_of

Uncertainties = NDArray[np.float32]
_REGRESSIONS = {"l1", "mse"}  # losses of what is no probability


def entropy_of(probabilities: Tensor, config: ModelConfig) -> Tensor:
    """The entropy (..., 1, h, w) of probabilities (..., classes, h, w), divided by the largest: 0 (sure) to 1.

    That of k classes that exclude one another is at most log k (Shannon 1948). A single logit has two classes. Classes
    that may overlap are independent of one another: the mean of their entropies, each at most log 2. Of a network of
    objects it is that of the maps that are probabilities, such as that of the foreground; their mean if there are
    several.
    """
    if not config.objects:
        return _entropy(probabilities, is_sigmoid=is_sigmoid(config))
    parts = [
        _entropy(probabilities[..., place, :, :], is_sigmoid=item.activation == "sigmoid")
        for item, place in probability_maps(config)
    ]
    return torch.stack(parts).mean(0)


def _entropy(probabilities: Tensor, *, is_sigmoid: bool) -> Tensor:
    entropies: Tensor = torch.special.entr(probabilities)
    if is_sigmoid:
        both: Tensor = entropies + torch.special.entr(1 - probabilities)
        return both.mean(-3, keepdim=True) / math.log(2)
    return entropies.sum(-3, keepdim=True) / math.log(probabilities.shape[-3])


def probability_maps(config: ModelConfig) -> list[tuple[ObjectMap, slice]]:
    """The maps of a coding of objects that are probabilities, and the places of their channels.

    They are learned as classes, not as lengths, directions or distances. The map of the classes of objects, which says
    nothing of the background, is not among them.
    """
    maps = coding_of(config).maps
    return [pair for pair in zip(maps, slices_of(maps), strict=True) if _is_probability(pair[0])]


def _is_probability(item: ObjectMap) -> bool:
    return item.activation != "none" and not _REGRESSIONS & {term.name for term in parse_terms(item.loss)}


def uncertainty_of(rows: NDArray[np.float32], config: ModelConfig, kind: Uncertainty) -> Uncertainties:
    """The uncertainty (h, w) of probabilities (classes, h, w), NaN where they are.

    The disagreement needs the mean entropy of the predictions as one more channel: it is what the entropy of their mean
    has beyond it, their mutual information with the class (Houlsby et al. 2011, arXiv:1112.5745, equation 2).
    """
    probabilities = torch.from_numpy(rows[: config.classes])
    entropy: NDArray[np.float32] = entropy_of(probabilities.clamp(0, 1), config)[0].numpy()
    return entropy if kind == "entropy" else (entropy - rows[-1]).clip(0)


def check_uncertainty(kind: Uncertainty, model: Any, mirrors: int) -> None:  # noqa: ANN401 - a network, or a wrapper
    """Raise OptionError where the network has no such uncertainty."""
    check_choice("uncertainty", kind, Uncertainty)
    network = network_of(model)
    if network.config.objects and not probability_maps(network.config):
        raise OptionError(f"no map of the coding {network.config.objects!r} is a probability: it has no uncertainty")
    if kind == "disagreement" and mirrors == 1 and len(members_of(network)) == 1:
        raise OptionError(
            "one prediction cannot disagree with itself: take several networks (an Ensemble, --with, a folder of "
            "folds), mirrors=2, 4 or 8, or uncertainty='entropy'"
        )
