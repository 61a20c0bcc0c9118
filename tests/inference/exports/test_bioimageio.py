"""A bioimage.io package: offline, valid, and each of its weights gives the stated output for the stated input."""

import io
import zipfile
from importlib import import_module

import numpy as np
import pytest
import torch
from PIL import Image

import unetzoo
from unetzoo.testing.rules import without_network

spec = pytest.importorskip("bioimageio.spec")
pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # it leaves files open
]
INFO = unetzoo.ModelInfo(
    class_names=("background", "cell"),
    channel_names=("red", "nir"),
    mean=(0.4, 0.5),
    std=(0.2, 0.3),
    value_range=(0, 255),
    image_dtypes=("uint8",),
    pixel_size=(0.5, 0.25),
    unit="um",
    license="cc-by-4.0",
)
NET = {"encoder": "plain", "encoder_options": {"widths": (4, 8)}, "in_channels": 2}


def _saved(folder, model, info=INFO):
    return unetzoo.load(unetzoo.save(model, folder / "net", info=info))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    torch.manual_seed(0)
    return _saved(tmp_path_factory.mktemp("net"), unetzoo.create("unet", classes=2, **NET))


@pytest.fixture(scope="module")
def package(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    with without_network():
        path = unetzoo.export(model, folder / "cells.zip", target="bioimageio")
    assert [file.name for file in folder.iterdir()] == ["cells.zip"]
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def description(package):
    with without_network():
        loaded = spec.load_model_description(package.filename)
    return loaded.model_dump(mode="json")


def _array(package, name):
    return np.load(io.BytesIO(package.read(name)))


def _prepared(package, description):
    """The test input after the preprocessing of the description, computed by hand."""
    values = _array(package, "test_input.npy")
    for step in description["inputs"][0]["preprocessing"]:
        if step["id"] == "ensure_dtype":
            values = values.astype(step["kwargs"]["dtype"])
        else:
            assert step["id"] == "fixed_zero_mean_unit_variance"
            assert step["kwargs"]["axis"] == "channel"
            mean, deviation = (np.array(step["kwargs"][name])[:, None, None] for name in ("mean", "std"))
            values = (values - mean) / deviation
    return values


def _softmax(logits):
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def _by_onnx(package, _, images):
    import onnxruntime

    session = onnxruntime.InferenceSession(package.read("weights.onnx"), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: images})[0]


@pytest.mark.filterwarnings("ignore:`torch.jit.load` is (deprecated|not supported)")
def _by_torchscript(package, _, images):
    with torch.no_grad():
        return torch.jit.load(io.BytesIO(package.read("weights-torchscript.pt")))(torch.from_numpy(images)).numpy()


def _by_state(package, description, images):
    architecture = description["weights"]["pytorch_state_dict"]["architecture"]
    network = getattr(import_module(architecture["import_from"]), architecture["callable"])(**architecture["kwargs"])
    network.load_state_dict(torch.load(io.BytesIO(package.read("weights.pt")), weights_only=True))
    with torch.no_grad():
        return network.eval()(torch.from_numpy(images)).numpy()


@pytest.mark.filterwarnings("ignore:.*torch.jit.*")
@pytest.mark.parametrize("run", [_by_onnx, _by_torchscript, _by_state])
def test_each_weight_gives_the_stated_output_for_the_stated_input(run, package, description):
    images = _prepared(package, description)
    assert images.dtype == np.float32
    assert description["outputs"][0]["postprocessing"][0]["id"] == "softmax"
    actual = _softmax(run(package, description, images))
    np.testing.assert_allclose(actual, _array(package, "test_output.npy"), atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*")
def test_the_trace_holds_for_other_sizes_of_the_stated_step(model, package, description):
    steps = {axis["id"]: axis["size"] for axis in description["inputs"][0]["axes"] if axis["type"] == "space"}
    sides = [steps[axis]["min"] + number * steps[axis]["step"] for axis, number in (("y", 5), ("x", 0))]
    images = np.random.default_rng(0).normal(size=(2, 2, *sides)).astype(np.float32)
    with torch.no_grad():
        expected = model(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(_by_torchscript(package, None, images), expected, atol=1e-5 * np.abs(expected).max())


def test_the_stated_output_is_what_predict_gives(model, package):
    pixels = _array(package, "test_input.npy")[0].transpose(1, 2, 0)
    assert pixels.dtype == np.uint8
    np.testing.assert_allclose(unetzoo.predict(model, pixels), _array(package, "test_output.npy")[0], atol=1e-5)


def test_the_description_names_axes_pixel_size_channels_classes_license_and_cover(package, description):
    (image,), (output,) = description["inputs"], description["outputs"]
    assert [axis.get("scale") for axis in image["axes"]][2:] == [0.5, 0.25]
    assert {axis["unit"] for axis in image["axes"][2:]} == {"micrometer"}
    assert image["axes"][1]["channel_names"] == ["red", "nir"]
    assert output["axes"][1]["channel_names"] == ["background", "cell"]
    assert all(0 < 2 * axis["halo"] < 256 for axis in output["axes"][2:])
    assert description["license"] == "CC-BY-4.0"
    assert Image.open(io.BytesIO(package.read("cover.png"))).size[0] > 256


@pytest.mark.parametrize(
    ("options", "info", "message"),
    [
        ({}, unetzoo.ModelInfo(), "a bioimage.io package needs to know the values of the training images"),
        ({"decoder_options": {"padding": "valid"}}, INFO, "without padding"),
    ],
)
def test_what_a_package_cannot_say_is_refused_and_nothing_stays(options, info, message, tmp_path):
    encoder = {"widths": (4, 8)} | options.get("decoder_options", {})
    model = unetzoo.create("unet", **NET | {"encoder_options": encoder}, **options)
    (tmp_path / "out").mkdir()
    with pytest.raises(unetzoo.UnetzooError, match=message):
        unetzoo.export(_saved(tmp_path, model, info), tmp_path / "out" / "a.zip", target="bioimageio")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_network_of_objects_gives_its_maps_at_a_fixed_size_and_has_no_state_dict(tmp_path):
    torch.manual_seed(0)
    options = NET | {"in_channels": 1}
    info = unetzoo.ModelInfo(value_range=(0, 4095), image_dtypes=("uint16",))
    model = _saved(tmp_path, unetzoo.create("unet", objects="distance", **options), info)
    path = unetzoo.export(model, tmp_path / "cells.zip", target="bioimageio", image_size=(32, 48))
    package = zipfile.ZipFile(path)
    description = spec.load_model_description(path).model_dump(mode="json")
    pixels, maps = _array(package, "test_input.npy"), _array(package, "test_output.npy")
    assert (pixels.dtype, pixels.shape) == (np.uint16, (1, 1, 32, 48))
    assert pixels.max() > 255
    np.testing.assert_allclose(unetzoo.predict(model, pixels[0, 0]), maps[0], atol=1e-5)
    np.testing.assert_allclose(_by_onnx(package, None, _prepared(package, description)), maps, atol=1e-5)
    assert description["weights"]["pytorch_state_dict"] is None
    assert description["config"]["unetzoo"]["objects"] == "distance"
    assert [axis["size"] for axis in description["inputs"][0]["axes"][2:]] == [32, 48]
