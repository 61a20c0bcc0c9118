"""Bounds on what a file may announce: a few kilobytes can claim to be gigabytes of pixels."""

import os
from pathlib import Path

from unetzoo.errors import DataError

WHOLE_BYTES = 2**27
"""Bytes of pixels up to which an image is read as a whole."""

_MODEST = 2**28  # bytes of pixels that any file may announce
_SMALLER = "predict it as a tiled TIFF or as Zarr, which are read by blocks, or cut it into parts"
_MOST_TIMES = 1032  # bytes of pixels by bytes of the file: DEFLATE, of PNG, shrinks those of an empty image so much


def check_backed(name: str, announced: int, stored: int) -> None:
    """Raise DataError if a file has fewer bytes than the pixels that it announces take, even if all are alike.

    It bounds the work that a small file can cause. Whether the pixels fit in memory, `check_memory` says.

    Args:
        name: of the image, for the error.
        announced: bytes of all its pixels, as they are before compression.
        stored: bytes of the file.
    """
    if stored < least_stored(announced):
        raise DataError(
            f"{name} announces {_size(announced)} of pixels, but has {_size(stored)}, and is not read: such files are "
            "made to fill the memory, or are damaged; if it is genuine, store it as PNG or without compression"
        )


def least_stored(announced: int) -> int:
    """The fewest bytes with which a file may announce so many bytes of pixels."""
    return 0 if announced <= _MODEST else announced // _MOST_TIMES


def check_memory(name: str, needed: int, advice: str = _SMALLER) -> None:
    """Raise DataError if reading an image needs more memory than is free.

    Args:
        name: of the image, for the error.
        needed: bytes.
        advice: what helps.
    """
    if needed > _MODEST and needed > (free := free_memory()):
        raise DataError(f"{name} needs {_size(needed)} of memory, but {_size(free)} are free; {advice}")


def free_memory() -> int:
    """Bytes that this process can still allocate, by the system and its control group; very many if neither says."""
    if not hasattr(os, "sysconf"):
        return 2**62
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    fields = dict(line.split(":") for line in _text("/proc/meminfo").splitlines())
    available = int(fields["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in fields else total
    most, used = (_text(f"/sys/fs/cgroup/memory.{name}").strip() for name in ("max", "current"))
    return min(available, int(most) - int(used)) if most.isdecimal() and used.isdecimal() else available


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""


def _size(count: int) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count = round(count / 1000)
    return f"{count:,} GB"
