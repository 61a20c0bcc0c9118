"""Gates that weigh channels and pixels."""

from torch import Tensor, nn

from unetzoo.layers.axes import AXES


def squeeze_excite(channels: int, squeeze: int = 16, spatial_dims: int = 2) -> nn.Sequential:
    """A factor in (0, 1) for each channel, (b, channels, 1, 1), from the channels' means (arXiv:1709.01507, eq. 3).

    Args:
        channels: channels of the map.
        squeeze: divisor of the channels in the bottleneck.
        spatial_dims: number of axes of the map; over three the factors are (b, channels, 1, 1, 1).
    """
    middle, axes = max(1, channels // squeeze), AXES[spatial_dims]
    return nn.Sequential(
        axes.global_mean(1),
        axes.conv(channels, middle, 1),
        nn.ReLU(inplace=True),
        axes.conv(middle, channels, 1),
        nn.Sigmoid(),
    )


class SCSE(nn.Module):
    """Concurrent spatial and channel squeeze and excitation (arXiv:1803.02579, eqs. 2 to 4).

    Args:
        channels: channels of the map.
        squeeze: divisor of the channels in the bottleneck.
        spatial_dims: number of axes of the map.
    """

    def __init__(self, channels: int, squeeze: int = 16, spatial_dims: int = 2) -> None:
        super().__init__()
        self.channel = squeeze_excite(channels, squeeze, spatial_dims)
        self.spatial = nn.Sequential(AXES[spatial_dims].conv(channels, 1, 1), nn.Sigmoid())

    def forward(self, features: Tensor) -> Tensor:
        """The sum of the map (b, channels, h, w), or of a volume, weighted by channel and weighted by pixel."""
        gated: Tensor = features * self.channel(features) + features * self.spatial(features)
        return gated


class PositionAttention(nn.Module):
    """Position-wise attention block (Fan et al. 2020, doi:10.1109/ACCESS.2020.3025372).

    As in the published code, one softmax covers all pairs of pixels, and the weighted values (b, h * w, c) are read as
    (b, c, h, w) without a permutation, which published weights require. It needs memory for (h * w)^2 values per image.

    Args:
        channels: channels of the map.
        width: channels of the comparison of pixels.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, width, 1)
        self.key = nn.Conv2d(channels, width, 1)
        self.value = nn.Conv2d(channels, channels, 3, padding=1)
        self.project = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """The map (b, channels, h, w) plus what each pixel attends to."""
        query, key = self.query(features).flatten(2), self.key(features).flatten(2)
        pairs = query.transpose(1, 2) @ key
        weights = pairs.flatten(1).softmax(dim=1).view_as(pairs)
        attended_values = weights @ self.value(features).flatten(2).transpose(1, 2)
        attended: Tensor = self.project(features + attended_values.reshape(features.shape))
        return attended
