"""Gates that weigh channels and pixels."""

from torch import Tensor, nn


class SCSE(nn.Module):
    """Concurrent spatial and channel squeeze and excitation (arXiv:1803.02579, eqs. 2 to 4).

    Args:
        channels: of the map.
        squeeze: how many times fewer channels the bottleneck has.
    """

    def __init__(self, channels: int, squeeze: int = 16) -> None:
        super().__init__()
        middle = max(1, channels // squeeze)
        self.channel = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, middle, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(middle, channels, 1),
            nn.Sigmoid(),
        )
        self.spatial = nn.Sequential(nn.Conv2d(channels, 1, 1), nn.Sigmoid())

    def forward(self, features: Tensor) -> Tensor:
        """The map (b, channels, h, w), weighed by channel and by pixel, and summed."""
        gated: Tensor = features * self.channel(features) + features * self.spatial(features)
        return gated
