"""Logits of every output of the decoder, and their loss."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.layers.valid import mirrored
from unetzoo.losses.resolution import middle_pixels
from unetzoo.nn.coding import UNKNOWN
from unetzoo.nn.segmenter import Segmenter
from unetzoo.training.options import Supervision


class Supervised(nn.Module):
    """A network whose `forward` gives what the loss compares: data parallelism wraps `forward` alone.

    Args:
        model: the network.
        supervision: as `FitOptions.supervision`.
    """

    def __init__(self, model: Segmenter, supervision: Supervision) -> None:
        super().__init__()
        self.model = model
        self.supervision = supervision

    @property
    def reductions(self) -> tuple[int, ...]:
        """Input pixels per pixel of each output's logits, along each axis."""
        reductions = tuple(self.model.decoder.reductions)
        return reductions if self.supervision == "native" else (1,) * len(reductions)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Logits (b, classes, ...) of each output for images (b, c, h, w), the best last.

        A network without padding sees mirror images around them, so that it has logits for the whole target.
        """
        if self.model.encoder.shrinks:
            grown = mirrored(images, self.model.encoder.features.reductions[-1])
            return [logits[..., : images.shape[2], : images.shape[3]] for logits in self.model.all_logits(grown)]
        if self.supervision == "native":
            return self.model.native_logits(images)
        return self.model.all_logits(images)


def supervised_loss(
    loss: Callable[[Tensor, Tensor], Tensor], logits: Sequence[Tensor], reductions: Sequence[int], target: Tensor
) -> Tensor:
    """The mean loss over the outputs, a scalar; each compares with the target at its own resolution.

    Args:
        loss: maps logits (b, k, h, w) and a target (b, h, w) to a scalar.
        logits: of each output.
        reductions: input pixels per pixel of each of them, along each axis.
        target: (b, h, w), class ids.
    """
    pairs = zip(logits, reductions, strict=True)
    return torch.stack([loss(output, _reduced(target, by)) for output, by in pairs]).mean()


def _reduced(target: Tensor, by: int) -> Tensor:
    """Of each `by` x `by` pixels of a target the one in their middle; unknown where that lies beyond the border."""
    if by == 1:
        return target
    height, width = target.shape[-2:]
    padded = F.pad(target, (0, -width % by, 0, -height % by), value=UNKNOWN)
    return middle_pixels(padded, (by, by))
