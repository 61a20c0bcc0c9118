"""Save memory in training: recompute a norm and an activation, which are cheap, in the backward pass.

For `y = conv(act(norm(x)))`, torch keeps x for the norm, and `act(norm(x))` for the activation and the convolution.
Here only x is kept, and the second map is recomputed when the backward pass needs it: the same values by the same
operations, with norm and activation as in the forward pass, so the gradients are the same. (In-place activated batch
norm, arXiv:1712.02616, has this aim, too.)
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from unetzoo.layers.graph import is_recorded
from unetzoo.layers.norm import ChannelLayerNorm, GroupNorm
from unetzoo.layers.snapshot import is_plain, snapshot

_REPEATABLE = (nn.BatchNorm2d, nn.BatchNorm3d, GroupNorm, ChannelLayerNorm)
_ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.PReLU)
Stage = Literal["normed", "activated"]


def norm_act_conv(
    norm: nn.Module, activation: nn.Module, convolution: nn.Module, features: Tensor, *, least_bytes: int = 2**23
) -> Tensor:
    """`convolution(activation(norm(features)))`; only `features` is kept for the backward pass.

    Everything is kept as usual if a second run may differ: for norms and activations that are not from `make_norm` and
    `make_activation` or have hooks, and where a compiler, `torch.func`, `torch.utils.checkpoint` or other hooks for
    saved tensors decide what is kept.

    Args:
        norm: from `make_norm`.
        activation: from `make_activation`.
        convolution: any layer.
        features: (b, c, h, w) or (b, c, d, h, w).
        least_bytes: smaller maps are kept: recomputing them takes more time than the memory is worth.
    """
    trains = torch.is_grad_enabled() and features.requires_grad
    if not (trains and _is_worth_it(norm, activation, features, least_bytes)):
        plain: Tensor = convolution(activation(norm(features)))
        return plain
    record = _Record(norm, activation, features)
    normed = norm(features)
    before = normed._version
    with saved_tensors_hooks(record.pack, record.unpack):
        activated = activation(normed)
        after = activated._version
        result: Tensor = convolution(activated)
    record.drop("normed", normed, before)
    record.drop("activated", activated, after)
    record.close()
    return result


def _is_worth_it(norm: nn.Module, activation: nn.Module, features: Tensor, least_bytes: int) -> bool:
    if torch.compiler.is_compiling() or is_recorded():
        return False
    return (
        type(features) is Tensor
        and not features.is_meta
        and features.nbytes >= least_bytes
        and is_plain(norm, _REPEATABLE)
        and is_plain(activation, _ACTIVATIONS)
        and can_hook_saved_tensors()
        and not _others_hook_them()
    )


def can_hook_saved_tensors() -> bool:
    """True if hooks for saved tensors are allowed here; under `torch.func` they are not."""
    try:
        with saved_tensors_hooks(_same, _same):
            return True
    except RuntimeError:
        return False


def _others_hook_them() -> bool:
    """True if saved tensors have hooks already, which ours would hide."""
    return torch._C._autograd._top_saved_tensors_default_hooks(True) is not None


def _same(tensor: Tensor) -> Tensor:
    return tensor


class _Saved:
    """A tensor that torch saves, with its version; or only the stage of a map that is recomputed."""

    def __init__(self, tensor: Tensor) -> None:
        self.stage: Stage | None = None
        self._tensor: Tensor | None = tensor
        self._version = tensor._version

    def tensor(self) -> Tensor:
        """The tensor, if it is unchanged; torch leaves this check to its hooks."""
        tensor = self._tensor
        assert tensor is not None  # noqa: S101 - never called for a recomputed map
        if tensor._version != self._version:
            raise RuntimeError(
                "one of the variables needed for gradient computation has been modified by an inplace operation: a"
                f" tensor {tuple(tensor.shape)} is at version {tensor._version}, expected version {self._version}"
            )
        return tensor

    def drop(self, stage: Stage, recomputed: Tensor, version: int) -> None:
        """Drop the tensor if it is the map of a stage, in that version."""
        if self._tensor is not None and self._version == version and _is_same(self._tensor, recomputed):
            self.stage, self._tensor = stage, None


class _Record:
    """The layers to run again, their input, and the tensors that torch saved."""

    def __init__(self, norm: nn.Module, activation: nn.Module, features: Tensor) -> None:
        self._norm, self._activation = snapshot(norm), snapshot(activation)
        self._features = _Saved(features.detach())
        self._autocast = _autocast(features.device.type)
        self._saved: list[_Saved] = []
        self._shared = 0  # how many times the activated map was saved
        self._left = 0
        self._activated: Tensor | None = None

    def pack(self, tensor: Tensor) -> _Saved:
        """Keep a tensor while the layers run, so that no other tensor can take its memory."""
        saved = _Saved(tensor)
        self._saved.append(saved)
        return saved

    def drop(self, stage: Stage, recomputed: Tensor, version: int) -> None:
        """Drop the saved tensors that are the map of a stage."""
        for saved in self._saved:
            saved.drop(stage, recomputed, version)

    def close(self) -> None:
        """Release the saved tensors to autograd."""
        self._shared = sum(saved.stage == "activated" for saved in self._saved)
        self._saved = []

    def unpack(self, saved: _Saved) -> Tensor:
        """The saved or recomputed tensor."""
        if saved.stage is None:
            return saved.tensor()
        with torch.no_grad(), self._autocast():
            return self._normed() if saved.stage == "normed" else self._activate()

    def _normed(self) -> Tensor:
        normed: Tensor = self._norm.forward(self._features.tensor())
        return normed

    def _activate(self) -> Tensor:
        """The activated map, computed once for all its uses in one backward pass."""
        activated = self._activated
        if activated is None:
            activated, self._left = self._activation.forward(self._normed()), self._shared
        self._left -= 1
        self._activated = activated if self._left > 0 else None
        return activated


def _is_same(tensor: Tensor, other: Tensor) -> bool:
    """True if two live tensors are one map: the same memory with the same view."""
    return (
        type(tensor) is Tensor
        and tensor.layout is torch.strided
        and (tensor.dtype, tensor.device, tensor.shape) == (other.dtype, other.device, other.shape)
        and tensor.stride() == other.stride()
        and tensor.data_ptr() == other.data_ptr()
    )


def _autocast(device: str) -> Callable[[], AbstractContextManager[object]]:
    """A factory of contexts with the current autocast settings."""
    if not torch.amp.is_autocast_available(device):
        return nullcontext
    enabled, dtype = torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)
    return lambda: torch.autocast(device, dtype=dtype, enabled=enabled, cache_enabled=False)
