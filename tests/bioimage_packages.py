"""Packages of bioimage.io that bioimageio.spec writes, of graphs that the onnx package makes: nothing of unetzoo."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

KERNEL = np.random.default_rng(3).normal(size=(2, 1, 3, 3)).astype(np.float32)


def graph_of(node, initializers, rank=4):
    """An ONNX file of one operator, from `x` to `y`."""
    shapes = [[f"{name}{axis}" for axis in range(rank)] for name in "ab"]
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in zip("xy", shapes, strict=True)
    ]
    graph = helper.make_graph([node], "graph", values[:1], values[1:], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def convolution(pads=(1, 1, 1, 1)):
    """A convolution of one channel to two, 3 x 3 pixels, without a bias."""
    node = helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[3, 3], pads=list(pads))
    return graph_of(node, [numpy_helper.from_array(KERNEL, "w")])


def convolved(image, kernel=KERNEL):
    """What that gives for an image (h, w), with zeros beyond its borders: the sum over shifted images."""
    padded = np.pad(image.astype(np.float64), 1)
    height, width = image.shape
    shifted = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    return np.einsum("khw,ck->chw", shifted, kernel.reshape(2, 9).astype(np.float64))


def axes(*, step=4, least=8, channels=None, output=False, halo=0, offset=0):
    """Axes (batch, channel, y, x) in the format 0.5."""
    size = {"min": least, "step": step} if step else least
    sides = []
    for axis in "yx":
        own = {"tensor_id": "raw", "axis_id": axis, "offset": offset} if output else size
        sides.append({"type": "space", "id": axis, "size": own} | ({"halo": halo} if halo else {}))
    return [{"type": "batch"}, {"type": "channel", "channel_names": list(channels or ["gray"])}, *sides]


def described(folder, image, result, *, before=(), after=(), weights="onnx", data="uint8", **parts):
    """The description of a package of a convolution, whose test is an image (h, w) and its result (c, h, w)."""
    np.save(folder / "image.npy", image[None, None])
    np.save(folder / "result.npy", result[None])
    entries = {
        "onnx": {"source": "net.onnx", "opset_version": 17},
        "torchscript": {"source": "net.pt", "pytorch_version": "2.8"},
    }
    return {
        "type": "model",
        "format_version": "0.5.14",
        "name": "edges of others",
        "inputs": [
            {
                "id": "raw",
                "axes": parts.get("seen", axes()),
                "data": {"type": data},
                "test_tensor": {"source": "image.npy"},
                "preprocessing": [*before, {"id": "ensure_dtype", "kwargs": {"dtype": "float32"}}],
            }
        ],
        "outputs": [
            {
                "id": "edges",
                "axes": parts.get("given", axes(channels=["a", "b"], output=True)),
                "test_tensor": {"source": "result.npy"},
                "postprocessing": list(after),
            }
        ],
        "weights": {name: entries[name] for name in ([weights] if isinstance(weights, str) else weights)},
    }


def packed(description, folder, path):
    """The path of the .zip file that bioimageio.spec writes."""
    from bioimageio import spec

    with spec.ValidationContext(root=folder, file_name="rdf.yaml", log_warnings=False, progressbar=False):
        model = spec.build_description(description)
        assert not isinstance(model, spec.InvalidDescr), model.get_reason()
        spec.save_bioimageio_package(model, output_path=path, local_files_only=True)
    return path
