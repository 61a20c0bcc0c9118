"""Build a network without memory for its weights, and stop if it needs far more than the files explain.

Modes of torch hold for one thread, so other threads are not affected.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
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


class Frugal(TorchFunctionMode):
    """Raise WeightsError when building a network takes far more calls of torch than its tensors explain.

    Args:
        tensors: number of tensors in the files.
        fill: initialize parameters. Memory that is never touched is not allocated. Buffers always get their values.
    """

    def __init__(self, tensors: int, *, fill: bool = True) -> None:
        super().__init__()
        self.calls_left = _CALLS + _CALLS_PER_TENSOR * tensors
        self.fill = fill

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever torch returns
        """Count and make a call, unless it fills a parameter or converts its memory format."""
        self.calls_left -= 1
        if self.calls_left < 0:
            raise WeightsError("config.json describes a network that needs far more weights than the files hold")
        options = kwargs or {}
        first = args[0] if args else options.get("tensor")
        if not self.fill and _is_skipped(getattr(function, "__name__", ""), first, len(args), options.keys()):
            return first
        return function(*args, **options)


def _is_skipped(name: str, first: object, count: int, options: Collection[str]) -> bool:
    if name == "to":
        return count == 1 and set(options) == {"memory_format"}
    return name in _FILLING and isinstance(first, nn.Parameter)


def empty_parameters(model: nn.Module) -> None:
    """Move all parameters of a network to `meta`; shared ones stay shared."""
    moved: dict[int, nn.Parameter] = {}
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                empty = nn.Parameter(parameter.to("meta"), requires_grad=parameter.requires_grad)
                module._parameters[name] = moved.setdefault(id(parameter), empty)
