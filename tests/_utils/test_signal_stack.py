import ctypes
import sys

import pytest

from unetzoo._utils.signal_stack import _Stack, keep_signal_stack

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the layout of the structure is that of Linux")


def _current():
    stack = _Stack()
    assert ctypes.CDLL(None).sigaltstack(None, ctypes.byref(stack)) == 0
    return stack.start, stack.flags, stack.size


def _replace(memory):
    stack = _Stack(ctypes.addressof(memory), 0, len(memory))
    assert ctypes.CDLL(None).sigaltstack(ctypes.byref(stack), None) == 0
    assert _current() == (ctypes.addressof(memory), 0, len(memory))
    raise ValueError("no")


def test_the_stack_of_before_comes_back_even_after_an_error():
    before = _current()
    with pytest.raises(ValueError, match="no"), keep_signal_stack():
        _replace(ctypes.create_string_buffer(2**16))
    assert _current() == before
