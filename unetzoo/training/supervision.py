"""Deep supervision: what each output of a network is compared with."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.features import Factor, along_axes
from unetzoo.layers.axes import at_the_end
from unetzoo.layers.valid import mirrored
from unetzoo.losses.resolution import middle_pixels
from unetzoo.nn.coding import UNKNOWN
from unetzoo.nn.segmenter import Segmenter
from unetzoo.training.options import Supervision


class Supervised(nn.Module):
    """A network whose `forward` gives what the loss compares: data parallelism wraps `forward` alone."""

    def __init__(self, model: Segmenter, supervision: Supervision) -> None:
        super().__init__()
        self.model = model
        self.supervision = supervision

    @property
    def reductions(self) -> tuple[Factor, ...]:
        """Input pixels per pixel of each output's logits, along each axis."""
        reductions = tuple(self.model.decoder.reductions)
        return reductions if self.supervision == "native" else (1,) * len(reductions)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Logits (b, classes, ...) of each output for images (b, c, h, w), the best last.

        For a network without padding, images are extended by mirroring, so that it has logits for the whole target.
        """
        if self.model.encoder.valid_padding:
            extended = mirrored(images, self.model.encoder.features.reductions[-1])
            return [logits[..., : images.shape[2], : images.shape[3]] for logits in self.model.all_logits(extended)]
        if self.supervision == "native":
            return self.model.native_logits(images)
        return self.model.all_logits(images)


def supervised_loss(
    loss: Callable[[Tensor, Tensor], Tensor], logits: Sequence[Tensor], reductions: Sequence[Factor], target: Tensor
) -> Tensor:
    """The mean loss over the outputs, a scalar; each compares with the target at its own resolution.

    `loss` maps logits (b, k, h, w) and a target, (b, h, w) of class ids, (b, k, h, w) of classes
    that may overlap, or (b, c + m, h, w) of objects, to a scalar;
    `reductions` are the input pixels per pixel of each output, along all axes or along each.
    """
    steps = (along_axes(by, output.ndim - 2) for output, by in zip(logits, reductions, strict=True))
    return torch.stack(
        [loss(output, _downsampled(target, by)) for output, by in zip(logits, steps, strict=True)]
    ).mean()


def _downsampled(target: Tensor, by: Sequence[int]) -> Tensor:
    """The center pixel of each block of so many pixels of a target; unknown where it lies beyond the border."""
    if all(step == 1 for step in by):
        return target
    missing = [-side % step for side, step in zip(target.shape[-len(by) :], by, strict=True)]
    unknown = 0 if target.is_floating_point() else UNKNOWN  # in a target of objects a weight of 0
    return middle_pixels(F.pad(target, at_the_end(missing), value=unknown), by)
