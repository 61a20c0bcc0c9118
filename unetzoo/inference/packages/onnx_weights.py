"""Load ONNX weights of strangers: the graph and its weights in one file, by ONNX Runtime on the CPU."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from unetzoo.errors import WeightsError, describe_error


def load_onnx(content: bytes, name: str) -> Callable[[Tensor], Tensor]:
    """The function of an ONNX file.

    Args:
        content: of the file.
        name: of the package, for errors.

    Raises:
        WeightsError: it is damaged, has weights in other files, takes several inputs, or has unknown operators.
    """
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 4  # of a graph with oddities of its exporter
    try:
        model = onnx.load_model_from_string(content)
        places = {tensor.data_location for tensor in _tensors(model, onnx.TensorProto)}
        elsewhere = onnx.TensorProto.EXTERNAL in places
        if not elsewhere:
            session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # a hostile file may make the readers raise anything
        raise WeightsError(f"the ONNX graph of {name} cannot be read: {describe_error(error)}") from error
    if elsewhere:
        raise WeightsError(f"the ONNX graph of {name} has weights in other files, which are not read")
    inputs = [each.name for each in session.get_inputs()]
    if len(inputs) != 1:
        raise WeightsError(f"the ONNX graph of {name} takes {len(inputs)} inputs: {', '.join(inputs)}")

    def run(images: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {inputs[0]: images.contiguous().numpy()})[0])

    return run


def _tensors(message: Any, kind: type) -> Iterator[Any]:  # noqa: ANN401 - of protobuf
    """All tensors within a message, wherever the format has them."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for each in value if field.is_repeated else [value]:
            if isinstance(each, kind):
                yield each
            yield from _tensors(each, kind)
