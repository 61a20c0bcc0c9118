"""The contracts of the parts: `Encoder` and `Decoder`."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

from torch import Tensor, nn

from unetzoo.errors import OptionError, ShapeError
from unetzoo.features import Factor, FeatureInfo, as_factor
from unetzoo.layers.checkpoint import set_checkpointing


class Encoder(nn.Module, ABC):
    """Turns an image into a pyramid of features.

    Args:
        features: the pyramid that `forward` returns.

    Attributes:
        valid_padding: whether its convolutions use no padding, so that maps are smaller than `features` says.
    """

    valid_padding = False

    def __init__(self, features: FeatureInfo) -> None:
        super().__init__()
        self.features = features
        self.frozen = False
        self.fixed: frozenset[str] = frozenset()  # names of the weights that had no gradients before `freeze`

    @abstractmethod
    def forward(self, image: Tensor) -> list[Tensor]:
        """The features of an image, shallow first.

        Args:
            image: (b, c, h, w), with h and w multiples of the deepest reduction; with three spatial dimensions volumes
                (b, c, d, h, w).

        Returns:
            One (b, channels[i], h / reductions[i], w / reductions[i]) for each level of `features`; volumes likewise.
        """

    def checkpoint_activations(self, enabled: bool = True) -> None:
        """Save memory in training by recomputing blocks in the backward pass.

        Raises:
            OptionError: this encoder does not support it.
        """
        if not set_checkpointing(self, enabled):
            raise OptionError(f"{type(self).__name__} has no blocks to recompute; checkpoint the decoder only")

    def train(self, mode: bool = True) -> Self:
        """Switch training mode; a frozen encoder stays in evaluation mode."""
        return super().train(mode and not self.frozen)


class Decoder(nn.Module, ABC):
    """Turns a pyramid of features into one map for each of its outputs.

    Args:
        out_channels: channels of each output, the best output last.
        reductions: input pixels per pixel of each output, along all axes: one number, or one for each axis.
        used_levels: indices of the levels that `forward` reads, if its design skips some; None: all.
        align_corners: how the logits are resized to the image: align the centers of the corner pixels (True), or the
            corners of the image (False), as in `torch.nn.functional.interpolate`.

    Attributes:
        valid_padding: whether its convolutions use no padding; it then needs an encoder without padding.
    """

    valid_padding = False

    def __init__(
        self,
        out_channels: Sequence[int],
        reductions: Sequence[Factor],
        *,
        used_levels: Sequence[int] | None = None,
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        self.out_channels = tuple(out_channels)
        self.reductions = tuple(one if isinstance(one, int) else as_factor(tuple(one)) for one in reductions)
        self.used_levels = None if used_levels is None else tuple(used_levels)
        self.align_corners = align_corners
        if not self.out_channels or len(self.out_channels) != len(self.reductions):
            raise ShapeError(f"a decoder needs one reduction per output, got {self.out_channels} and {self.reductions}")

    @abstractmethod
    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The outputs for a pyramid.

        Args:
            features: as `Encoder.forward` returns them, shallow first.

        Returns:
            One (b, out_channels[i], h / reductions[i], w / reductions[i]) for each output, best last; volumes likewise.
        """
