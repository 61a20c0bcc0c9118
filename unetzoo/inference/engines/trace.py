"""Which layer's output goes to which other layer alone: seen by running a network, so it holds for any backbone."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

_LOOKS = {"__get__", "size", "dim", "stride", "numel", "is_floating_point", "is_contiguous"}


class Follower:
    """The layers of one run and their order.

    Attributes:
        calls: how often each module was run.
    """

    def __init__(self) -> None:
        self.calls: Counter[nn.Module] = Counter()
        self._made_by: dict[int, nn.Module] = {}
        self._uses: Counter[int] = Counter()
        self._taken_by: dict[int, nn.Module] = {}
        self._alive: list[object] = []

    def only_follower(self, module: nn.Module) -> nn.Module | None:
        """The layer that takes the output of `module`, when that is run once and nothing else takes it."""
        made = [key for key, maker in self._made_by.items() if maker is module]
        if self.calls[module] != 1 or len(made) != 1 or self._uses[made[0]] != 1:
            return None
        follower = self._taken_by.get(made[0])
        return follower if follower is not None and self.calls[follower] == 1 else None

    def saw(self, module: nn.Module, given: tuple[Any, ...], made: object) -> None:
        """Record one run of a layer."""
        self.calls[module] += 1
        for tensor in given:
            if isinstance(tensor, Tensor):
                self._taken_by[id(tensor)] = module
        if isinstance(made, Tensor):
            self._made_by[id(made)] = module
            self._uses[id(made)] = 0  # those until now were the layer's own

    def saw_use(self, tensor: Tensor) -> None:
        """Record that a function takes a tensor."""
        self._uses[id(tensor)] += 1

    def keep(self, tensors: Iterable[object]) -> None:
        """Let these live as long as this record, so that none that comes after them gets the same id."""
        self._alive.extend(tensors)


class _Uses(TorchFunctionMode):
    """Counts, for every tensor, the functions that take it, but not those that only look at its shape."""

    def __init__(self, follower: Follower) -> None:
        super().__init__()
        self.follower = follower

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:  # noqa: ANN401 - whatever the function gives
        made = func(*args, **(kwargs or {}))
        taken = tree_leaves((args, kwargs))
        self.follower.keep((*taken, *tree_leaves(made)))
        if getattr(func, "__name__", "") not in _LOOKS:
            for leaf in taken:
                if isinstance(leaf, Tensor):
                    self.follower.saw_use(leaf)
        return made


@contextmanager
def follow(network: nn.Module, layers: tuple[type[nn.Module], ...]) -> Iterator[Follower]:
    """Watch the layers of these types in the run that follows."""
    follower = Follower()
    with ExitStack() as hooks:
        for module in network.modules():
            if isinstance(module, layers):
                hooks.enter_context(_removed(module.register_forward_hook(follower.saw)))
        hooks.enter_context(torch.no_grad())
        hooks.enter_context(_Uses(follower))
        yield follower


@contextmanager
def _removed(handle: Any) -> Iterator[None]:  # noqa: ANN401 - torch's handle
    try:
        yield
    finally:
        handle.remove()
