"""Unwrap modules: `torch.compile`, `DataParallel`, averages of weights."""

from torch import nn
from torch.nn.parallel import DataParallel, DistributedDataParallel

_INNER = ("_orig_mod", "module")  # of torch.compile; of parallel modules, and of torch's and timm's averages


def unwrapped(module: nn.Module, *kinds: type[nn.Module]) -> nn.Module:
    """The module of one of these kinds inside of wrappers; if there is none, the innermost module."""
    while not isinstance(module, kinds):
        parts = module._modules  # getattr on a compiled module reads the inner module
        inner = next((parts[name] for name in _INNER if [*parts.keys()] == [name]), None)
        if inner is None:
            return module
        module = inner
    return module


def bare_names(model: nn.Module) -> dict[str, str]:
    """Each name in the state_dict, and the same name without the prefixes of compiled and parallel parts."""
    wrappers = [f"{name}." for name, module in model.named_modules() if _is_wrapper(module)]
    return {name: _bare(name, wrappers) for name in model.state_dict(keep_vars=True)}


def _bare(name: str, wrappers: list[str]) -> str:
    for wrapper in reversed(wrappers):  # inner wrappers first, since their names contain those of the outer ones
        if name.startswith(wrapper):
            name = wrapper + name.removeprefix(wrapper).partition(".")[2]
    return name


def _is_wrapper(module: nn.Module) -> bool:
    return "_orig_mod" in module._modules or isinstance(module, DataParallel | DistributedDataParallel)
