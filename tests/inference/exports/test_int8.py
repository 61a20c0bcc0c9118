"""ONNX files in int8: pairs of quantizing and dequantizing nodes, near the network in ONNX Runtime and OpenVINO."""

import numpy as np
import onnx
import pytest
import torch

import unetzoo

pytestmark = pytest.mark.long
INFO = unetzoo.ModelInfo(value_range=(0, 255), image_dtypes=("uint8",), mean=(0.5,), std=(0.25,))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    torch.manual_seed(0)
    options = {"widths": (8, 16)}
    net = unetzoo.create("unet", encoder="plain", encoder_options=options, classes=2, in_channels=1)
    return unetzoo.load(unetzoo.save(net, tmp_path_factory.mktemp("net") / "net", info=INFO))


@pytest.fixture(scope="module")
def images():
    noise = np.random.default_rng(0)
    return [noise.integers(0, 256, (48, 56), dtype=np.uint8) for _ in range(4)]


@pytest.fixture(scope="module")
def path(model, images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("int8")
    flags = {"dtype": "int8", "calibration": images, "with_normalization": True}
    path = unetzoo.export(model, folder / "net.onnx", **flags)
    assert [file.name for file in folder.iterdir()] == ["net.onnx"]
    return path


def _share(actual, expected):
    """The root mean square of the differences over that of the deviations from one half."""
    return float((np.square(actual - expected).mean() / np.square(expected - 0.5).mean()) ** 0.5)


def _tensors(image):
    return image[None, None].astype(np.float32)


def test_weights_of_convolutions_have_seven_bits_and_a_scale_a_channel(path):
    graph = onnx.load(path).graph
    kinds = [node.op_type for node in graph.node]
    assert {"QuantizeLinear", "DequantizeLinear", "Conv"} <= set(kinds)
    weights = [onnx.numpy_helper.to_array(each) for each in graph.initializer]
    kernels = [each for each in weights if each.ndim == 4]
    assert len(kernels) >= 4
    assert {each.dtype for each in kernels} == {np.dtype(np.int8)}
    assert max(int(np.abs(each.astype(int)).max()) for each in kernels) <= 64


def test_onnx_runtime_gives_nearly_the_probabilities_of_predict_for_any_size(path, model):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    image = np.random.default_rng(1).integers(0, 256, (61, 45), dtype=np.uint8)
    (actual,) = session.run(None, {"image": _tensors(image)})
    expected = unetzoo.predict(model, image)
    assert actual.shape[1:] == expected.shape
    assert 0 < _share(actual[0], expected) < 0.25


def test_openvino_gives_nearly_the_probabilities_of_predict(path, model):
    pytest.importorskip("openvino_telemetry")  # of OpenVINO, which the package itself imports
    from unetzoo.inference.engines.by_openvino import core

    image = np.random.default_rng(1).integers(0, 256, (64, 48), dtype=np.uint8)
    compiled = core().compile_model(path, "CPU")
    assert 0 < _share(compiled([_tensors(image)])[0][0], unetzoo.predict(model, image)) < 0.25


def test_a_file_whose_ranges_hide_the_usual_images_is_refused_and_nothing_stays(model, tmp_path):
    usual = [torch.randn(1, 1, 48, 56, generator=torch.Generator().manual_seed(index)) for index in range(4)]
    outlier = torch.full((1, 1, 48, 56), 1e6)
    with pytest.raises(unetzoo.UnetzooError, match="in int8 ONNX Runtime's logits would differ from those in float32"):
        unetzoo.export(model, tmp_path / "a.onnx", dtype="int8", calibration=[*usual, outlier])
    assert list(tmp_path.iterdir()) == []


def test_images_of_the_calibration_are_cut_to_a_fixed_size_and_smaller_ones_refused(model, images, tmp_path):
    path = unetzoo.export(model, tmp_path / "a.onnx", dtype="int8", calibration=images, image_size=(32, 48))
    assert [each.dim_value for each in onnx.load(path).graph.input[0].type.tensor_type.shape.dim][2:] == [32, 48]
    with pytest.raises(unetzoo.ShapeError, match="must have at least 64 x 64 pixels"):
        unetzoo.export(model, tmp_path / "b.onnx", dtype="int8", calibration=images, image_size=(64, 64))


def test_a_network_of_volumes_is_refused(tmp_path):
    net = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, spatial_dims=3)
    with pytest.raises(unetzoo.OptionError, match="an export in int8"):
        unetzoo.export(net.eval(), tmp_path / "a.onnx", dtype="int8", calibration=[torch.zeros(1, 3, 16, 16, 16)])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "int8"}, "int8 needs calibration"),
        ({"calibration": [np.zeros((32, 32), np.uint8)]}, "calibration is for int8: add dtype='int8'"),
        ({"calibration": np.zeros((2, 32, 32), np.uint8)}, "calibration is for int8: add dtype='int8'"),
        ({"dtype": "int4"}, "in float32 or int8, not in 'int4'"),
        ({"dtype": "int8", "ids": True, "with_normalization": True}, "without ids=True"),
    ],
)
def test_a_mistake_is_said_before_the_work(options, message, model, tmp_path):
    with pytest.raises(unetzoo.OptionError, match=message):
        unetzoo.export(model, tmp_path / "a.onnx", **options)
    assert list(tmp_path.iterdir()) == []
