"""The network that `unetzoo.optimize` makes for inference."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from unetzoo.errors import UnetzooError
from unetzoo.nn.misfit import check_fits
from unetzoo.nn.segmenter import Segmenter


class OptimizedSegmenter(nn.Module):
    """An inference copy of a network; made by `optimize`. It has no gradients and no training mode.

    It takes no other weights and no other dtype, since its kernels are prepared for those that it has: UnetzooError.

    Attributes:
        config: configuration of the original network.
        dtype: dtype of the computation.
    """

    def __init__(self, network: Segmenter, dtype: torch.dtype, *, channels_last: bool, compiled: bool) -> None:
        super().__init__()
        self.config = network.config
        self.dtype = dtype
        self.network = network
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        self._run = torch.compile(network, options={"freezing": True}) if compiled else network

    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        """Logits (b, classes, h, w), in float32, for images (b, c, h, w) of any floating dtype.

        Raises:
            OptionError: the images are not floating-point tensors.
        """
        if not (isinstance(image, Tensor) and image.is_floating_point()):
            check_fits(image, self.network)
        logits: Tensor = self._run(image.to(dtype=self.dtype, memory_format=self._format))
        return logits.float()

    def train(self, mode: bool = True) -> "OptimizedSegmenter":
        """Stay in evaluation mode; UnetzooError for `mode=True`."""
        if mode:
            raise UnetzooError("an optimized network cannot be trained; train the original one and optimize it again")
        return super().train(False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "OptimizedSegmenter":
        """Move to a device, with the dtype of the computation."""
        if fn(torch.zeros((), dtype=self.dtype)).dtype != self.dtype:
            raise UnetzooError(
                f"an optimized network computes in {str(self.dtype).removeprefix('torch.')}: optimize the original one "
                "with another dtype"
            )
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call] # of torch
        return self

    def _load_from_state_dict(self, *_: Any) -> None:  # noqa: ANN401 - as torch has it
        """Refuse weights, most of which would have no tensor to go to."""
        raise UnetzooError(
            "an optimized network takes no weights, since its kernels are prepared: load them into the original one, "
            "and optimize that again"
        )
