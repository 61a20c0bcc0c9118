"""Graphs of OpenVINO in int8."""

import sys
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

import unetzoo

pytestmark = pytest.mark.long
INFO = unetzoo.ModelInfo(value_range=(0, 255), image_dtypes=("uint8",), mean=(0.5,), std=(0.25,))
FLAGS = {"target": "openvino", "dtype": "int8"}


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    options = {"widths": (8, 16)}
    net = unetzoo.create("unet", encoder="plain", encoder_options=options, classes=2, in_channels=1).eval()
    net.config = replace(net.config, info=INFO)
    return net


@pytest.fixture(scope="module")
def images():
    noise = np.random.default_rng(0)
    return [noise.integers(0, 256, (48, 56), dtype=np.uint8) for _ in range(4)]


@pytest.fixture(scope="module")
def path(model, images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("int8")
    path = unetzoo.export(model, folder / "net.xml", **FLAGS, calibration=images, with_normalization=True)
    assert sorted(file.name for file in folder.iterdir()) == ["net.bin", "net.xml"]
    return path


def test_weights_of_convolutions_are_stored_in_8_bits(path):
    layers = ElementTree.parse(path).getroot().find("layers")
    stored = [layer.find("data").get("element_type") for layer in layers if layer.get("type") == "Const"]
    kernels = sum(layer.get("type") in ("Convolution", "ConvolutionBackpropData") for layer in layers)
    assert stored.count("i8") == kernels >= 4
    assert any(layer.get("type") == "FakeQuantize" for layer in layers)


def test_openvino_gives_nearly_the_probabilities_of_predict_for_any_size(path, model):
    from unetzoo.inference.engines.by_openvino import core

    compiled = core().compile_model(path, "CPU")
    assert ({"image"}, {"probabilities"}) == (compiled.inputs[0].names, compiled.outputs[0].names)
    image = np.random.default_rng(1).integers(0, 256, (61, 45), dtype=np.uint8)
    actual, expected = compiled([image[None, None].astype(np.float32)])[0][0], unetzoo.predict(model, image)
    assert actual.shape == expected.shape
    assert 0 < (np.square(actual - expected).mean() / np.square(expected - 0.5).mean()) ** 0.5 < 0.25


def test_a_file_whose_ranges_hide_the_usual_images_is_refused_and_nothing_stays(model, tmp_path):
    usual = [torch.randn(1, 1, 48, 56, generator=torch.Generator().manual_seed(index)) for index in range(4)]
    bright = [torch.full((1, 1, 48, 56), 3e3)] * 6  # NNCF takes the mean of the ranges of images
    with pytest.raises(unetzoo.UnetzooError, match="in int8 OpenVINO's logits would differ from those in float32"):
        unetzoo.export(model, tmp_path / "a.xml", **FLAGS, calibration=[*usual, *bright])
    assert list(tmp_path.iterdir()) == []


def test_without_nncf_it_is_refused_before_the_work(model, images, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(unetzoo.MissingExtraError, match="an export for openvino in int8 needs nncf"):
        unetzoo.export(model, tmp_path / "a.xml", **FLAGS, calibration=images)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ids": True, "with_normalization": True}, "int8 is for the targets 'onnx' and 'openvino', without ids=True"),
        ({"target": "torch-export", "path": "a.pt2"}, "int8 is for the targets 'onnx' and 'openvino'"),
    ],
)
def test_a_mistake_is_said_before_the_work(options, message, model, images, tmp_path):
    options = {"path": "a.xml", **FLAGS, **options}
    with pytest.raises(unetzoo.OptionError, match=message):
        unetzoo.export(model, tmp_path / options.pop("path"), **options, calibration=images)
