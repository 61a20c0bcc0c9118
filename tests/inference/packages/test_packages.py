"""Packages of bioimage.io of others, which bioimageio.spec wrote, give what is computed by hand."""

import zipfile

import numpy as np
import pytest
from bioimage_packages import KERNEL, axes, convolution, convolved, described, packed
from guard import confined

import unetzoo
from unetzoo.testing.rules import without_network

pytest.importorskip("bioimageio.spec")
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves files open
NORMALIZED = {"id": "zero_mean_unit_variance", "kwargs": {"axes": ["y", "x"], "eps": 1e-6}}
SOFTMAX = {"id": "softmax", "kwargs": {"axis": "channel"}}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "net.onnx").write_bytes(convolution())
    return tmp_path / "net"


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (20, 24), dtype=np.uint8)


def _expected(image):
    """The softmax of the convolution of the normalized image, by hand."""
    values = image.astype(np.float64)
    logits = convolved((values - values.mean()) / (values.std() + 1e-6))
    powers = np.exp(logits - logits.max(0))
    return powers / powers.sum(0)


def _package(folder, tmp_path, image, expected, **parts):
    return packed(described(folder, image, expected.astype(np.float32), **parts), folder, tmp_path / "package.zip")


def test_a_package_of_another_library_gives_what_is_computed_by_hand(folder, tmp_path, image):
    path = _package(folder, tmp_path, image, _expected(image), before=[NORMALIZED], after=[SOFTMAX])
    with without_network(), confined(tmp_path):
        package = unetzoo.load_package(path)
        result = package.predict(image)
    assert package.channel_names == ("a", "b")
    np.testing.assert_allclose(result, _expected(image), atol=1e-5)


def test_sizes_between_the_stated_ones_are_filled_up_and_cut_again(folder, tmp_path, image):
    package = unetzoo.load_package(_package(folder, tmp_path, image, convolved(image)))
    odd = np.random.default_rng(1).integers(0, 256, (7, 21), dtype=np.uint8)
    result = package.predict(odd)
    assert result.shape == (2, 7, 21)
    np.testing.assert_allclose(result[:, :-1, :-1], convolved(odd)[:, :-1, :-1], rtol=1e-5, atol=1e-2)


@pytest.mark.parametrize("halo", [0, 2])
def test_blocks_give_what_the_whole_image_gives_with_the_statistics_of_the_whole(halo, folder, tmp_path, image):
    given = axes(channels=["a", "b"], output=True, halo=halo)
    path = _package(folder, tmp_path, image, _expected(image), before=[NORMALIZED], after=[SOFTMAX], given=given)
    package, rows = unetzoo.load_package(path), []
    large = np.random.default_rng(2).integers(0, 256, (61, 45), dtype=np.uint8)
    large[:30] //= 8  # the statistics of a block are others
    result = package.predict(large, tile=16, on_rows=rows.append)
    np.testing.assert_allclose(result[:, 1:-1, 1:-1], _expected(large)[:, 1:-1, 1:-1], atol=1e-5)
    assert rows == sorted(set(rows))
    assert rows[-1] == 61


def test_a_network_that_loses_its_border_sees_the_mirror_image(folder, tmp_path, image):
    (folder / "net.onnx").write_bytes(convolution(pads=(0, 0, 0, 0)))
    inner = convolved(image)[:, 1:-1, 1:-1]
    given = axes(channels=["a", "b"], output=True, offset=-2)
    package = unetzoo.load_package(_package(folder, tmp_path, image, inner, given=given))
    mirrored = np.pad(image, 1, mode="reflect")
    expected = convolved(mirrored)[:, 1:-1, 1:-1]
    for tile in (12, 2048):
        np.testing.assert_allclose(package.predict(image, tile=tile), expected, rtol=1e-5, atol=1e-2)


def test_a_fixed_size_is_kept_for_smaller_and_larger_images(folder, tmp_path, image):
    small = image[:16, :16]
    parts = {"seen": axes(step=0, least=16), "given": axes(channels=["a", "b"], output=True)}
    package = unetzoo.load_package(_package(folder, tmp_path, small, convolved(small), **parts))
    np.testing.assert_allclose(package.predict(small), convolved(small), rtol=1e-5, atol=1e-2)
    result = package.predict(image)
    np.testing.assert_allclose(result[:, 1:-1, 1:-1], convolved(image)[:, 1:-1, 1:-1], rtol=1e-5, atol=1e-2)
    assert package.predict(image[:5, :9]).shape == (2, 5, 9)


def test_a_description_of_the_format_0_4_is_read(folder, tmp_path, image):
    expected = _expected(image)
    described(folder, image, expected.astype(np.float32))  # its arrays
    (folder / "README.md").write_text("edges")
    description = {
        "type": "model",
        "format_version": "0.4.10",
        "name": "edges of others",
        "description": "edges",
        "documentation": "README.md",
        "authors": [{"name": "A. Nonymous"}],
        "cite": [{"text": "none", "url": "https://example.org"}],
        "license": "MIT",
        "timestamp": "2023-01-01T00:00:00",
        "tags": ["edges"],
        "inputs": [
            {
                "name": "raw",
                "axes": "bcyx",
                "data_type": "uint8",
                "shape": {"min": [1, 1, 8, 8], "step": [0, 0, 4, 4]},
                "preprocessing": [{"name": "zero_mean_unit_variance", "kwargs": {"mode": "per_sample", "axes": "yx"}}],
            }
        ],
        "outputs": [
            {
                "name": "edges",
                "axes": "bcyx",
                "data_type": "float32",
                "halo": [0, 0, 2, 2],
                "shape": {"reference_tensor": "raw", "scale": [1, 2, 1, 1], "offset": [0, 0, 0, 0]},
            }
        ],
        "test_inputs": ["image.npy"],
        "test_outputs": ["result.npy"],
        "weights": {"onnx": {"source": "net.onnx", "opset_version": 17}},
    }
    values = image.astype(np.float64)
    logits = convolved((values - values.mean()) / (values.std() + 1e-6))
    np.save(folder / "result.npy", logits[None].astype(np.float32))
    path = packed(description, folder, tmp_path / "old.zip")
    with without_network():
        package = unetzoo.load_package(path)
    np.testing.assert_allclose(package.predict(image), logits, atol=1e-4)


def test_axes_come_in_any_order_and_the_batch_may_lack(folder, tmp_path, image):
    from bioimage_packages import graph_of
    from onnx import helper, numpy_helper

    weights = numpy_helper.from_array(np.array([[2.0, 3.0]], np.float32), "w")  # (y, x, 1) @ (1, 2)
    (folder / "net.onnx").write_bytes(graph_of(helper.make_node("MatMul", ["x", "w"], ["y"]), [weights], rank=3))
    expected = np.stack([2.0 * image, 3.0 * image])
    order = (2, 3, 1)
    description = described(
        folder,
        image,
        expected.astype(np.float32),
        seen=[axes()[index] for index in order],
        given=[axes(channels=["a", "b"], output=True)[index] for index in order],
    )
    np.save(folder / "image.npy", image[..., None])
    np.save(folder / "result.npy", expected.transpose(1, 2, 0).astype(np.float32))
    package = unetzoo.load_package(packed(description, folder, tmp_path / "p.zip"))
    np.testing.assert_allclose(package.predict(image), expected, rtol=1e-6)


def test_a_folder_is_read_like_its_zip_file(folder, tmp_path, image):
    path = _package(folder, tmp_path, image, convolved(image))
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "unpacked")
    package = unetzoo.load_package(tmp_path / "unpacked")
    np.testing.assert_array_equal(package.predict(image), unetzoo.load_package(path).predict(image))


def test_our_own_package_gives_what_predict_gives(tmp_path):
    info = unetzoo.ModelInfo(value_range=(0, 255), image_dtypes=("uint8",), mean=(0.4,), std=(0.2,))
    net = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, in_channels=1, classes=3)
    model = unetzoo.load(unetzoo.save(net, tmp_path / "net", info=info))
    path = unetzoo.export(model, tmp_path / "cells.zip", target="bioimageio")
    pixels = np.random.default_rng(0).integers(0, 256, (256, 320), dtype=np.uint8)
    expected = unetzoo.predict(model, pixels)
    np.testing.assert_allclose(unetzoo.load_package(path).predict(pixels), expected, atol=1e-5)


def test_a_package_that_does_not_reproduce_its_test_is_refused(folder, tmp_path, image):
    wrong = convolved(image, kernel=KERNEL * 1.01)
    with pytest.raises(unetzoo.WeightsError, match=r"does not reproduce its test: \d.*% of the values differ"):
        unetzoo.load_package(_package(folder, tmp_path, image, wrong))


def test_a_package_without_a_test_is_loaded_with_a_warning(folder, tmp_path, image):
    description = described(folder, image, convolved(image).astype(np.float32))
    for tensor in (*description["inputs"], *description["outputs"]):
        del tensor["test_tensor"]
    path = packed(description, folder, tmp_path / "p.zip")
    with pytest.warns(unetzoo.WeightsWarning, match="is not checked"):
        package = unetzoo.load_package(path)
    assert package.predict(image).shape == (2, 20, 24)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.full((20, 24), 256, np.uint16), "takes images of uint8, and values of uint16 from 256 to 256"),
        (np.full((20, 24), 0.5), "takes images of uint8"),
        (np.full((20, 24), np.nan), "pixels without data"),
        (np.zeros((20, 24, 3), np.uint8), r"takes images \(h, w\) or \(h, w, 1\), got \(20, 24, 3\)"),
    ],
)
def test_an_image_that_the_package_is_not_for_is_refused(pixels, message, folder, tmp_path, image):
    package = unetzoo.load_package(_package(folder, tmp_path, image, convolved(image)))
    with pytest.raises((unetzoo.OptionError, unetzoo.ShapeError), match=message):
        package.predict(pixels)
