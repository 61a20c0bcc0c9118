"""Operators that a network dispatches, beside those of the same graph in segmentation_models_pytorch.

Each is a kernel that a GPU has to start. They are counted without views, in the form that a GPU takes in training and
for small maps; `tests/layers/test_upsample.py` holds the rule.
"""

from collections import Counter

import pytest
import segmentation_models_pytorch as smp
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from unetzoo.interop.smp_config import config_of_smp
from unetzoo.layers.upsample import UpsampleConcatConv
from unetzoo.registry.build import build

_FREE = {"empty", "empty_like", "empty_strided", "new_empty", "detach", "_unsafe_view"}  # start no kernel


class _Kernels(TorchDispatchMode):
    """Counts operators that compute something."""

    def __init__(self):
        super().__init__()
        self.counts = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        self.counts[name] += not func.is_view and name not in _FREE
        return func(*args, **(kwargs or {}))


def _kernels(network, image, *, trains):
    network.train(trains)
    with torch.set_grad_enabled(trains), _Kernels() as kernels:
        logits = network(image)
        if trains:
            logits.square().mean().backward()
    return +kernels.counts


def _twins(architecture):
    """A network of theirs and the same one here, which upsamples and concatenates maps of any size."""
    peer = getattr(smp, architecture)("resnet18", encoder_weights=None, classes=2)
    model = build(config_of_smp({**peer.config, "_model_class": architecture}))
    for layer in model.modules():
        if isinstance(layer, UpsampleConcatConv):
            layer.few_pixels = 10**9
    return peer, model


@pytest.mark.parametrize("architecture", ["Unet", "UnetPlusPlus"])
def test_a_network_needs_no_more_kernels_than_its_peer(architecture):
    peer, model = _twins(architecture)
    image = torch.randn(2, 3, 64, 64)
    for trains in (False, True):
        theirs, ours = (_kernels(network, image, trains=trains) for network in (peer, model))
        assert ours.total() <= theirs.total(), f"{trains=}, more: {ours - theirs}, fewer: {theirs - ours}"
