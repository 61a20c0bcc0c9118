"""Which networks a training began with."""

import hashlib

import torch

from unetzoo.nn.info import ModelInfo
from unetzoo.nn.segmenter import Segmenter
from unetzoo.weights.rebuilt import bare_state

_DIGITS = 16
_LOCAL = "sha256:"


def lineage_of(trained: Segmenter) -> tuple[str, ...]:
    """A network and those that it began with itself, the nearest first.

    A network is `user/name@commit` if it was pulled from the Hub, else `sha256:` and the first digits of the hash of
    its weights, which says nothing of the machine where it lies.
    """
    info = trained.config.info
    return (info.source or hash_of_weights(trained), *info.lineage)


def base_model_of(info: ModelInfo) -> str | None:
    """The nearest repository of the Hub, `user/name`, that a network began with; None without one."""
    return next((each.partition("@")[0] for each in info.lineage if not each.startswith(_LOCAL)), None)


def begins_with_folder(info: ModelInfo) -> bool:
    """Whether the nearest network that a network began with is none of the Hub, so that no name leads to it."""
    return bool(info.lineage) and info.lineage[0].startswith(_LOCAL)


def hash_of_weights(model: Segmenter) -> str:
    """`sha256:` and the first digits of the hash of names, types, shapes and values of all tensors."""
    digest = hashlib.sha256()
    for name, tensor in sorted(bare_state(model).items()):
        digest.update(repr((name, str(tensor.dtype), tuple(tensor.shape))).encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return f"{_LOCAL}{digest.hexdigest()[:_DIGITS]}"
