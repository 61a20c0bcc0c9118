"""Build a network without memory for its weights, and stop if it needs far more than the files explain.

Modes of torch hold for one thread, so other threads are not affected.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import nn
from torch.overrides import TorchFunctionMode

from unetzoo.errors import WeightsError

_CALLS, _CALLS_PER_TENSOR = 20_000, 200  # the greediest backbones of timm need 40 per tensor
_FILLING = {  # methods of tensors, and functions of torch.nn.init that disable modes
    "add_",
    "clamp_",
    "constant_",
    "copy_",
    "div_",
    "erfinv_",
    "fill_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "mul_",
    "normal_",
    "sub_",
    "uniform_",
    "zero_",
}


class Bounded(TorchFunctionMode):
    """Raise WeightsError when building takes far more calls of torch than `tensors` tensors explain."""

    def __init__(self, tensors: int) -> None:
        super().__init__()
        self.left = _CALLS + _CALLS_PER_TENSOR * tensors

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever torch gives
        """Count and make a call."""
        self.left -= 1
        if self.left < 0:
            raise WeightsError("config.json describes a network that needs far more weights than the files hold")
        return function(*args, **(kwargs or {}))


class Unfilled(TorchFunctionMode):
    """Do not initialize parameters: memory that is never touched is not allocated. Buffers get their values."""

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever torch gives
        """Make a call, unless it fills a parameter or converts its memory format."""
        name, options = getattr(function, "__name__", ""), kwargs or {}
        first = args[0] if args else options.get("tensor")
        if name in _FILLING and isinstance(first, nn.Parameter):
            return first
        if name == "to" and set(options) == {"memory_format"} and len(args) == 1:
            return first
        return function(*args, **options)


def empty_parameters(model: nn.Module) -> None:
    """Move all parameters of a network to `meta`; shared ones stay shared."""
    moved: dict[int, nn.Parameter] = {}
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                empty = nn.Parameter(parameter.to("meta"), requires_grad=parameter.requires_grad)
                module._parameters[name] = moved.setdefault(id(parameter), empty)
