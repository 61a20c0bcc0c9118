"""Time and memory of one call, on a CPU or a GPU."""

import gc
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

Step = Callable[[], Tensor]

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


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


def _give_back_freed_memory() -> None:
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
