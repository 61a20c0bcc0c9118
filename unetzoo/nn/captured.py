"""Call a network on a GPU by replaying its kernels, which are recorded once for each size of images (CUDA graphs).

A small batch keeps a GPU busy for less time than the CPU needs to start each kernel.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from unetzoo.layers.snapshot import tensors_of
from unetzoo.nn.precision import float32_settings

Run = Callable[[Tensor], Tensor]
_MOST_PIXELS = 2**21  # of the images of a call: more keep a GPU busy while the CPU starts the next kernels
_MOST_SIZES = 4  # of which records are kept, those used last
_WARM_UP = 2  # calls before kernels are recorded


class CapturedNetwork:
    """A network whose kernels are recorded at the second call with images of a size, and replayed from then on.

    At the second call cuDNN also tries which of its kernels is the fastest for each convolution. The network is called
    where kernels cannot be recorded, or need not be: on a CPU, for large batches, inside `torch.compile` or another
    recording, under autocast, without enough memory. Several threads may call it at once; they take turns.

    Args:
        network: in evaluation mode, called without gradients.
    """

    def __init__(self, network: Run) -> None:
        self.network = network
        self.forget()

    def forget(self) -> None:
        """Drop all records, as when weights move to another device."""
        self._lock = threading.Lock()
        self._runs: OrderedDict[object, Run | None] = OrderedDict()

    def __call__(self, image: Tensor) -> Tensor:
        """The logits for images."""
        if _runs_directly(image):
            return self.network(image)
        key = (image.shape, image.dtype, image.device, float32_settings())
        with self._lock:
            if key not in self._runs:
                self._runs[key] = None  # called once
                if len(self._runs) > _MOST_SIZES:
                    self._runs.popitem(last=False)
                return self.network(image)
            self._runs.move_to_end(key)
            run = self._runs[key] = self._runs[key] or self._recorded(image)
            return run(image)

    def _recorded(self, image: Tensor) -> Run:
        try:
            return _Record(self.network, image)
        except RuntimeError:  # torch's, also for lack of memory
            return self.network

    def __getstate__(self) -> dict[str, Any]:
        """What a copy needs, without records."""
        return {"network": self.network}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """A copy, which records anew."""
        self.network = state["network"]
        self.forget()


def _runs_directly(image: Tensor) -> bool:
    return (
        image.device.type != "cuda"
        or image.shape[0] * prod(image.shape[2:]) > _MOST_PIXELS
        or torch.compiler.is_compiling()
        or _is_recording(image.device)
        or torch.is_autocast_enabled("cuda")
    )


def _is_recording(device: torch.device) -> bool:
    with torch.cuda.device(device):
        return torch.cuda.is_current_stream_capturing()


class _Record:
    """The kernels of one call."""

    def __init__(self, network: Run, image: Tensor) -> None:
        # a later call for another size may replace them
        self._tensors = tensors_of(network) if isinstance(network, nn.Module) else []
        self._image = image.clone(memory_format=torch.preserve_format)
        with torch.cuda.device(image.device), _fastest_kernels():
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(_WARM_UP):
                    network(self._image)
            torch.cuda.current_stream().wait_stream(stream)
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
                self._logits = network(self._image)
            self._end = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._end.record()

    def __call__(self, image: Tensor) -> Tensor:
        """The logits for images, after the replay before this one, perhaps on another stream."""
        with torch.cuda.device(image.device):
            self._end.wait()
            self._image.copy_(image)
            self._graph.replay()
            logits = self._logits.clone()
            self._end.record()
        return logits


@contextmanager
def _fastest_kernels() -> Iterator[None]:
    """Have cuDNN try its kernels, within a context."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before
