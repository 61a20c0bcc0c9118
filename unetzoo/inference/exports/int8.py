"""Quantize the file of a network, and check it on the images of its calibration."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unetzoo.errors import ShapeError
from unetzoo.inference.engines.by_engine import check_int8
from unetzoo.inference.engines.by_openvino import core
from unetzoo.inference.engines.calibration import Calibration, Run
from unetzoo.inference.engines.qdq import quantized
from unetzoo.inference.exports.interface import wrapped
from unetzoo.inference.exports.program import Job, cannot_be_exported
from unetzoo.nn.info import steps_for

_MOST_IMAGES = 4  # of the calibration, that are compared


def to_int8(job: Job, path: Path, calibration: Calibration) -> None:
    """Replace a file by one in int8, whose weights have 7 bits, so that no machine's sums overflow.

    Raises:
        ShapeError: the file has one size, and an image of the calibration is smaller.
        UnetzooError: in ONNX Runtime, or in OpenVINO where that is installed, the root mean square of the differences
            to float32 is more than a quarter of that of the output.
    """
    images = images_for(job, calibration)
    with cannot_be_exported(job):
        quantized(path, [image.numpy() for image in images], seven_bits=True).replace(path)
    check_file(job, _by_onnxruntime(path), images, "ONNX Runtime")
    if find_spec("openvino") is not None:
        check_file(job, by_openvino(path), images, "OpenVINO")


def images_for(job: Job, calibration: Calibration) -> list[Tensor]:
    """The images (b, c, h, w) of a calibration as the file takes them; ShapeError if one is too small for it."""
    return [_as_taken(job, image) for image in calibration.images]


def check_file(job: Job, run: Run, images: Sequence[Tensor], consumer: str) -> None:
    """Raise UnetzooError where what a library makes of a file in int8 has little to do with float32.

    Args:
        job: what was exported.
        run: gives the output for images (b, c, h, w).
        images: as `images_for` gives them.
        consumer: name of the library, for the message.
    """
    network = wrapped(job.model, job.interface)
    check_int8(network, run, images[:_MOST_IMAGES], f"{consumer}'s {job.interface.output}")


def by_openvino(path: Path) -> Run:
    """What OpenVINO makes of a file, in the arithmetic that it chooses for this CPU."""
    compiled = core().compile_model(path, "CPU")
    return lambda image: torch.from_numpy(compiled([image.numpy()])[0].copy())


def _as_taken(job: Job, image: Tensor) -> Tensor:
    """A normalized image as the file takes it; ShapeError if it is smaller than the only size of the file."""
    if job.image_size is not None:
        height, width = job.image_size
        image = image[:, :, :height, :width]
        if tuple(image.shape[2:]) != (height, width):
            raise ShapeError(f"images of the calibration must have at least {height} x {width} pixels, the size to fix")
    if not job.interface.takes_pixels:
        return image
    info = job.model.config.info
    dtype = np.dtype(info.image_dtypes[0] if len(info.image_dtypes) == 1 else np.float32)
    steps = steps_for(info, dtype)
    shift, scale = (torch.tensor(each.reshape(-1, 1, 1), dtype=torch.float32) for each in (steps.shift, steps.scale))
    return image / scale + shift


def _by_onnxruntime(path: Path) -> Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda image: torch.from_numpy(session.run(None, {"image": image.numpy()})[0])
