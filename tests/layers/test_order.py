import torch
from torch import nn

from unetzoo.layers.order import set_order


def test_kernels_of_four_axes_are_laid_out_and_others_left():
    layers = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Conv3d(2, 3, 3), nn.Linear(2, 3), nn.BatchNorm2d(3))
    before = {name: tensor.clone() for name, tensor in layers.state_dict().items()}
    set_order(layers, torch.channels_last)
    assert layers[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert layers[1].weight.is_contiguous()
    assert all(torch.equal(tensor, before[name]) for name, tensor in layers.state_dict().items())


def test_layers_that_share_a_kernel_still_do():
    layers = nn.Sequential(nn.Conv2d(2, 2, 3), nn.Conv2d(2, 2, 3))
    layers[1].weight = layers[0].weight
    set_order(layers, torch.channels_last)
    assert layers[1].weight is layers[0].weight


def test_kernels_for_one_channel_say_their_order_too():
    """With one channel both orders are contiguous, and a convolution follows what the strides say."""
    layer = nn.Conv2d(1, 4, 3)
    set_order(layer, torch.channels_last)
    assert layer(torch.rand(2, 1, 8, 8)).is_contiguous(memory_format=torch.channels_last)
    set_order(layer, torch.contiguous_format)
    assert layer(torch.rand(2, 1, 8, 8)).is_contiguous()
