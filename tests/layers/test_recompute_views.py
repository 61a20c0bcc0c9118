"""A convolution may look at the recomputed map in any way: gradients are those of the same layers, called in turn."""

import pytest
from recompute_cases import check, make_layers
from torch import nn


class Seen(nn.Module):
    """A convolution of what a function makes of the map."""

    def __init__(self, look, channels=3):
        super().__init__()
        self.look, self.conv = look, nn.Conv2d(channels, 2, 3, padding=1)

    def forward(self, features):
        return self.conv(self.look(features))


LOOKS = {
    "transposed": lambda x: x.transpose(2, 3),
    "turned": lambda x: x.rot90(1, (2, 3)),
    "without a border": lambda x: x[:, :, 1:-1, 1:-1],
    "shifted": lambda x: x[:, :, 1:],
    "as one row": lambda x: x.reshape(2, 3, 1, 36),
    "every second pixel": lambda x: x[:, :, ::2, ::2],
    "of the last image": lambda x: x[1:],
    "with channels changed": lambda x: x[:, [2, 0, 1]],
    "expanded": lambda x: x[:, :, :1].expand(-1, -1, 6, -1),
    "squared": lambda x: x * x,
    "doubled in place": lambda x: (x * 1).mul_(2),
}


@pytest.mark.parametrize("activation", ["relu", "gelu", "prelu"])
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_a_convolution_may_look_at_the_map_as_it_likes(norm, look, activation):
    check(make_layers(norm, activation, Seen(LOOKS[look])))


def test_a_convolution_may_use_some_channels():
    check(make_layers(convolution=Seen(lambda x: x[:, 1:], channels=2)))
