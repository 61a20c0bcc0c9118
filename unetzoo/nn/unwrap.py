"""Modules inside of what torch and timm wrap around them: `torch.compile`, `DataParallel`, averages of weights."""

from torch import nn
from torch.nn.parallel import DataParallel, DistributedDataParallel

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
