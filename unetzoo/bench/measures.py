"""Time and memory of one call, on a CPU or a GPU."""

import gc
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

Step = Callable[[], Tensor]

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_MMAP_THRESHOLD = -3  # of glibc's malloc.h


def seconds(step: Step, device: str) -> float:
    """Duration of one call; on a GPU that of its work there."""
    if device == "cpu":
        start = time.perf_counter()
        step()
        return time.perf_counter() - start
    first, last = _event(), _event()
    torch.cuda.synchronize()
    first.record()
    step()
    last.record()
    torch.cuda.synchronize()
    return float(first.elapsed_time(last)) / 1e3


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]


def saved_bytes(step: Step) -> int:
    """Memory that one step makes in its forward pass and keeps for its backward pass, each storage once.

    It is what is alive when the backward pass begins, or, of a step without one, when it ends.
    """
    with _Allocations() as made:
        result = step()
        kept: int = made.alive() if made.kept is None else made.kept
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
        if self.kept is None and torch._C._current_graph_task_id() >= 0:
            self.kept = self.alive()
        given = {id(tensor) for tensor in tree_leaves((args, kwargs)) if isinstance(tensor, Tensor)}
        result = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor) and id(tensor) not in given and tensor._base is None:
                storage = tensor.untyped_storage()
                reference = StorageWeakRef(storage)  # type: ignore[no-untyped-call] # torch's own lack of types
                self._made[storage._cdata] = reference, storage.nbytes()
        return result

    def alive(self) -> int:
        """Bytes of all storages that were made and still live."""
        gc.collect()  # what only waits for it is not kept
        living = (size for reference, size in self._made.values() if not reference.expired())  # type: ignore[no-untyped-call] # as above
        return sum(living)


def peak_bytes(step: Step, device: str) -> int | None:
    """How much larger the process (on a GPU: its memory there) gets during a call; None where that cannot be seen."""
    gc.collect()
    if device == "cuda":
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        step()
        return torch.cuda.max_memory_allocated() - before
    if not _RESET.exists():
        return None
    _give_back_freed_memory()
    _RESET.write_text("5", encoding="ascii")  # the peak starts anew
    before = resident_bytes("VmRSS")
    step()
    return resident_bytes("VmHWM") - before


def resident_bytes(field: str) -> int:
    """Memory of this process: now (`VmRSS`), or at most since it began (`VmHWM`); Linux.

    Unlike `ru_maxrss` the latter does not begin with the size of the process that started this one.
    """
    line = next(line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def return_freed_memory() -> None:
    """Let this process give each map that it frees back to the system at once, as glibc does until it learns sizes."""
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 128 * 1024)


def _give_back_freed_memory() -> None:
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
