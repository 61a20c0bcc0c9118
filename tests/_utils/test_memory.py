import subprocess
import sys

import pytest

_PROGRAM = """
import resource, sys
import torch
import unetzoo
if "keep" in sys.argv:
    assert unetzoo.keep_freed_memory()
for _ in range(15):
    torch.ones(16_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    torch.ones(16_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _page_faults(*arguments):
    output = subprocess.run([sys.executable, "-c", _PROGRAM, *arguments], check=True, capture_output=True, text=True)
    return int(output.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="the C library's own settings")
def test_kept_memory_is_not_handed_out_anew():
    pages = 16_000_000 * 4 // 4096
    assert _page_faults() > 4 * pages  # the twin: without it every page is new in each round
    assert _page_faults("keep") < pages / 10


def test_another_c_library_is_left_alone(monkeypatch):
    from unetzoo._utils import memory

    monkeypatch.setattr(memory.platform, "libc_ver", lambda: ("", ""))
    assert memory.keep_freed_memory() is False
