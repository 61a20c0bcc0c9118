"""Memory: what the C library does with freed memory, which is a user's real time on a CPU, and when none is left."""

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of glibc's malloc.h
_NEVER = -1
_NO_MEMORY = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "_status_alloc_failed",
)  # of torch's devices


def keep_freed_memory() -> bool:
    """Let this process keep the memory that it frees, for the next map, instead of giving it back to the system.

    A network makes and frees maps of many MiB in every call. glibc returns each of them to the system, which must hand
    out and clear its pages anew: up to half of the time of a call on a CPU. The process stays as large as its peak.
    Call it before the first network runs; the command line does.

    Returns:
        Whether it was done: only with glibc, the C library of most Linux systems.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, _NEVER))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python's or torch's says that memory, of a GPU or not, does not suffice."""
    text = str(error).lower()
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and any(words in text for words in _NO_MEMORY))
    )
