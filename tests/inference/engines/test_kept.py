import copy
import pickle

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import unetzoo
from unetzoo.inference.engines.kept import KeptUpsampleConcatConv, can_keep
from unetzoo.layers.upsample import UpsampleConcatConv


def _maps(layer, size=(2, 5, 6)):
    batch, height, width = size
    deep, *skips = layer.splits
    fine = layer.factor * height, layer.factor * width
    return torch.randn(batch, deep, height, width), [torch.randn(batch, skip, *fine) for skip in skips]


class _Operations(TorchDispatchMode):
    """The names of the operators that are dispatched."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def _operations(network, *inputs):
    with torch.no_grad(), _Operations() as operations:
        network(*inputs)
    return operations.names


ORDERS = [torch.contiguous_format, torch.channels_last]
SKIPS = {(): 1, (3,): 3, (3, 1, 2): 4}  # and the number of operations


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("skips", "operations"), SKIPS.items())
@pytest.mark.parametrize("options", [{}, {"factor": 4, "bias": False}])
@torch.no_grad()
def test_it_computes_the_layer_without_making_kernels(skips, operations, options, order):
    torch.manual_seed(0)
    layer = UpsampleConcatConv(4, skips, 5, few_pixels=10**9, **options)
    maps = _maps(layer)
    kept = KeptUpsampleConcatConv(layer, rectify=False, order=order)
    torch.testing.assert_close(kept(*maps), layer(*maps), rtol=1e-4, atol=1e-5)
    assert len(_operations(kept, *maps)) == operations
    rectified = KeptUpsampleConcatConv(layer, rectify=True, order=order)
    torch.testing.assert_close(rectified(*maps), layer(*maps).relu(), rtol=1e-4, atol=1e-5)
    for again in (copy.deepcopy(kept), pickle.loads(pickle.dumps(kept))):
        assert torch.equal(again(*maps), kept(*maps))


@pytest.mark.parametrize("options", [{"mode": "bilinear"}, {"factor": 1}])
def test_layers_without_a_kernel_of_their_own_stay(options):
    assert not can_keep(UpsampleConcatConv(4, (3,), 5, **options))
    assert can_keep(UpsampleConcatConv(4, (3,), 5))


@pytest.mark.parametrize("decoder", ["unet", "unetpp"])
def test_an_optimized_network_keeps_what_no_library_reorders(decoder):
    torch.manual_seed(0)
    model = unetzoo.create(decoder, encoder="plain", encoder_options={"widths": (4, 8, 8)}).eval()
    fast = unetzoo.optimize(model, channels_last=False)
    layers = [layer for layer in model.modules() if isinstance(layer, UpsampleConcatConv)]
    assert len([layer for layer in fast.modules() if isinstance(layer, KeptUpsampleConcatConv)]) == len(layers)
    image = torch.randn(1, 3, 96, 96)
    assert not {"mm", "split", "split_with_sizes"} & set(_operations(fast, image))
    with torch.no_grad():
        torch.testing.assert_close(fast(image), model(image), rtol=1e-3, atol=1e-4)
