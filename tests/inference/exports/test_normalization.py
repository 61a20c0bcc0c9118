"""Files for other programs of networks that do not normalize by the mean and std of all images."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import unetzoo
from unetzoo.testing.rules import without_network

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # bioimageio.spec leaves files open
]
CLIP = unetzoo.ClipNormalization(low=40, high=180, mean=100, std=30)
OTHER = unetzoo.ClipNormalization(low=10, high=80, mean=30, std=20)
PIXELS = np.random.default_rng(0).integers(0, 256, (256, 288, 3)).astype(np.uint8)


def _network(*normalization):
    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=2).eval()
    known = {"value_range": (0, 255), "image_dtypes": ["uint8"], "class_names": ["background", "cell"]}
    model.config = replace(model.config, info=unetzoo.ModelInfo(normalization=normalization, **known))
    return model


def _as_batch(pixels):
    return np.moveaxis(pixels, -1, 0)[None].astype(np.float32)


@pytest.mark.parametrize(
    "normalization", [pytest.param((CLIP,), marks=pytest.mark.slow), (CLIP, "none", OTHER)], ids=str
)
def test_an_onnx_file_cuts_values_as_predict_does(normalization, tmp_path):
    import onnxruntime

    model = _network(*normalization)
    path = unetzoo.export(model, tmp_path / "model.onnx", with_normalization=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (seen,) = session.run(None, {"image": _as_batch(PIXELS)})
    np.testing.assert_allclose(seen[0], unetzoo.predict(model, PIXELS), atol=1e-4)


@pytest.mark.parametrize("normalization", ["z-score", "z-score of nonzero", "to 0..1"])
def test_a_graph_does_not_take_the_values_of_whole_images(normalization, tmp_path):
    model = _network(normalization, CLIP, CLIP)
    message = f"with_normalization=True does not normalize by {normalization}, which depends on .* leave with_norm"
    with pytest.raises(unetzoo.OptionError, match=message):
        unetzoo.export(model, tmp_path / "model.onnx", with_normalization=True)
    with pytest.raises(unetzoo.OptionError, match="package does not normalize by"):
        unetzoo.export(model, tmp_path / "model.zip", target="bioimageio")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("normalization", ["z-score", CLIP], ids=str)
def test_a_package_of_bioimage_io_has_it_as_steps(normalization, tmp_path):
    pytest.importorskip("bioimageio.spec")
    model = _network(normalization)
    with without_network():
        path = unetzoo.export(model, tmp_path / "model.zip", target="bioimageio")
    package = unetzoo.load_package(path)
    np.testing.assert_allclose(package.predict(PIXELS), unetzoo.predict(model, PIXELS), atol=1e-4)


def test_a_package_of_bioimage_io_has_one_pair_of_limits(tmp_path):
    pytest.importorskip("bioimageio.spec")
    with pytest.raises(unetzoo.OptionError, match="cuts all channels to the same limits"):
        unetzoo.export(_network(CLIP, CLIP, OTHER), tmp_path / "model.zip", target="bioimageio")


@pytest.mark.parametrize("normalization", [("z-score",), (CLIP, "none", OTHER)], ids=str)
def test_a_bundle_of_monai_normalizes_images_as_predict_does(normalization, tmp_path):
    pytest.importorskip("monai")
    from monai.bundle import ConfigParser
    from PIL import Image

    model = _network(*normalization)
    with without_network():
        bundle = unetzoo.export(model, tmp_path / "bundle", target="monai")
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    parser = ConfigParser()
    parser.read_config(str(bundle / "configs" / "inference.json"))
    parser.update({"bundle_root": str(bundle), "device": "$torch.device('cpu')"})
    image = parser.get_parsed_content("preprocessing")({"image": str(tmp_path / "a.png")})["image"]
    with torch.no_grad():
        seen = model(torch.as_tensor(image)[None]).softmax(1)[0]
    np.testing.assert_allclose(seen, unetzoo.predict(model, PIXELS), atol=1e-4)


@pytest.mark.parametrize("normalization", [("z-score",), (CLIP, "none", OTHER), (CLIP,)], ids=str)
def test_the_code_of_the_card_gives_what_predict_does(normalization, tmp_path):
    model = _network(*normalization)
    unetzoo.save(model, tmp_path / "saved")
    text = (tmp_path / "saved" / "README.md").read_text()
    code = text.split("import torch\n")[1].split("```")[0]
    names = {"torch": torch, "model": model, "images": torch.from_numpy(_as_batch(PIXELS))}
    exec(code, names)
    np.testing.assert_allclose(names["probabilities"][0], unetzoo.predict(model, PIXELS), atol=1e-5)
