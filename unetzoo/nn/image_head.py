"""The auxiliary head, which classifies whole images."""

from torch import Tensor, nn

from unetzoo.nn.config import Pooling


class ImageHead(nn.Module):
    """Pool a map over its pixels or voxels, and classify: (b, in, h, w) to (b, classes).

    Args:
        in_channels: channels of the map.
        classes: channels of the logits.
        pooling: mean or maximum of each channel.
        dropout: dropout probability of pooled values.
    """

    def __init__(self, in_channels: int, classes: int, *, pooling: Pooling = "avg", dropout: float = 0.0) -> None:
        super().__init__()
        self.pooling = pooling
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.linear = nn.Linear(in_channels, classes)

    def forward(self, features: Tensor) -> Tensor:
        """Logits (b, classes) of images."""
        axes = tuple(range(2, features.ndim))
        pooled = features.mean(axes) if self.pooling == "avg" else features.amax(axes)
        logits: Tensor = self.linear(self.dropout(pooled))
        return logits
