"""Trace one forward pass to find layers whose output has exactly one consumer."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

_READ_ONLY = {"__get__", "size", "dim", "stride", "numel", "is_floating_point", "is_contiguous"}


class Follower:
    """The layers of one forward pass and their order.

    Attributes:
        calls: number of calls of each module.
    """

    def __init__(self) -> None:
        self.calls: Counter[nn.Module] = Counter()
        self._producers: dict[int, nn.Module] = {}
        self._uses: Counter[int] = Counter()
        self._consumers: dict[int, nn.Module] = {}
        self._alive: list[object] = []

    def only_follower(self, module: nn.Module) -> nn.Module | None:
        """The only consumer of the output of `module`; None if there are others, or one of both runs more than once."""
        outputs = [key for key, producer in self._producers.items() if producer is module]
        if self.calls[module] != 1 or len(outputs) != 1 or self._uses[outputs[0]] != 1:
            return None
        follower = self._consumers.get(outputs[0])
        return follower if follower is not None and self.calls[follower] == 1 else None

    def record_call(self, module: nn.Module, inputs: tuple[Any, ...], output: object) -> None:
        """Record one call of a layer."""
        self.calls[module] += 1
        for tensor in inputs:
            if isinstance(tensor, Tensor):
                self._consumers[id(tensor)] = module
        if isinstance(output, Tensor):
            self._producers[id(output)] = module
            self._uses[id(output)] = 0  # earlier ones are inside the layer

    def record_use(self, tensor: Tensor) -> None:
        """Record that a function takes a tensor."""
        self._uses[id(tensor)] += 1

    def keep(self, tensors: Iterable[object]) -> None:
        """Keep references so that ids are not reused while the trace is in use."""
        self._alive.extend(tensors)


class _Uses(TorchFunctionMode):
    """Counts the functions that use each tensor, except those that only read its shape."""

    def __init__(self, follower: Follower) -> None:
        super().__init__()
        self.follower = follower

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:  # noqa: ANN401 - whatever the function gives
        result = func(*args, **(kwargs or {}))
        inputs = tree_leaves((args, kwargs))
        self.follower.keep((*inputs, *tree_leaves(result)))
        if getattr(func, "__name__", "") not in _READ_ONLY:
            for leaf in inputs:
                if isinstance(leaf, Tensor):
                    self.follower.record_use(leaf)
        return result


@contextmanager
def follow(network: nn.Module, layers: tuple[type[nn.Module], ...]) -> Iterator[Follower]:
    """Trace the layers of these types in the forward pass inside the block."""
    follower = Follower()
    with ExitStack() as hooks:
        for module in network.modules():
            if isinstance(module, layers):
                hooks.enter_context(_removed(module.register_forward_hook(follower.record_call)))
        hooks.enter_context(torch.no_grad())
        hooks.enter_context(_Uses(follower))
        yield follower


@contextmanager
def _removed(handle: Any) -> Iterator[None]:  # noqa: ANN401 - torch's handle
    try:
        yield
    finally:
        handle.remove()
