"""What the logits of an optimized network are compared with, and when it is refused."""

import copy
from functools import cache

import pytest
import torch
from torch import nn

import unetzoo
from unetzoo.inference.engines.agreement import check_agreement


def _model(head=None):
    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=2).eval()
    if head is not None:
        model.heads[0] = head(model.heads[0].in_channels)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.normal_(module.bias)
            module.running_var.fill_(0.05)
    return model.eval()


class _Doubling(nn.BatchNorm2d):
    def forward(self, features):
        return super().forward(features) * 2


@cache
def _traced_sigmoid():
    return torch.jit.trace(torch.sigmoid, torch.zeros(1, 2, 4, 4))


class _Hidden(nn.Module):
    """The convolution's output goes to its norm, and to a graph of torch's that nobody can look into."""

    def __init__(self, channels):
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(channels, 2, 3, padding=1), nn.BatchNorm2d(2)

    def forward(self, features):
        convolved = self.convolution(features)
        return self.norm(convolved) + 3 * _traced_sigmoid()(convolved)


def _derived(channels):
    return nn.Sequential(nn.Conv2d(channels, 4, 3, padding=1), _Doubling(4), nn.ReLU(), nn.Conv2d(4, 2, 1))


def _hooked(channels):
    head = _derived(channels)
    head[1] = nn.BatchNorm2d(4)
    head[1].register_forward_hook(lambda layer, inputs, output: output * 2)
    head[3].register_forward_pre_hook(lambda layer, inputs: (inputs[0] + 1,))
    return head


def _hooked_convolution(channels):
    head = nn.Conv2d(channels, 2, 3, padding=1)
    head.register_forward_hook(lambda layer, inputs, output: output * 2)
    return head


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("head", [_derived, _hooked, _hooked_convolution])
def test_layers_with_an_effect_of_their_own_keep_it(head, dtype):
    model = _model(head)
    image = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        expected = model(image)
    actual = unetzoo.optimize(model, dtype=dtype)(image)
    assert (actual - expected).abs().max() / expected.abs().max() < (1e-4 if dtype is torch.float32 else 0.04)


@pytest.mark.filterwarnings("ignore:`torch.jit")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_network_that_would_give_other_logits_is_refused_in_every_dtype(dtype):
    with pytest.raises(
        unetzoo.UnetzooError, match=r"logits in float32 would differ by 0\.\d+ of the largest.*not done"
    ):
        unetzoo.optimize(_model(_Hidden), dtype=dtype)


@pytest.mark.parametrize(("factor", "agrees"), [(1, True), (1.001, True), (1.3, False), (torch.nan, False)])
def test_in_bfloat16_a_difference_that_rounding_explains_is_accepted(factor, agrees):
    model, image = _model(), torch.randn(1, 3, 32, 32)
    changed = copy.deepcopy(model).bfloat16()
    with torch.no_grad():
        expected = model(image)
        changed.heads[0].weight.mul_(factor)
        if agrees:
            check_agreement(model, changed, image, expected, torch.bfloat16)
            return
        with pytest.raises(unetzoo.UnetzooError, match="logits in bfloat16 would differ"):
            check_agreement(model, changed, image, expected, torch.bfloat16)


class _Coarse(nn.Module):
    """A head that computes in float32 as coarsely as TF32 does: with 10 bits of a value."""

    def __init__(self, channels):
        super().__init__()
        self.convolution = nn.Conv2d(channels, 2, 1)

    def forward(self, features):
        if features.dtype == torch.float32:
            features = (features.view(torch.int32) & -(2**13)).view(torch.float32)
        return self.convolution(features)


def test_coarse_arithmetic_is_no_reason_to_refuse():
    model = _model(_Coarse)
    image = torch.randn(1, 3, 32, 32)
    actual = unetzoo.optimize(model)(image)
    with torch.no_grad():
        expected = copy.deepcopy(model).double()(image.double())
    assert (actual - expected).abs().max() / expected.abs().max() < 0.01
