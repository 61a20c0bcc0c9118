"""Whether small images are predicted faster as one batch than one after the other: what a server could gain.

    OMP_NUM_THREADS=1 python -m benchmarks.batches

Eight images of 256 x 256 pixels, by each engine that `unetzoo serve` may have, in turn with one thread, in seconds of
the processor. Reading images and writing masks is not in it, which a batch does not change.
"""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from statistics import median

import torch
from torch import Tensor

from unetzoo._utils.memory import keep_freed_memory
from unetzoo.assembly import create
from unetzoo.inference.engines.optimize import optimize
from unetzoo.nn.segmenter import Segmenter

_IMAGES, _SIDE, _ROUNDS = 8, 256, 7
_ENCODERS = ("mobilenetv3_small_100", "resnet18")

Call = Callable[[Tensor], Tensor]


def ways(model: Segmenter, images: Tensor) -> Iterator[tuple[str, Call]]:
    """A network by each engine and arithmetic, by their names."""
    yield "torch", optimize(model)
    size = (_SIDE, _SIDE)
    yield "OpenVINO", optimize(model, engine="openvino", image_size=size)
    calibration = [image[None] for image in images]
    yield "OpenVINO int8", optimize(model, engine="openvino", dtype="int8", calibration=calibration, image_size=size)


def measure(call: Call, images: Tensor) -> tuple[float, float, float]:
    """Median seconds of the processor for all images singly and as a batch, and the median of the ratios."""
    pairs = [(_seconds(call, [image[None] for image in images]), _seconds(call, [images])) for _ in range(_ROUNDS + 1)][
        1:
    ]
    singly, together = zip(*pairs, strict=True)
    return median(singly), median(together), median(one / other for one, other in pairs)


def _seconds(call: Call, batches: Sequence[Tensor]) -> float:
    start = time.process_time()
    for batch in batches:
        call(batch)
    return time.process_time() - start


def main() -> None:
    """Print a line for each network and engine."""
    warnings.simplefilter("ignore")  # of the peers' imports
    torch.set_num_threads(1)
    keep_freed_memory()
    torch.manual_seed(0)
    images = torch.randn(_IMAGES, 3, _SIDE, _SIDE)
    with torch.no_grad():
        for encoder in _ENCODERS:
            model = create("unet", encoder=encoder, classes=2).eval()
            for name, call in ways(model, images):
                singly, together, ratio = measure(call, images)
                print(
                    f"unet, {encoder}, {name}: {1e3 * singly:.0f} ms singly, {1e3 * together:.0f} ms as a batch, "
                    f"{ratio:.2f} times as fast",
                    flush=True,
                )


if __name__ == "__main__":
    main()
