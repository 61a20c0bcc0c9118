"""The network that `unetzoo.optimize` makes for inference."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from unetzoo.errors import UnetzooError
from unetzoo.layers.axes import AXES
from unetzoo.nn.captured import CapturedNetwork
from unetzoo.nn.misfit import check_axes, check_fits
from unetzoo.nn.segmenter import Segmenter


class OptimizedSegmenter(nn.Module):
    """An inference copy of a network; made by `optimize`. It has no gradients and no training mode.

    It takes no other weights and no other dtype, and does not move from the CPU to a GPU, since its kernels are
    prepared for those that it has: UnetzooError. Several threads may use it at once.

    Attributes:
        config: configuration of the original network.
        dtype: dtype of the computation.
        image_dtype: in which images are computed with the least conversion.
    """

    def __init__(
        self,
        network: Segmenter,
        dtype: torch.dtype,
        *,
        channels_last: bool = False,
        compiled: bool = False,
        run: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.config = network.config
        self.dtype = dtype
        self.image_dtype = dtype if run is None else torch.float32
        self.network = network
        self._format = AXES[self.config.spatial_dims].order if channels_last else torch.contiguous_format
        self._engine = run
        self._on_cpu = all(one.device.type == "cpu" for one in (*network.parameters(), *network.buffers()))
        computed = torch.compile(network, options={"freezing": True}) if compiled else network
        self._run = run or CapturedNetwork(computed)

    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        """Logits (b, classes, h, w), in float32, for images (b, c, h, w) of any floating dtype.

        Raises:
            OptionError: the images are not floating-point tensors.
            ShapeError: they have other axes or another number of channels.
        """
        if not (isinstance(image, Tensor) and image.is_floating_point()):
            check_fits(image, self.network)
        check_axes(image, self.config)
        logits: Tensor = self._run(image.to(dtype=self.image_dtype, memory_format=self._format))
        return logits.float()

    @property
    def engine(self) -> Callable[[Tensor], Tensor] | None:
        """What computes the network, if that is not torch: an `unetzoo.inference.engines.started.EngineRun`."""
        return self._engine

    def train(self, mode: bool = True) -> "OptimizedSegmenter":
        """Stay in evaluation mode; UnetzooError for `mode=True`."""
        if mode:
            raise UnetzooError("an optimized network cannot be trained; train the original one and optimize it again")
        return super().train(False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "OptimizedSegmenter":
        """Move to a device, with the dtype of the computation; not from the CPU, for which kernels are prepared."""
        changed = fn(torch.zeros((), dtype=self.dtype))
        if changed.dtype != self.dtype:
            raise UnetzooError(
                f"an optimized network computes in {str(self.dtype).removeprefix('torch.')}: optimize the original one "
                "with another dtype"
            )
        device = changed.device
        if self._engine is not None and device.type != "cpu":
            raise UnetzooError(
                f"this network is computed by an engine on the CPU, not on {device}: leave the device out, or optimize "
                "the original one without the engine"
            )
        if self._on_cpu and device.type != "cpu":
            raise UnetzooError(
                f"the kernels of this network are prepared for the CPU, not for {device}: move the original one there, "
                "and optimize that"
            )
        if isinstance(self._run, CapturedNetwork):
            self._run.forget()
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call] # of torch
        return self

    def _load_from_state_dict(self, *_: Any) -> None:  # noqa: ANN401 - as torch has it
        """Refuse weights, most of which would have no tensor to go to."""
        raise UnetzooError(
            "an optimized network takes no weights, since its kernels are prepared: load them into the original one, "
            "and optimize that again"
        )
