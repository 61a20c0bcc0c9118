"""Memory that one call keeps for a backward pass, and the setting of the C library under which it is measured."""

import gc
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor
from torch._C import _current_graph_task_id
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

Step = Callable[[], Tensor]
_MMAP_THRESHOLD = -3  # of glibc's malloc.h


def saved_bytes(step: Step) -> int:
    """Memory that one step makes in its forward pass and keeps for its backward pass, each storage once.

    It is what is alive when the backward pass begins, or, of a step without one, when it ends.
    """
    with _Allocations() as allocations:
        result = step()
        kept: int = allocations.alive() if allocations.kept is None else allocations.kept
    del result
    return kept


class _Allocations(TorchDispatchMode):
    """Notes each storage that is made, and how much of them is alive when a backward pass begins.

    Attributes:
        kept: bytes alive then; None: there was none.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # torch's own lack of types
        self.kept: int | None = None
        self._made: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever torch gives
        """Make a call, and note what it made."""
        if self.kept is None and _current_graph_task_id() >= 0:
            self.kept = self.alive()
        inputs = {id(tensor) for tensor in tree_leaves((args, kwargs)) if isinstance(tensor, Tensor)}
        result = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor) and id(tensor) not in inputs and tensor._base is None:
                storage = tensor.untyped_storage()
                reference = StorageWeakRef(storage)  # type: ignore[no-untyped-call] # torch's own lack of types
                self._made[storage._cdata] = reference, storage.nbytes()
        return result

    def alive(self) -> int:
        """Bytes of all storages that were made and still live."""
        gc.collect()  # what only waits for it is not kept
        living = (size for reference, size in self._made.values() if not reference.expired())  # type: ignore[no-untyped-call] # as above
        return sum(living)


def return_freed_memory() -> None:
    """Let this process give each map that it frees back to the system at once, as glibc does until it learns sizes."""
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 128 * 1024)
