"""ONNX Runtime as an engine, on the CPU; int8 as pairs of quantizing and dequantizing nodes (QDQ)."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unetzoo._utils.extras import need
from unetzoo.errors import UnetzooError
from unetzoo.inference.engines.calibration import Calibration
from unetzoo.inference.engines.padding import Size, cropped, multiple_of, padded
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
            path = _quantized(path, [padded(image, multiple_of(model)).numpy() for image in calibration.images])
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


def _quantized(path: Path, images: Sequence[NDArray[np.float32]]) -> Path:
    """The file in int8; on a CPU without VNNI, whose sums have 16 bits, weights have 7, or sums overflow."""
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    reader = _reader(quantization.CalibrationDataReader, images)
    prepared, target = path.with_name("prepared.onnx"), path.with_name("int8.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quant_pre_process(path, prepared, skip_symbolic_shape=True)
        quantization.quantize_static(
            prepared,
            target,
            reader,
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            reduce_range=not torch.cpu._is_vnni_supported(),
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
    return target


def _reader(base: Any, images: Sequence[NDArray[np.float32]]) -> Any:  # noqa: ANN401 - ONNX Runtime's
    """The images as ONNX Runtime reads them."""

    class Reader(base):  # type: ignore[misc] # ONNX Runtime ships no types
        def __init__(self) -> None:
            self._left: Iterator[NDArray[np.float32]] = iter(images)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            image = next(self._left, None)
            return None if image is None else {"image": image}

    return Reader()
