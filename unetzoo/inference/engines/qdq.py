"""ONNX files in int8, as pairs of quantizing and dequantizing nodes (QDQ), which many programs read."""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Images = Sequence[NDArray[np.float32]]


def quantized(path: Path, images: Images, *, seven_bits: bool) -> Path:
    """A file in int8 beside that in float32.

    Args:
        path: of the file in float32.
        images: that it takes, each (b, c, h, w): ranges of all maps are taken from them.
        seven_bits: weights have 7 bits. On x86 without VNNI sums have 16 bits, and those of 8-bit weights overflow.
    """
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
            reduce_range=seven_bits,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
    prepared.unlink()
    return target


def _reader(base: Any, images: Images) -> Any:  # noqa: ANN401 - ONNX Runtime's
    """The images as ONNX Runtime reads them."""

    class Reader(base):  # type: ignore[misc] # ONNX Runtime ships no types
        def __init__(self) -> None:
            self._left: Iterator[NDArray[np.float32]] = iter(images)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            image = next(self._left, None)
            return None if image is None else {"image": image}

    return Reader()
