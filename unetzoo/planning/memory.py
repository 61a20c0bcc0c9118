"""The memory at hand: that of a GPU, else what the rules of nnU-Net suppose."""

from typing import NamedTuple

from unetzoo.data.formats.limits import free_memory

_USUAL = 8.0  # GB, of nnU-Net
_SHARE = 0.5  # of the free memory of a machine without a GPU
_GB = 2**30


class Memory(NamedTuple):
    """Memory for a training.

    Attributes:
        size: in GB.
        source: whose it is, for people.
        is_of_gpu: whether it is that of a GPU.
    """

    size: float
    source: str
    is_of_gpu: bool = False


def memory_at_hand() -> Memory:
    """That of the first GPU; without one 8 GB, or half of what is free if that is less."""
    import torch

    if torch.cuda.is_available():
        gpu = torch.cuda.get_device_properties(0)
        return Memory(float(max(1, round(gpu.total_memory / _GB))), gpu.name, is_of_gpu=True)
    half = _SHARE * free_memory() / _GB
    if half < _USUAL:
        return Memory(max(0.5, round(half, 1)), "half of what is free on this machine, which has no GPU")
    return Memory(_USUAL, "as nnU-Net supposes, since this machine has no GPU")
