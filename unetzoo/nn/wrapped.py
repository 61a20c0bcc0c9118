"""The network inside of what others wrapped around it: `torch.compile`, `DataParallel`, averages of weights."""

from typing import TYPE_CHECKING, Union

from torch import nn
from torch.nn.parallel import DataParallel, DistributedDataParallel

from unetzoo.errors import OptionError

if TYPE_CHECKING:
    from unetzoo.inference.engines.optimize import OptimizedSegmenter
    from unetzoo.nn.segmenter import Segmenter

_INNER = ("_orig_mod", "module")  # of torch.compile; of the parallel ones, of torch's and timm's averages


def unwrapped(module: nn.Module, *kinds: type[nn.Module]) -> nn.Module:
    """The module of one of these kinds that a compiled, parallel or averaged one wraps; without one the innermost."""
    while not isinstance(module, kinds):
        parts = module._modules  # a compiled module's own attributes are those of the module inside
        inner = next((parts[name] for name in _INNER if [*parts.keys()] == [name]), None)
        if inner is None:
            return module
        module = inner
    return module


def network_of(model: object) -> Union["Segmenter", "OptimizedSegmenter"]:
    """The network in `model`, which may be an optimized one.

    Raises:
        OptionError: `model` is something else, or a larger module.
    """
    from unetzoo.inference.engines.optimize import OptimizedSegmenter
    from unetzoo.nn.segmenter import Segmenter

    network = unwrapped(model, Segmenter, OptimizedSegmenter) if isinstance(model, nn.Module) else model
    if isinstance(network, Segmenter | OptimizedSegmenter):
        return network
    raise OptionError(f"this takes a network of unetzoo, got {type(network).__name__}{_way_out(network)}")


def segmenter_of(model: object, purpose: str) -> "Segmenter":
    """The network in `model`, with the weights that it is trained with.

    Args:
        model: a network, or what wraps one.
        purpose: what an optimized one cannot be, such as `"saved"`.

    Raises:
        OptionError: as `network_of`, and for an optimized network.
    """
    from unetzoo.nn.segmenter import Segmenter

    network = network_of(model)
    if isinstance(network, Segmenter):
        return network
    raise OptionError(
        f"an optimized network cannot be {purpose}, since its weights are prepared for prediction; use the network"
        " that optimize() was given"
    )


def bare_names(model: nn.Module) -> dict[str, str]:
    """Each name in the state_dict, and what it is called where no part of the network is compiled or parallel."""
    wrappers = [f"{name}." for name, module in model.named_modules() if _is_wrapper(module)]
    return {name: _bare(name, wrappers) for name in model.state_dict(keep_vars=True)}


def _bare(name: str, wrappers: list[str]) -> str:
    for wrapper in reversed(wrappers):  # the inner ones first, so that the names of the outer ones still hold
        if name.startswith(wrapper):
            name = wrapper + name.removeprefix(wrapper).partition(".")[2]
    return name


def _is_wrapper(module: nn.Module) -> bool:
    return "_orig_mod" in module._modules or isinstance(module, DataParallel | DistributedDataParallel)


def _way_out(network: object) -> str:
    from unetzoo.nn.segmenter import Segmenter

    if isinstance(network, str):
        return f"; give it unetzoo.load({network!r})"
    parts = network.named_modules() if isinstance(network, nn.Module) else ()
    places = [name for name, module in parts if isinstance(module, Segmenter)]
    return f"; give it the network inside, its attribute {places[0]!r}" if len(places) == 1 else ""
