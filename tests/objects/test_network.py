"""A network of objects is created, saved, exported and pruned as any other."""

import json

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - the field's name for it

import unetzoo
from unetzoo import OptionError
from unetzoo.nn.config import ModelConfig
from unetzoo.registry.objects import coding_of, network_maps

CHANNELS = {"components": 1, "weighted": 1, "boundary": 3, "distance": 3, "flows": 3}


def _model(objects="distance", decoder="unet", **options):
    torch.manual_seed(0)
    parts = {"encoder_options": {"widths": [8, 16]}} | options
    return unetzoo.create(decoder, encoder="plain", objects=objects, in_channels=1, **parts).eval()


@pytest.mark.parametrize(("objects", "channels"), CHANNELS.items())
def test_the_logits_have_the_channels_of_the_maps(objects, channels):
    model = _model(objects)
    assert model(torch.zeros(1, 1, 20, 24)).shape == (1, channels, 20, 24)
    assert (model.config.objects, model.config.classes) == (objects, channels)
    assert set(model.config.providers) == {"encoder", "decoder", "objects"}


def test_classes_of_objects_are_a_map_beside_those_of_the_coding():
    model = _model(object_classes=2)
    assert model.config.classes == 5
    assert [item.name for item in network_maps(model.config)] == ["foreground", "edge", "center", "class"]
    assert network_maps(model.config)[-1].channels == ("0", "1")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": 2}, "classes=2 follows from objects='distance': leave it out"),
        ({"object_classes": 0}, "object_classes must be a whole number >= 1, got 0"),
        ({"objects_options": {"sigma": 1}}, "object coding 'distance' has no option 'sigma'"),
        ({"objects": "", "object_classes": 2}, "object_classes=2 needs a coding of objects"),
        ({"objects": "", "objects_options": {"edge": 0.4}}, "objects_options .* need the name of a coding"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        _model(**{"objects": "distance"} | options)


def test_a_coding_that_does_not_exist_is_named_with_the_nearest_one():
    with pytest.raises(unetzoo.UnknownNameError, match="did you mean 'distance'"):
        _model("distances")


def test_a_configuration_without_objects_says_nothing_of_them():
    plain = ModelConfig(decoder="unet", encoder="plain").to_dict()
    assert not [key for key in plain if "objects" in key]


def test_a_saved_network_comes_back_with_its_coding_and_its_options(tmp_path):
    model = _model(objects_options={"edge": 0.4, "min_size": 7})
    unetzoo.save(model, tmp_path)
    loaded = unetzoo.load(tmp_path)
    assert loaded.config == model.config
    assert coding_of(loaded.config) == unetzoo.create_objects("distance", options={"edge": 0.4, "min_size": 7})
    image = torch.randn(1, 1, 32, 32)
    assert torch.equal(loaded.eval()(image), model(image))
    card = (tmp_path / "README.md").read_text()
    assert "| objects | `distance`" in card
    assert "unetzoo.predict_objects(model, image)" in card


def test_a_configuration_with_channels_of_another_coding_is_refused(tmp_path):
    unetzoo.save(_model(), tmp_path)
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"objects": "boundary", "classes": 4}))
    with pytest.raises(OptionError, match="the coding 'boundary' has 3 channels, the network 4"):
        unetzoo.load(tmp_path)


def test_a_pruned_network_keeps_its_coding():
    options = {"widths": [4, 8], "deep_supervision": True}
    model = _model(decoder="unetpp", decoder_options=options, encoder_options={"widths": [4, 8, 16]})
    pruned = unetzoo.prune(model, 1)
    assert (pruned.config.objects, pruned.config.classes) == ("distance", 3)
    image = torch.randn(1, 1, 32, 32)
    assert torch.allclose(pruned(image), model.all_logits(image)[0], atol=1e-5)


def test_onnx_gives_activated_maps_and_says_which_they_are(tmp_path):
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    model = _model("flows", objects_options={"threshold": 0.4}, object_classes=2)
    path = unetzoo.export(model, tmp_path / "model.onnx")
    image = torch.randn(2, 1, 40, 56)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (maps,) = session.run(["maps"], {"image": image.numpy()})
    with torch.no_grad():
        logits = model(image)
    index = {name: place for place, name in enumerate(_channels(model))}
    foreground = index["foreground"]
    np.testing.assert_allclose(maps[:, foreground], torch.sigmoid(logits[:, foreground]), atol=1e-4)
    np.testing.assert_allclose(maps[:, -2:], F.softmax(logits[:, -2:], 1), atol=1e-4)
    others = [place for name, place in index.items() if name not in ("foreground", "0", "1")]
    np.testing.assert_allclose(maps[:, others], logits[:, others], atol=1e-4)
    metadata = {item.key: json.loads(item.value) for item in onnx.load(path).metadata_props}
    assert metadata["objects"] == "flows"
    assert metadata["objects_options"] == {"threshold": 0.4}
    assert [item["activation"] for item in metadata["maps"]][-1] == "softmax"


def _channels(model):
    return [channel for item in network_maps(model.config) for channel in item.channels]
