"""Build a network in this thread without memory for its weights, and stop where it asks for more than they explain.

Modes of torch hold for one thread: what other threads make meanwhile is as ever.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import nn
from torch.overrides import TorchFunctionMode

from unetzoo.errors import WeightsError

_CALLS, _CALLS_PER_TENSOR = 20_000, 200  # the greediest backbones of timm need 40 a tensor
_FILLING = {  # of tensors, and of torch.nn.init those within which a mode does not hold
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
    """Refuse to go on when building takes far more calls of torch than so many tensors explain.

    Args:
        tensors: that the files hold.
    """

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
        """Count a call, and make it."""
        self.left -= 1
        if self.left < 0:
            raise WeightsError("config.json describes a network that needs far more weights than the files hold")
        return function(*args, **(kwargs or {}))


class Unfilled(TorchFunctionMode):
    """Leave parameters as the memory is: what nobody writes or reads takes none. Buffers get their values."""

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever torch gives
        """Make a call, unless it gives a parameter values or brings a kernel into another order."""
        name, options = getattr(function, "__name__", ""), kwargs or {}
        first = args[0] if args else options.get("tensor")
        if name in _FILLING and isinstance(first, nn.Parameter):
            return first
        if name == "to" and set(options) == {"memory_format"} and len(args) == 1:
            return first
        return function(*args, **options)


def empty_parameters(model: nn.Module) -> None:
    """Move all parameters of a network to `meta`; those that modules share stay shared."""
    moved: dict[int, nn.Parameter] = {}
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                empty = nn.Parameter(parameter.to("meta"), requires_grad=parameter.requires_grad)
                module._parameters[name] = moved.setdefault(id(parameter), empty)
