"""The network in what a user passes, which may be compiled, parallel or averaged."""

from torch import nn

from unetzoo.errors import OptionError
from unetzoo.nn.optimized import OptimizedSegmenter
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.unwrap import unwrapped


def network_of(model: object) -> Segmenter | OptimizedSegmenter:
    """The network in `model`, which may be an optimized one.

    Raises:
        OptionError: `model` is something else, or a larger module.
    """
    network = unwrapped(model, Segmenter, OptimizedSegmenter) if isinstance(model, nn.Module) else model
    if isinstance(network, Segmenter | OptimizedSegmenter):
        return network
    raise OptionError(f"this takes a network of unetzoo, got {type(network).__name__}{_way_out(network)}")


def segmenter_of(model: object, purpose: str) -> Segmenter:
    """The network in `model`, with the weights that it is trained with.

    Args:
        model: a network, or what wraps one.
        purpose: what an optimized one cannot be, such as `"saved"`.

    Raises:
        OptionError: as `network_of`, and for an optimized network.
    """
    network = network_of(model)
    if isinstance(network, Segmenter):
        return network
    raise OptionError(
        f"an optimized network cannot be {purpose}, since its weights are prepared for prediction; use the network"
        " that optimize() was given"
    )


def _way_out(network: object) -> str:

    if isinstance(network, str):
        return f"; give it unetzoo.load({network!r})"
    parts = network.named_modules() if isinstance(network, nn.Module) else ()
    places = [name for name, module in parts if isinstance(module, Segmenter)]
    return f"; give it the network inside, its attribute {places[0]!r}" if len(places) == 1 else ""
