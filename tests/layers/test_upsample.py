from collections import Counter
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F  # noqa: N812 - the field's name for it
from torch.utils._python_dispatch import TorchDispatchMode

from unetzoo.errors import ShapeError
from unetzoo.layers import upsample
from unetzoo.layers.upsample import UpsampleConcatConv, is_plain_faster, transposed_kernel


@pytest.fixture(params=["plain", "transposed"], scope="module")
def make_layer(request):
    """Makes a layer that computes it in one of both ways, for maps of any size."""
    return partial(UpsampleConcatConv, few_pixels={"plain": 10**9, "transposed": 0}[request.param])


def _maps(layer, batch, height, width, dtype=torch.float64):
    """A deep map and skips that suit a layer."""
    generator = torch.Generator().manual_seed(0)
    deep, *skips = layer.splits
    fine = layer.factor * height, layer.factor * width
    return torch.randn(batch, deep, height, width, dtype=dtype, generator=generator), [
        torch.randn(batch, skip, *fine, dtype=dtype, generator=generator) for skip in skips
    ]


def _naive(layer, deep, skips):
    """What the layer stands for: upsample, concatenate, convolve."""
    if layer.factor > 1:
        deep = F.interpolate(deep, scale_factor=layer.factor, mode=layer.mode)
    return F.conv2d(torch.cat([deep, *skips], 1), layer.weight, layer.bias, padding=1)


CASES = [
    pytest.param((3, (), 2), {}, id="no skip"),
    pytest.param((3, (5,), 7), {}, id="one skip, odd channels"),
    pytest.param((4, (3, 1, 2), 5), {}, id="several skips"),
    pytest.param((3, (2,), 4), {"bias": False}, id="no bias"),
    pytest.param((3, (2,), 4), {"factor": 1}, id="factor 1"),
    pytest.param((3, (2,), 4), {"factor": 3}, id="factor 3"),
    pytest.param((3, (2,), 4), {"factor": 4}, id="factor 4"),
    pytest.param((3, (), 4), {"factor": 8}, id="factor 8"),
    pytest.param((3, (2,), 4), {"mode": "bilinear"}, id="bilinear"),
]


@pytest.mark.parametrize(("channels", "options"), CASES)
@pytest.mark.parametrize("size", [(1, 1, 1), (2, 3, 5)])
def test_it_equals_upsampling_concatenation_and_convolution(make_layer, channels, options, size):
    layer = make_layer(*channels, **options).double()
    deep, skips = _maps(layer, *size)
    torch.testing.assert_close(layer(deep, skips), _naive(layer, deep, skips), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("channels", "options"), CASES)
def test_its_gradients_are_those_of_the_naive_form(make_layer, channels, options):
    layer = make_layer(*channels, **options).double()
    deep, skips = _maps(layer, 2, 3, 4)
    inputs = [tensor.requires_grad_() for tensor in (deep, *skips)]
    weight = torch.linspace(-1, 1, layer(deep, skips).numel(), dtype=torch.float64)
    sources = [*inputs, *layer.parameters()]
    actual = torch.autograd.grad((layer(deep, skips).flatten() * weight).sum(), sources)
    expected = torch.autograd.grad((_naive(layer, deep, skips).flatten() * weight).sum(), sources)
    for gradient, true in zip(actual, expected, strict=True):
        torch.testing.assert_close(gradient, true, rtol=1e-10, atol=1e-10)


def test_gradcheck_in_float64(make_layer):
    layer = make_layer(2, (1, 1), 1).double()
    deep, skips = _maps(layer, 1, 1, 2)

    def forward(weight, bias, deep, *skips):
        return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (deep, skips))

    inputs = [tensor.detach().requires_grad_() for tensor in (layer.weight, layer.bias, deep, *skips)]
    assert torch.autograd.gradcheck(forward, inputs)


@given(
    deep=st.integers(1, 5),
    skips=st.lists(st.integers(1, 4), max_size=3),
    out=st.integers(1, 5),
    size=st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7)),
)
@settings(max_examples=40, deadline=None)
def test_it_equals_the_naive_form_for_any_channels_and_sizes(make_layer, deep, skips, out, size):
    layer = make_layer(deep, skips, out).double()
    maps = _maps(layer, *size)
    torch.testing.assert_close(layer(*maps), _naive(layer, *maps), rtol=1e-12, atol=1e-12)


def test_the_transposed_kernel_is_that_of_the_formula():
    matrix = torch.zeros(4, 3, dtype=torch.float64)
    for row, column in [(3, 0), (1, 1), (1, 2), (2, 0), (2, 1), (0, 2)]:
        matrix[row, column] = 1
    kernel = torch.randn(5, 3, 3, 3, dtype=torch.float64)
    expected = torch.einsum("ka,lb,ocab->cokl", matrix, matrix, kernel)
    torch.testing.assert_close(transposed_kernel(kernel), expected)


def test_it_stores_the_weight_and_bias_of_the_plain_convolution(make_layer):
    state = make_layer(3, (2, 4), 5).state_dict()
    plain = torch.nn.Conv2d(9, 5, 3, padding=1)
    plain.load_state_dict(state)
    assert {key: value.shape for key, value in state.items()} == {
        key: value.shape for key, value in plain.state_dict().items()
    }


def test_another_number_of_skips_is_refused(make_layer):
    layer = make_layer(3, (2,), 4)
    with pytest.raises(ShapeError, match="this block takes 1 skips, got 0"):
        layer(torch.zeros(1, 3, 2, 2))


def test_it_stays_in_channels_last_with_the_same_values(make_layer):
    layer = make_layer(4, (4,), 8)
    deep, skips = _maps(layer, 2, 4, 6, torch.float32)
    expected = layer(deep, skips)
    layer.to(memory_format=torch.channels_last)
    actual = layer(
        *(deep.to(memory_format=torch.channels_last), [s.to(memory_format=torch.channels_last) for s in skips])
    )
    assert actual.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


def test_it_holds_under_autocast(make_layer):
    layer = make_layer(8, (8,), 8)
    deep, skips = _maps(layer, 1, 4, 4, torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        output = layer(deep, skips)
    assert output.dtype == torch.bfloat16
    torch.testing.assert_close(output.float(), _naive(layer, deep, skips), rtol=0.05, atol=0.05)


def test_it_is_one_compiled_graph(make_layer):
    layer = make_layer(3, (2, 1), 4)
    maps = _maps(layer, 1, 3, 5, torch.float32)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(*maps), layer(*maps))


def test_its_exported_graph_holds_for_other_sizes(make_layer):
    layer = make_layer(3, (2,), 4)
    deep, skips = _maps(layer, 2, 4, 6, torch.float32)
    free = dict.fromkeys((0, 2, 3), torch.export.Dim.AUTO)
    program = torch.export.export(layer, (deep, skips), dynamic_shapes=(free, [free]))
    other = _maps(layer, 1, 7, 3, torch.float32)
    torch.testing.assert_close(program.module()(*other), layer(*other))


@pytest.mark.parametrize(("batch", "size", "grows"), [(1, 16, False), (1, 17, True), (4, 8, False), (2, 12, True)])
def test_only_for_many_pixels_is_the_other_kernel_made(batch, size, grows, monkeypatch):
    calls = []
    monkeypatch.setattr(
        upsample, "transposed_kernel", lambda *arguments: calls.append(True) or transposed_kernel(*arguments)
    )
    UpsampleConcatConv(2, (), 1)(torch.zeros(batch, 2, size, size))
    assert bool(calls) == grows


RULE = [  # device, pixels, transposed, trains; whether the plain form is taken
    ("cpu", 256, True, True, True),
    ("cpu", 257, True, True, False),
    ("cpu", 257, False, False, False),
    ("cpu", None, True, True, False),
    ("cuda", 16 * 128 * 128, True, True, True),
    ("cuda", 16 * 256 * 256, True, True, False),
    ("cuda", None, True, True, False),
    ("cuda", 256 * 256, True, False, True),
    ("cuda", 16 * 128 * 128, True, False, False),
    ("cuda", None, True, False, False),
    ("cuda", 16 * 128 * 128, False, False, True),
    ("cuda", 16 * 256 * 256, False, True, True),
    ("mps", 16 * 128 * 128, True, True, True),
    ("meta", 257, True, True, False),
]


@pytest.mark.parametrize(("device", "pixels", "transposed", "trains", "plain"), RULE)
def test_the_form_depends_on_device_size_and_pass(device, pixels, transposed, trains, plain):
    assert is_plain_faster(device, pixels, transposed=transposed, trains=trains) == plain


def test_on_a_gpu_small_maps_make_no_kernel_and_larger_ones_do_and_in_training_even_larger_ones():
    with FakeTensorMode(), torch.device("cuda"):
        layer = UpsampleConcatConv(2, (3,), 1)
        small, large = ((torch.zeros(1, 2, side, side), [torch.zeros(1, 3, 2 * side, 2 * side)]) for side in (256, 257))
        with torch.no_grad():
            assert _operations(layer, small)["aten.cat.default"] == 1
            assert _operations(layer, large)["aten.mm.default"] == 1
        assert _operations(layer, large)["aten.mm.default"] == 0


class _Operations(TorchDispatchMode):
    """Counts the operators that are dispatched."""

    def __init__(self):
        super().__init__()
        self.counts = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.counts[str(func)] += 1
        return func(*args, **(kwargs or {}))


def _operations(layer, maps):
    with _Operations() as operations:
        layer(*maps)
    return operations.counts


@pytest.mark.parametrize("enabled", [True, False])
def test_sums_of_weights_keep_their_precision_under_autocast(enabled):
    kernel = torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
        actual, expected = transposed_kernel(kernel), transposed_kernel(kernel.double())
    torch.testing.assert_close(actual.double(), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("factor", [2, (1, 2, 2), (3, 1, 2), (1, 1, 2)], ids=str)
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_over_volumes_both_forms_have_the_same_values_and_gradients(factor, mode):
    torch.manual_seed(0)
    layer = UpsampleConcatConv(3, [2, 1], 4, factor=factor, mode=mode, few_pixels=0, spatial_dims=3)
    scale = [float(number) for number in (factor if isinstance(factor, tuple) else (factor,) * 3)]
    deep = torch.randn(2, 3, 3, 4, 5, requires_grad=True)
    size = [int(side * number) for side, number in zip(deep.shape[2:], scale, strict=True)]
    skips = [torch.randn(2, channels, *size, requires_grad=True) for channels in (2, 1)]
    interpolation = "trilinear" if mode == "bilinear" else mode
    naive = F.conv3d(
        torch.cat([F.interpolate(deep, scale_factor=scale, mode=interpolation), *skips], 1),
        layer.weight,
        layer.bias,
        padding=1,
    )
    result = layer(deep, skips)
    torch.testing.assert_close(result, naive, atol=1e-5, rtol=1e-5)
    weights = torch.randn_like(result)
    inputs = [deep, *skips, layer.weight, layer.bias]
    own, expected = (torch.autograd.grad((one * weights).sum(), inputs) for one in (result, naive))
    torch.testing.assert_close(own, expected, atol=1e-3, rtol=1e-4)


def test_the_kernel_of_a_transposed_convolution_over_volumes_is_a_product_over_the_axes():
    taps = {1: [[0, 0, 1], [0, 1, 0], [1, 0, 0]], 2: [[0, 0, 1, 1], [0, 1, 1, 0], [1, 1, 0, 0]]}
    kernel = torch.randn(2, 3, 3, 3, 3)
    matrices = [torch.tensor(taps[factor], dtype=torch.float32) for factor in (1, 2, 2)]
    expected = torch.einsum("ocabd,ak,bl,dm->coklm", kernel, *matrices)
    torch.testing.assert_close(transposed_kernel(kernel, (1, 2, 2)), expected)
