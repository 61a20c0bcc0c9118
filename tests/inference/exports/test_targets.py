"""Files of every target give what `predict` gives: raw pixels in, probabilities or ids out."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import unetzoo
from unetzoo.inference.exports.interface import ClassIds, Interface, wrapped
from unetzoo.inference.exports.program import Job, check_same

INFO = unetzoo.ModelInfo(
    class_names=("background", "cell", "border"),
    mean=(0.4, 0.5, 0.6),
    std=(0.2, 0.1, 0.3),
    value_range=(0, 255),
    image_dtypes=("uint8",),
    nodata=(7,),
)
SUFFIXES = {"onnx": ".onnx", "openvino": ".xml", "torch-export": ".pt2"}


def _network(classes=3, **options):
    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=classes, **options)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2)
    with torch.no_grad():  # so that each class is somewhere the most probable one
        noise = model.eval()(torch.randn(1, 3, 64, 64))
        model.heads[-1].weight.mul_(4 / noise.std())
        model.heads[-1].bias.sub_(noise.mean((0, 2, 3))).mul_(4 / noise.std())
    return model


def _with(model, **changes):
    model.config = replace(model.config, **changes)
    return model


def _run(path, image):
    """What the consumer of a file makes of images (b, c, h, w)."""
    if path.suffix == ".pt2":
        with torch.no_grad():
            return torch.export.load(path).module()(image).numpy()
    if path.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        return session.run(None, {"image": image.numpy()})[0]
    from unetzoo.inference.engines.by_openvino import core

    compiled = core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return compiled({"image": image.numpy()})[0]


@pytest.fixture(params=SUFFIXES)
def target(request):
    if request.param == "openvino":  # to import it would start its telemetry
        from importlib.util import find_spec

        if find_spec("openvino") is None:
            pytest.skip("needs openvino")
    return request.param


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (45, 38, 3), dtype=np.uint8)


def _batch(pixels):
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float()


def test_a_file_with_the_normalization_gives_the_probabilities_of_predict_for_raw_pixels(target, pixels, tmp_path):
    model = _with(_network(), info=INFO)
    path = unetzoo.export(model, tmp_path / f"n{SUFFIXES[target]}", target=target, with_normalization=True)
    assert (pixels == 7).any()  # a value that stands for no data
    np.testing.assert_allclose(_run(path, _batch(pixels))[0], unetzoo.predict(model, pixels), atol=1e-5)


@pytest.mark.parametrize("target", ["openvino", "torch-export"], indirect=True)
def test_logits_for_normalized_images_of_another_batch_and_size(target, tmp_path):
    model = _network()
    path = unetzoo.export(model, tmp_path / f"n{SUFFIXES[target]}", target=target)
    images = torch.randn(3, 3, 31, 50)
    with torch.no_grad():
        expected = model(images).numpy()
    np.testing.assert_allclose(_run(path, images), expected, atol=1e-5 * np.abs(expected).max())
    expected = {"n.xml", "n.bin"} if target == "openvino" else {"n.pt2"}
    assert {file.name for file in tmp_path.iterdir()} == expected


LABELS = {
    "exclusive": {},
    "thresholds": {"postprocessing": {"thresholds": {"border": 0.3}, "temperature": 2.0}},
    "single": {"classes": 1},
    "overlapping": {"labels": "overlapping"},
}


@pytest.mark.parametrize("kind", LABELS)
def test_the_ids_of_a_graph_have_the_thresholds_of_the_network(kind, pixels, tmp_path):
    model = _of_kind(kind)
    with torch.no_grad():
        ids = wrapped(model, Interface(takes_pixels=True, output="ids"))(_batch(pixels))[0].numpy()
    expected = _predicted(model, pixels, tmp_path)
    assert len(np.unique(expected)) == (3 if kind in ("exclusive", "thresholds") else 2)
    assert ids.dtype == np.uint8
    np.testing.assert_array_equal(ids, expected)


def test_a_file_of_ids_gives_the_ids_of_predict(pixels, tmp_path):
    model, path = _of_kind("thresholds"), tmp_path / "n.onnx"
    unetzoo.export(model, path, image_size=(45, 38), with_normalization=True, ids=True)
    assert (_run(path, _batch(pixels))[0] == _predicted(model, pixels, tmp_path)).mean() > 0.999


def _of_kind(kind):
    given = dict(LABELS[kind])
    post = given.pop("postprocessing", {})
    info = INFO
    if kind == "single":
        info = replace(INFO, class_names=("cell",), thresholds=(0.4,))
    if kind == "overlapping":
        info = replace(INFO, thresholds=(0.3, 0.5, 0.4), nested=("background", "cell"))
    return _with(_network(**given), info=replace(info, nodata=()), postprocessing=post)


def _predicted(model, pixels, folder):
    np.save(folder / "pixels.npy", pixels)
    unetzoo.predict_files(model, folder / "pixels.npy", folder / "mask.npy")
    mask = np.load(folder / "mask.npy")
    return mask if mask.ndim == 2 or mask.shape[0] == 3 else mask.transpose(2, 0, 1)


def test_outputs_that_differ_by_a_thousandth_or_more_are_refused():
    model = _network()
    with pytest.raises(unetzoo.UnetzooError, match=r"the peer's logits differ from the network's by 0.01 of their max"):
        check_same(Job(model), lambda image: model(image).detach() * 1.01, "the peer")
    check_same(Job(model), lambda image: model(image).detach() * 1.0005, "the peer")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "onxn"}, "no target 'onxn'; did you mean 'onnx'"),
        ({"ids": True}, "add with_normalization=True"),
        ({"with_normalization": True}, r"info=ModelInfo\(value_range"),
        ({"target": "torch-export"}, "the name of the file must end in .pt2"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_any_work(options, message, tmp_path):
    with pytest.raises(unetzoo.UnetzooError, match=message):
        unetzoo.export(_network(), tmp_path / "n.onnx", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_network_of_over_256_classes_has_ids_of_four_bytes():
    probabilities = torch.eye(300)[None, :, None]  # (1, 300 classes, 1, 300): the class of each pixel is its column
    np.testing.assert_array_equal(ClassIds((), 300)(probabilities)[0, 0].numpy(), np.arange(300))


def test_a_mean_that_does_not_fit_the_channels_is_refused(tmp_path):
    model = _with(_network(), info=replace(INFO, mean=(0.1, 0.2)))
    with pytest.raises(unetzoo.OptionError, match="mean must be one for each of its 3 channels"):
        unetzoo.export(model, tmp_path / "n.onnx", with_normalization=True)
    assert list(tmp_path.iterdir()) == []


def test_ids_that_need_whole_components_are_refused(tmp_path):
    model = _with(_network(), info=INFO, postprocessing={"largest": ["cell"]})
    with pytest.raises(unetzoo.OptionError, match="whole components"):
        unetzoo.export(model, tmp_path / "n.onnx", with_normalization=True, ids=True)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the alarm may ring anywhere
def test_an_older_file_stays_when_the_new_one_cannot_be_made(tmp_path):
    (tmp_path / "n.pt2").write_text("older")
    with pytest.raises(unetzoo.UnetzooError, match="fix the size of the images"):
        unetzoo.export(_network(), tmp_path / "n.pt2", target="torch-export", patience=0.05)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("n.pt2", "older")]
