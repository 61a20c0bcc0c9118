"""Networks over three axes that other libraries compute."""

import pickle

import numpy as np
import pytest
import stacks
import tifffile
import torch
from blobs import Blobs
from torch import nn

import unetzoo
from unetzoo.inference.engines.padding import cropped, padded

ENGINES = ("openvino", "onnxruntime")


def _network(**options):
    """Thick slices: the first step halves rows and columns alone."""
    torch.manual_seed(0)
    encoder_options = {"widths": (4, 8, 8), "strides": [1, [1, 2, 2], 2]}
    model = unetzoo.create(
        "unet", encoder="plain", spatial_dims=3, in_channels=1, classes=2, encoder_options=encoder_options, **options
    )
    for module in model.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2)
    return model.eval()


@pytest.fixture(scope="module", params=ENGINES)
def fast(request):
    return unetzoo.optimize(_network(), engine=request.param)


@pytest.mark.parametrize("shape", [(1, 1, 8, 16, 24), (1, 1, 1, 1, 1), (2, 1, 5, 13, 22)])
def test_an_engine_gives_the_logits_for_any_batch_and_size(fast, shape):
    volume = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = _network()(volume)
    torch.testing.assert_close(fast(volume), expected, rtol=0, atol=1e-4 * float(expected.abs().max()))


def test_volumes_are_predicted_in_blocks_and_the_network_is_pickled(fast):
    volume = Blobs(1, 0, (20, 70, 60))[0].image
    expected = unetzoo.predict(_network(), volume, tile=32)
    np.testing.assert_allclose(unetzoo.predict(fast, volume, tile=32), expected, atol=1e-5)
    again = pickle.loads(pickle.dumps(fast))
    np.testing.assert_array_equal(unetzoo.predict(again, volume, tile=32), unetzoo.predict(fast, volume, tile=32))


def test_files_are_predicted_by_an_engine(tmp_path):
    model, stack = _network(), stacks.write_stack(tmp_path / "a.tif", stacks.volume()[0])
    ids = []
    for engine in ("torch", "openvino"):
        options = unetzoo.PredictOptions(engine=engine, device="cpu")
        (done,) = unetzoo.predict_files(model, stack, tmp_path / f"{engine}.tif", options=options)
        assert done.state == "predicted"
        ids.append(tifffile.imread(done.file))
    assert (ids[0] == ids[1]).mean() > 0.999


def test_a_graph_of_one_size_of_blocks_gives_their_logits():
    fast = unetzoo.optimize(_network(), engine="openvino", image_size=(6, 16, 24))
    volume = torch.randn(1, 1, 6, 16, 24)
    fast(volume)
    assert (1, 1, 6, 16, 24) in fast.engine.start()._own
    with torch.no_grad():
        torch.testing.assert_close(fast(volume), _network()(volume), rtol=0, atol=1e-4)


def test_instance_norms_are_those_of_the_volume_in_openvino():
    model = _network(decoder_options={"norm": "instance"})
    volume = torch.randn(1, 1, 7, 18, 20)
    with torch.no_grad():
        expected = model(volume)
    torch.testing.assert_close(unetzoo.optimize(model, engine="openvino")(volume), expected, rtol=0, atol=1e-4)


def test_images_and_int8_are_refused(fast):
    with pytest.raises(unetzoo.ShapeError, match=r"\(b, 1, d, h, w\)"):
        fast(torch.zeros(1, 1, 16, 16))
    with pytest.raises(unetzoo.OptionError, match="int8 is for networks of images, and this one has spatial_dims=3"):
        unetzoo.optimize(_network(), engine=fast.engine.engine, dtype="int8", calibration=[np.zeros((8, 8, 8))])


def test_volumes_are_padded_by_their_last_voxels_along_each_axis():
    volume = torch.arange(2 * 3 * 5.0).reshape(1, 1, 2, 3, 5)
    larger = padded(volume, (2, 4, 4))
    expected = np.pad(volume[0, 0].numpy(), ((0, 0), (0, 1), (0, 3)), mode="edge")
    np.testing.assert_array_equal(larger[0, 0], expected)
    assert torch.equal(cropped(larger, volume), volume)


@pytest.mark.long
def test_a_network_of_volumes_is_deployed_with_the_scores_of_torch(tmp_path):
    torch.manual_seed(0)
    model = unetzoo.create(
        "unet", encoder="plain", spatial_dims=3, in_channels=1, classes=2, encoder_options={"widths": (4, 8)}
    )
    data = {"train": Blobs(4, 0), "val": Blobs(2, 1)}
    options = unetzoo.FitOptions(crop=16, batch=2, steps=20, epochs=1, learning_rate=1e-2, average=0, device="cpu")
    trained = unetzoo.fit(model, data, tmp_path / "run", options=options).model
    result = unetzoo.deploy(trained, data, tmp_path / "app", engines=["openvino", "onnxruntime"])
    scores = {(each.engine, each.dtype): each for each in result.candidates}
    reference = scores["torch", "float32"].score
    for engine in ENGINES:
        assert scores[engine, "float32"].score == pytest.approx(reference, abs=1e-3)
        assert "int8 is for networks of images" in scores[engine, "int8"].reason
    assert result.pixels == (16, 22, 20)
    assert (
        "2 validation volumes, and the time of one of 16 x 22 x 20 voxels" in (tmp_path / "app/README.md").read_text()
    )
    deployed, volume = unetzoo.load_deployed(tmp_path / "app"), Blobs(1, 5)[0].image
    assert deployed.engine.engine == result.kept.engine
    np.testing.assert_allclose(unetzoo.predict(deployed, volume), unetzoo.predict(trained, volume), atol=1e-2)
    assert unetzoo.evaluate(deployed, data["val"]).mean["IoU"].value == pytest.approx(result.kept.score)


def test_images_are_none_for_deploying_a_network_of_volumes(tmp_path):
    with pytest.raises(unetzoo.OptionError, match="the data has images, the network takes volumes"):
        unetzoo.deploy(_network(), "nuclei", tmp_path / "app", engines=["torch"])
    assert not (tmp_path / "app").exists()
