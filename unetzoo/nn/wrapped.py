"""The network in what a user passes, which may be compiled, parallel or averaged."""

from torch import nn

from unetzoo.errors import OptionError
from unetzoo.nn.ensemble import Ensemble
from unetzoo.nn.optimized import OptimizedSegmenter
from unetzoo.nn.segmenter import Segmenter
from unetzoo.nn.unwrap import unwrapped


def network_of(model: object, *, allow_meta: bool = False) -> Segmenter | OptimizedSegmenter | Ensemble:
    """The network in `model`, which may be an optimized one, or several.

    Args:
        model: a network, or a wrapper of one.
        allow_meta: accept a network on the `meta` device, whose weights have no values.

    Raises:
        OptionError: `model` is something else, a larger module, or has no values.
    """
    network = unwrapped(model, Segmenter, OptimizedSegmenter, Ensemble) if isinstance(model, nn.Module) else model
    if not isinstance(network, Segmenter | OptimizedSegmenter | Ensemble):
        raise OptionError(f"this takes a network of unetzoo, got {type(network).__name__}{_way_out(network)}")
    if not allow_meta and any(tensor.is_meta for tensor in (*network.parameters(), *network.buffers())):
        raise OptionError(
            "the weights of this network have no values: it is on the meta device, where only shapes are computed;"
            " create or load it outside of torch.device('meta')"
        )
    return network


def segmenter_of(model: object, purpose: str, *, allow_meta: bool = False) -> Segmenter:
    """The network in `model`, with the weights that it is trained with.

    Args:
        model: a network, or a wrapper of one.
        purpose: what cannot be done with an optimized network, such as `"saved"`.
        allow_meta: as for `network_of`.

    Raises:
        OptionError: as `network_of`, and for an optimized network and an ensemble.
    """
    network = network_of(model, allow_meta=allow_meta)
    if isinstance(network, Segmenter):
        return network
    if isinstance(network, Ensemble):
        raise OptionError(f"an ensemble cannot be {purpose}: take each of its networks, ensemble.members")
    raise OptionError(
        f"an optimized network cannot be {purpose}, since its weights are prepared for prediction; use the network"
        " that was passed to optimize()"
    )


def _way_out(network: object) -> str:
    if isinstance(network, str):
        return f"; give it unetzoo.load({network!r})"
    parts = network.named_modules() if isinstance(network, nn.Module) else ()
    places = [name for name, module in parts if isinstance(module, Segmenter)]
    return f"; give it the network inside, its attribute {places[0]!r}" if len(places) == 1 else ""
