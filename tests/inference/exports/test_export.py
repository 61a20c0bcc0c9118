import copy

import numpy as np
import pytest
import torch
from sweeps import sweep

import unetzoo

pytestmark = pytest.mark.long


def _logits(path, image):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {"image": image.numpy()})[0]


NETWORKS = {
    "test_vit": ("unet", {"depth": 2}),  # pads to its patches of 16 pixels, the deepest level has 4
    "plain": ("unetpp", {"widths": (4, 8, 8)}),
    "resnet10t": ("unet", {"depth": 2}),
    "convnext_atto": ("unetpp", {}),
}


@pytest.fixture(scope="module", params=sweep(NETWORKS, ["test_vit", "plain"]))
def exported(request, tmp_path_factory):
    """A network and its ONNX file."""
    torch.manual_seed(0)
    decoder, options = NETWORKS[request.param]
    model = unetzoo.create(decoder, encoder=request.param, encoder_options=options, classes=2)
    return model, unetzoo.export(model, tmp_path_factory.mktemp("onnx") / "model.onnx")


@pytest.mark.parametrize("shape", [(1, 3, 64, 64), (1, 3, 1, 1), (2, 3, 31, 100), (3, 3, 129, 32)])
def test_onnx_runtime_gives_the_logits_for_any_batch_and_size(exported, shape):
    model, path = exported
    image = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = model.eval()(image).numpy()
    np.testing.assert_allclose(_logits(path, image), expected, atol=1e-4 * np.abs(expected).max(), rtol=0)


def test_onnx_runtime_gives_the_logits_of_volumes_of_any_size(tmp_path):
    torch.manual_seed(0)
    model = unetzoo.create(
        "unet",
        encoder="plain",
        spatial_dims=3,
        in_channels=2,
        classes=2,
        encoder_options={"widths": [4, 8], "kernel_sizes": [[1, 3, 3], 3], "strides": [1, [1, 2, 2]]},
        decoder_options={"attention": "scse", "upsample": "bilinear"},
    ).eval()
    path = unetzoo.export(model, tmp_path / "model.onnx")
    for shape in ((1, 2, 3, 9, 13), (2, 2, 1, 1, 1)):
        volume = torch.randn(shape)
        with torch.no_grad():
            expected = model(volume).numpy()
        np.testing.assert_allclose(_logits(path, volume), expected, atol=1e-4 * np.abs(expected).max(), rtol=0)


def test_export_is_in_float32_and_leaves_the_network_as_it_was_and_nothing_but_the_file(tmp_path):
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": [4, 8]}).to(torch.bfloat16).train()
    model.encoder.eval()
    path = unetzoo.export(model, tmp_path / "model.onnx")
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]
    assert (model.training, model.encoder.training) == (True, False)
    assert {weight.dtype for weight in model.parameters()} == {torch.bfloat16}
    image = torch.randn(1, 3, 40, 50, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = copy.deepcopy(model).float().eval()(image).numpy()
    np.testing.assert_allclose(_logits(path, image), expected, atol=1e-4 * np.abs(expected).max(), rtol=0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the alarm may ring anywhere
def test_a_search_for_a_graph_of_every_size_ends_in_time_and_says_the_way_out(tmp_path):
    model = unetzoo.create("unet", encoder="swin_tiny_patch4_window7_224")
    expected = r"found no graph for every size in 3 seconds of computing; fix the size of the images: image_size=\[512"
    with pytest.raises(unetzoo.UnetzooError, match=expected):
        unetzoo.export(model, tmp_path / "swin.onnx", patience=3)
    assert list(tmp_path.iterdir()) == []


class _OfOneWidth(unetzoo.Segmenter):
    """Takes images of the width with which it is recorded."""

    def forward(self, x):
        return super().forward(x + torch.zeros(int(x.shape[-1])))


def test_a_graph_that_depends_on_the_size_is_refused_with_the_way_out(tmp_path):
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)})
    model.__class__ = _OfOneWidth
    with pytest.raises(
        unetzoo.UnetzooError, match=r"for another batch or size; fix the size .*: image_size=\[512, 512"
    ):
        unetzoo.export(model, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_backbone_whose_graph_depends_on_the_size_is_refused_with_the_way_out(tmp_path):
    model = unetzoo.create("unet", encoder="coat_lite_tiny", encoder_options={"img_size": (64, 96)})
    with pytest.raises(unetzoo.UnetzooError, match=r"; fix the size of the images: image_size=\[512, 512\]"):
        unetzoo.export(model, tmp_path / "coat.onnx", patience=30)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("encoder", "options"),
    [
        ("plain", {"widths": (4, 8)}),
        pytest.param("coat_lite_tiny", {"img_size": (64, 96)}, marks=pytest.mark.slow),
    ],
)
def test_a_graph_may_be_fixed_to_one_size(encoder, options, tmp_path):
    model = unetzoo.create("unet", encoder=encoder, encoder_options=options)
    path = unetzoo.export(model, tmp_path / "fixed.onnx", image_size=(60, 96))
    image = torch.randn(3, 3, 60, 96)
    with torch.no_grad():
        expected = model.eval()(image).numpy()
    np.testing.assert_allclose(_logits(path, image), expected, atol=1e-4 * np.abs(expected).max(), rtol=0)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.pt", r"must end in \.onnx for this target"),
        ("missing/model.onnx", "there is no folder .*missing to"),
    ],
)
def test_a_path_that_cannot_be_written_is_refused_before_any_work(tmp_path, name, message):
    with pytest.raises(unetzoo.UnetzooError, match=message):
        unetzoo.export(unetzoo.create("unet", encoder="plain"), tmp_path / name)
