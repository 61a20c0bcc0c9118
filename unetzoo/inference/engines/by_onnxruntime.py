"""ONNX Runtime as an engine, on the CPU; int8 as pairs of quantizing and dequantizing nodes (QDQ)."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from unetzoo._utils.extras import need
from unetzoo.errors import UnetzooError
from unetzoo.inference.engines.calibration import Calibration
from unetzoo.inference.engines.padding import Size, cropped, multiple_of, padded
from unetzoo.inference.engines.qdq import quantized
from unetzoo.inference.exports.onnx_file import write_onnx
from unetzoo.inference.exports.program import Job
from unetzoo.nn.segmenter import Segmenter

_FILE = "network.onnx"


def check(_dtype: str) -> None:
    """Raise MissingExtraError if a package is missing."""
    need("onnx", "the engine onnxruntime", "onnx", "onnxruntime", "onnxscript")


def convert(model: Segmenter, sizes: Sequence[Size], _dtype: str, calibration: Calibration | None) -> dict[str, bytes]:
    """The graph and its weights in one file, for images of any size, or of the first one if there is none for all."""
    with TemporaryDirectory() as folder:
        path = Path(folder, _FILE)
        try:
            write_onnx(Job(model), path)
        except UnetzooError:
            if not sizes:
                raise
            write_onnx(Job(model, image_size=sizes[0]), path)
        if calibration is not None:
            images = [padded(image, multiple_of(model)).numpy() for image in calibration.images]
            path = quantized(path, images, seven_bits=not torch.cpu._is_vnni_supported())
        return {_FILE: path.read_bytes()}


def start(_model: Segmenter, files: Mapping[str, bytes], _dtype: str) -> Callable[[Tensor], Tensor]:
    """A session, which several threads may use."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(files[_FILE], options, providers=["CPUExecutionProvider"])

    def run(image: Tensor) -> Tensor:
        (logits,) = session.run(None, {"image": image.contiguous().numpy()})
        return cropped(torch.from_numpy(logits), image)

    return run
