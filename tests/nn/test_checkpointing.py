"""Training with checkpointed activations is compared with training as usual."""

import copy
from functools import partial

import pytest
import torch
from torch import nn

import unetzoo
from benchmarks.memory import saved_bytes
from unetzoo.layers.block import BlockStyle, FuseBlock


def _gradients(model, image):
    model.zero_grad()
    model(image).square().mean().backward()
    return [parameter.grad.clone() for parameter in model.parameters()]


def _twins(decoder, encoder):
    torch.manual_seed(0)
    model = unetzoo.create(decoder, encoder=encoder)
    twin = copy.deepcopy(model)
    twin.checkpoint_activations()
    return model, twin


@pytest.mark.parametrize("decoder", ["unet", "unetpp"])
@pytest.mark.parametrize("encoder", ["plain", "resnet10t", "convnext_atto"])
def test_the_gradients_stay_the_same(decoder, encoder):
    model, twin = _twins(decoder, encoder)
    image = torch.randn(2, 3, 64, 64)
    for actual, expected in zip(_gradients(twin, image), _gradients(model, image), strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-3, atol=1e-6)


def test_running_statistics_of_our_own_blocks_move_once():
    model, twin = _twins("unetpp", "plain")
    image = torch.randn(2, 3, 32, 32)
    _gradients(model, image)
    _gradients(twin, image)
    for (name, expected), actual in zip(model.named_buffers(), twin.buffers(), strict=True):
        torch.testing.assert_close(actual, expected, msg=name)
    assert {norm.momentum for norm in twin.modules() if isinstance(norm, nn.BatchNorm2d)} == {0.1}


def _block(make_norm):
    block = FuseBlock(4, (2,), 4, factor=2, style=BlockStyle())
    block.norm, block.conv[1] = make_norm(4), make_norm(4)
    return block


def _passes(block, between, *, checkpointing):
    """All gradients and buffers after a step, of a copy that `between` changes between the passes."""
    own = copy.deepcopy(block)
    own.checkpointing = checkpointing
    generator = torch.Generator().manual_seed(0)
    deep, skip = (torch.randn(2, width, side, side, generator=generator) for width, side in ((4, 4), (2, 8)))
    result = own(deep.requires_grad_(), [skip])
    between(own)
    result.square().sum().backward()
    return [deep.grad, *(parameter.grad for parameter in own.parameters()), *own.buffers()]


class _Moving(nn.Module):
    """A norm by a running mean, which each batch moves: the output depends on how many came before."""

    def __init__(self, channels):
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))

    def forward(self, features):
        if self.training:
            self.mean.mul_(0.5).add_(features.detach().mean((0, 2, 3)), alpha=0.5)
        return features - self.mean.clone()[:, None, None]


def _nothing(block):
    pass


def _evaluate(block):
    block.eval()


def _look_at_another_batch(block):
    with torch.no_grad():
        block(torch.ones(2, 4, 4, 4), [torch.ones(2, 2, 8, 8)])


def _change_biases(block):
    for name, parameter in block.named_parameters():
        if name.endswith("bias"):
            parameter.data.add_(3)


@pytest.mark.parametrize("between", [_nothing, _evaluate, _look_at_another_batch, _change_biases])
@pytest.mark.parametrize(
    "make_norm",
    [
        nn.BatchNorm2d,
        nn.SyncBatchNorm,
        partial(nn.BatchNorm2d, momentum=None),
        partial(nn.InstanceNorm2d, affine=True, track_running_stats=True),
        _Moving,
    ],
)
def test_a_block_runs_again_as_it_was(make_norm, between):
    torch.manual_seed(0)
    block = _block(make_norm)
    expected = _passes(block, between, checkpointing=False)
    actual = _passes(block, between, checkpointing=True)
    for ours, theirs in zip(actual, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_weights_that_have_changed_since_are_an_error():
    block = _block(nn.BatchNorm2d)

    @torch.no_grad()
    def change(own):
        own.fuse.weight.mul_(2)

    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        _passes(block, change, checkpointing=True)


def test_under_the_transforms_of_torch_func_nothing_runs_again():
    block = _block(partial(nn.GroupNorm, 2))
    deep, skip = torch.randn(1, 4, 4, 4), torch.randn(1, 2, 8, 8)

    def gradient():
        return torch.func.grad(lambda x: block(x, [skip]).square().sum())(deep)

    expected = gradient()
    block.checkpointing = True
    torch.testing.assert_close(gradient(), expected)


@pytest.mark.parametrize("decoder", ["unet", "unetpp"])
def test_far_less_is_kept(decoder):
    model, twin = _twins(decoder, "plain")
    image = torch.randn(1, 3, 128, 128)

    def kept(network):
        """Bytes that stay alive between the passes."""
        return saved_bytes(lambda: network(image))

    assert kept(twin) < 0.5 * kept(model)


def test_create_takes_it_as_an_option_that_the_configuration_does_not_keep():
    model = unetzoo.create("unet", encoder="resnet10t", activation_checkpointing=True)
    assert model.config == unetzoo.create("unet", encoder="resnet10t").config
    assert [block.checkpointing for block in model.decoder.modules() if isinstance(block, FuseBlock)] == [True] * 5


def test_an_encoder_that_cannot_says_so():
    with pytest.raises(unetzoo.OptionError, match="hrnet_w18_small refuses activation_checkpointing: gradient"):
        unetzoo.create("unet", encoder="hrnet_w18_small", activation_checkpointing=True)


@pytest.mark.parametrize(
    ("decoder", "checkpointing"),
    [
        ("unetpp", True),
        pytest.param("unet", False, marks=pytest.mark.slow),
        pytest.param("unet", True, marks=pytest.mark.slow),
        pytest.param("unetpp", False, marks=pytest.mark.slow),
    ],
)
def test_training_is_one_graph_for_a_compiler(decoder, checkpointing):
    torch.manual_seed(0)
    options = {"widths": (4, 8, 8)}
    model = unetzoo.create(decoder, encoder="plain", encoder_options=options, activation_checkpointing=checkpointing)
    twin = copy.deepcopy(model)
    image = torch.randn(2, 3, 32, 32)
    compiled = torch.compile(twin, fullgraph=True, backend="aot_eager")
    compiled(image).square().mean().backward()
    expected = _gradients(model, image)
    for parameter, gradient in zip(twin.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-5)
