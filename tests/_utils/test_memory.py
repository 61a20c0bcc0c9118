import sys

import pytest
import torch
from processes import start

import unetzoo


def _count_page_faults(say, keep):
    import resource  # not on every system

    assert not keep or unetzoo.keep_freed_memory()
    for _ in range(15):
        torch.ones(16_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        torch.ones(16_000_000)
    say(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)


def _page_faults(*, keep):
    (count,) = start(_count_page_faults, keep)[1]
    return count


@pytest.mark.skipif(sys.platform != "linux", reason="the C library's own settings")
def test_kept_memory_is_not_handed_out_anew():
    pages = 16_000_000 * 4 // 4096
    assert _page_faults(keep=False) > 4 * pages  # the twin: without it every page is new in each round
    assert _page_faults(keep=True) < pages / 10


def test_another_c_library_is_left_alone(monkeypatch):
    from unetzoo._utils import memory

    monkeypatch.setattr(memory.platform, "libc_ver", lambda: ("", ""))
    assert memory.keep_freed_memory() is False
