"""Gates that weigh channels and pixels."""

from torch import Tensor, nn


def squeeze_excite(channels: int, squeeze: int = 16) -> nn.Sequential:
    """A factor in (0, 1) for each channel, (b, channels, 1, 1), from the channels' means (arXiv:1709.01507, eq. 3).

    Args:
        channels: of the map.
        squeeze: how many times fewer channels the bottleneck has.
    """
    middle = max(1, channels // squeeze)
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(1),
        nn.Conv2d(channels, middle, 1),
        nn.ReLU(inplace=True),
        nn.Conv2d(middle, channels, 1),
        nn.Sigmoid(),
    )


class SCSE(nn.Module):
    """Concurrent spatial and channel squeeze and excitation (arXiv:1803.02579, eqs. 2 to 4).

    Args:
        channels: of the map.
        squeeze: how many times fewer channels the bottleneck has.
    """

    def __init__(self, channels: int, squeeze: int = 16) -> None:
        super().__init__()
        self.channel = squeeze_excite(channels, squeeze)
        self.spatial = nn.Sequential(nn.Conv2d(channels, 1, 1), nn.Sigmoid())

    def forward(self, features: Tensor) -> Tensor:
        """The map (b, channels, h, w), weighed by channel and by pixel, and summed."""
        gated: Tensor = features * self.channel(features) + features * self.spatial(features)
        return gated
