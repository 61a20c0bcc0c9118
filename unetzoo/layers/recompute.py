"""Save memory in training: a norm and an activation are cheap to compute again in the backward pass.

Of `y = conv(act(norm(x)))`, torch keeps x for the norm, and `act(norm(x))` for the activation and the convolution. Here
only x is kept, and the second map is made from it again when the backward pass asks for it: the same values by the
same operations, so that the gradients are the same. (In-place activated batch norm, arXiv:1712.02616, has this aim.)
Maps below 8 MiB are kept.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.layers.norm import ChannelLayerNorm, GroupNorm

_REPEATABLE = (nn.BatchNorm2d, GroupNorm, ChannelLayerNorm)
Stage = Literal["normed", "activated"]
_keeps_all = ContextVar("_keeps_all", default=False)
_SMALL_BYTES = 2**23
"""Smaller maps are kept: to save them is worth less than the time that it takes."""


@contextmanager
def keeping_all() -> Iterator[None]:
    """Recompute nothing here: whoever runs a whole block again would only be hindered."""
    token = _keeps_all.set(True)
    try:
        yield
    finally:
        _keeps_all.reset(token)


def norm_act_conv(norm: nn.Module, activation: nn.Module, convolution: nn.Module, features: Tensor) -> Tensor:
    """`convolution(activation(norm(features)))`; between the passes of training only `features` is kept.

    A compiler decides about this by itself, and under `torch.func` and for unknown norms all is kept as usual.

    Args:
        norm: of `make_norm`.
        activation: of `make_activation`.
        convolution: any layer.
        features: (b, c, h, w).
    """
    if not (torch.is_grad_enabled() and features.requires_grad and _is_worth_it(norm, features)):
        made: Tensor = convolution(activation(norm(features)))
        return made
    normed = norm(features)
    record = _Record(norm, activation, features.detach(), normed)
    with saved_tensors_hooks(record.pack, record.unpack):
        made = convolution(record.watch(activation(normed)))
    record.forget()
    return made


def _is_worth_it(norm: nn.Module, features: Tensor) -> bool:
    if torch.compiler.is_compiling() or _keeps_all.get() or type(norm) not in _REPEATABLE:
        return False
    return features.nbytes >= _SMALL_BYTES and _hooks_are_allowed()


def _hooks_are_allowed() -> bool:
    try:
        with saved_tensors_hooks(lambda tensor: tensor, lambda tensor: tensor):
            return True
    except RuntimeError:  # torch.func
        return False


class _Record:
    """What is to be computed again, and from what."""

    def __init__(self, norm: nn.Module, activation: nn.Module, features: Tensor, normed: Tensor) -> None:
        self._again = _again(norm)
        self._dtype = normed.dtype  # autocast computes some norms in float32, whatever it is given
        self.activation = activation
        self.features = features
        self.shared = 0  # how often the activated map was asked to be kept
        self._left = 0
        self._activated: Tensor | None = None
        first: Stage = "activated" if getattr(activation, "inplace", False) else "normed"
        self._stages: dict[int, Stage] = {_place(normed): first}

    def watch(self, activated: Tensor) -> Tensor:
        """Take note of the activated map, and give it back."""
        self._stages[_place(activated)] = "activated"
        return activated

    def forget(self) -> None:
        """Note no more maps: their memory may soon be another's."""
        self._stages = {}

    def pack(self, tensor: Tensor) -> Tensor | Stage:
        """Keep a tensor, or only which one it is."""
        stage = self._stages.get(_place(tensor))
        self.shared += stage == "activated"
        return tensor if stage is None else stage

    def unpack(self, kept: Tensor | Stage) -> Tensor:
        """The tensor that was to be kept."""
        if isinstance(kept, Tensor):
            return kept
        with torch.no_grad():
            return self._normed() if kept == "normed" else self._activate()

    def _normed(self) -> Tensor:
        return self._again(self.features.to(self._dtype))

    def _activate(self) -> Tensor:
        """The activated map; made once for all that ask for it in one backward pass."""
        if self._activated is None:
            self._activated, self._left = self.activation(self._normed()), self.shared
        activated = self._activated
        self._left -= 1
        if self._left <= 0:
            self._activated = None
        return activated


def _again(norm: nn.Module) -> Callable[[Tensor], Tensor]:
    """A norm as it is now, but for the running statistics, which a second look at the same batch must not change."""
    if isinstance(norm, nn.BatchNorm2d) and norm.training:
        return lambda features: F.batch_norm(features, None, None, norm.weight, norm.bias, training=True, eps=norm.eps)
    return norm


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
