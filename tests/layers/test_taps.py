"""The matrix of taps that makes transposed kernels: made once, whatever the first call was."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from unetzoo.layers import upsample
from unetzoo.layers.upsample import transposed_kernel


@pytest.fixture
def no_taps(monkeypatch):
    """The tables of taps, empty."""
    taps = {}
    monkeypatch.setattr(upsample, "_TAPS", taps)
    return taps


def test_the_matrix_of_taps_is_made_once_for_each_dtype(no_taps):
    kernels = [torch.randn(4, 3, 3, 3, dtype=dtype) for dtype in (torch.float32, torch.float64)]
    counts = []
    for kernel in (*kernels, *kernels):
        transposed_kernel(kernel)
        counts.append(len(no_taps))
    assert counts == [1, 2, 2, 2]


def _in_inference_mode(kernel):
    with torch.inference_mode():
        return transposed_kernel(kernel.clone())


def _in_a_transform(kernel):
    return torch.func.grad(lambda one: transposed_kernel(one).sum())(kernel)


def _of_fake_tensors(kernel):
    with FakeTensorMode() as mode:
        return transposed_kernel(mode.from_tensor(kernel))


def _in_a_compiler(kernel):
    return torch.compile(transposed_kernel, backend="eager")(kernel)


FIRST = [_in_inference_mode, _in_a_transform, _of_fake_tensors, _in_a_compiler]


@pytest.mark.parametrize("first", FIRST, ids=lambda call: call.__name__)
def test_whatever_the_first_call_was_the_next_has_values_and_gradients(first, no_taps):
    kernel = torch.randn(4, 3, 3, 3, dtype=torch.float64, requires_grad=True)
    first(kernel.detach())
    result = transposed_kernel(kernel)
    (gradient,) = torch.autograd.grad(result.sum(), kernel)
    torch.testing.assert_close(gradient, torch.full_like(kernel, 4.0))  # each tap is in 2 x 2 of the larger kernel
    assert all(type(taps) is torch.Tensor and not taps.is_inference() for taps in no_taps.values())
