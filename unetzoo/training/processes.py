"""What several processes that train together must share."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from unetzoo.nn.segmenter import Segmenter
from unetzoo.training.stopping import StopRequest

if TYPE_CHECKING:
    from accelerate import Accelerator


def share_batches(model: Segmenter, accelerator: "Accelerator") -> None:
    """On several GPUs, let each batch norm in place see what all of them see; on CPUs torch cannot."""
    if accelerator.num_processes > 1 and accelerator.device.type == "cuda":
        synchronise_batch_norm(model)


def synchronise_batch_norm(model: Segmenter) -> None:
    """Replace each batch norm inside a network, in place, by one that sees the batches of all processes.

    A layer of timm's that is a norm and an activation at once stays both, unlike with `torch.nn.SyncBatchNorm`.
    """
    from timm.layers.norm_act import convert_sync_batchnorm

    convert_sync_batchnorm(model)  # type: ignore[no-untyped-call] # timm has no types


def share_buffers(model: Segmenter, accelerator: "Accelerator") -> None:
    """Give all processes the batch-norm statistics of the main one, which saves the network."""
    from accelerate.utils import broadcast

    if accelerator.num_processes == 1:
        return
    buffers = list(model.buffers())
    for buffer, sent in zip(buffers, broadcast(buffers), strict=True):
        buffer.copy_(sent)


def mean_loss(loss: Tensor, stop: StopRequest, accelerator: "Accelerator") -> float:
    """The mean loss of all processes; a signal that one of them got by now, all know then."""
    if accelerator.num_processes == 1:
        return loss.item()
    signal = torch.tensor(float(stop.received), device=loss.device)
    losses, signals = accelerator.gather(torch.stack([loss, signal])).reshape(-1, 2).unbind(1)
    stop.agreed = int(signals.max())
    return float(losses.mean())


def suspects(loss: Tensor, names: Sequence[str]) -> Sequence[str]:
    """The samples of those processes whose own loss is no number; all processes must ask."""
    from accelerate.utils import gather_object

    told: list[str] = gather_object([] if math.isfinite(loss.item()) else list(names))
    return told
