"""How busy `fit` keeps the card: the seconds of its steps beside those of the same step without reader and loop."""

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.gpu.record import Row, Rows
from benchmarks.gpu.scale import DTYPES, Scale
from unetzoo.assembly import create, create_loss
from unetzoo.bench.calls import seconds
from unetzoo.data.datasets.nuclei import load_nuclei
from unetzoo.nn.segmenter import Segmenter
from unetzoo.training.fit import fit
from unetzoo.training.options import FitOptions
from unetzoo.training.progress import FitListener

_LOSS, _INTERVAL, _CALLS = "dice + ce", 0.05, 15  # the loss; seconds between looks at the card; calls of the bare step
AUGMENTATIONS = ("full", "none", "flips")


def fitting_rows(scale: Scale) -> Rows:
    """`fit` with each augmentation, for each decoder."""
    for augment in AUGMENTATIONS:
        for decoder in scale.decoders:
            title = f"fit, {decoder}, {scale.encoder}, {scale.train_batch} x {scale.train_size} px, augment={augment!r}"
            yield title, partial(measure_fit, scale, decoder, augment)


def measure_fit(scale: Scale, decoder: str, augment: str) -> Row:
    """Median seconds of a step of `fit` in the later half of one epoch, of the bare step, and the load of the card.

    The data are PNG files, which processes read and augment.
    """
    options = FitOptions(
        loss=_LOSS,
        steps=scale.steps,
        epochs=1,
        batch=scale.train_batch,
        crop=scale.train_size,
        precision=scale.precisions[0],
        device=scale.device,
        augment=augment,  # type: ignore[arg-type] # one of its choices
        workers=None if scale.device == "cuda" else 0,
        checkpoint_steps=scale.steps,
    )
    model = create(decoder, encoder=scale.encoder, classes=2, in_channels=1)
    ends: list[float] = []
    with tempfile.TemporaryDirectory() as folder, _loads(scale.device) as loads:
        listener = FitListener(on_step=lambda *_: ends.append(time.perf_counter()))
        fit(model, images_of(scale), Path(folder, "run"), options=options, listener=listener)
    late = ends[len(ends) // 2 :]
    seen = [load for moment, load in loads if late[0] <= moment <= late[-1]]
    return {
        "options": {"batch": options.batch, "crop": options.crop, "augment": augment, "precision": options.precision},
        "step": (late[-1] - late[0]) / (len(late) - 1),
        "bare step": bare_step(model, options, scale.device),
        "load": sum(seen) / len(seen) / 100 if seen else None,
    }


def bare_step(model: Segmenter, options: FitOptions, device: str) -> float:
    """Median seconds of a step of the same network and loss, of crops that are there."""
    side = options.crop if isinstance(options.crop, int) else 0
    image = torch.randn(options.batch, 1, side, side).to(device)
    target = torch.randint(2, (options.batch, side, side)).to(device)
    optimizer, loss = torch.optim.AdamW(model.to(device).train().parameters()), create_loss(_LOSS)
    dtype = DTYPES[options.precision]

    def step() -> Tensor:
        with torch.autocast(device, dtype, enabled=dtype is not torch.float32):
            logits = model(image)
        torch.autograd.backward(loss(logits, target))
        optimizer.step()
        optimizer.zero_grad()
        return image

    return median([seconds(step, device) for _ in range(_CALLS)][_CALLS // 3 :])


_FOLDER = tempfile.TemporaryDirectory(prefix="unetzoo-")  # goes with the process


@cache
def images_of(scale: Scale) -> Path:
    """A data set of PNG files: parts of the image of nuclei that ships with the package, repeated."""
    folder = Path(_FOLDER.name, "data")
    image, labels = load_nuclei()
    times = -(-scale.image_size // len(image)) + 1
    masks = ((labels > 0) * 255).astype(np.uint8)
    for name, pixels in (("images", image), ("masks", masks)):
        (folder / name).mkdir(parents=True)
        tiled = np.tile(pixels, (times, times))
        for number in range(scale.images):
            shift = 7 * number % len(image)
            part = tiled[shift : shift + scale.image_size, shift : shift + scale.image_size]
            Image.fromarray(part).save(folder / name / f"{number}.png")
    return folder


@contextmanager
def _loads(device: str) -> Iterator[list[tuple[float, int]]]:
    """Moments, and in how many percent of the time before each the card ran a kernel; none on a CPU."""
    loads: list[tuple[float, int]] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_INTERVAL):
            loads.append((time.perf_counter(), torch.cuda.utilization()))

    watcher = threading.Thread(target=watch, daemon=True)
    if device == "cuda" and find_spec("pynvml"):
        watcher.start()
    try:
        yield loads
    finally:
        over.set()
