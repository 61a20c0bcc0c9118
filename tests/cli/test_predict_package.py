"""`unetzoo predict` with a package of bioimage.io."""

import numpy as np
import pytest
import tifffile
from bioimage_packages import convolution, convolved, described, packed
from PIL import Image

pytest.importorskip("bioimageio.spec")
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves files open


@pytest.fixture
def images(tmp_path):
    (tmp_path / "in").mkdir()
    random = np.random.default_rng(0)
    pixels = {name: random.integers(0, 256, (20, 24), dtype=np.uint8) for name in ("a", "b")}
    for name, image in pixels.items():
        Image.fromarray(image).save(tmp_path / "in" / f"{name}.png")
    return pixels


@pytest.fixture
def package(tmp_path, images):
    folder = tmp_path / "net"
    folder.mkdir()
    (folder / "net.onnx").write_bytes(convolution())
    description = described(folder, images["a"], convolved(images["a"]).astype(np.float32))
    return str(packed(description, folder, tmp_path / "package.zip"))


def test_a_folder_becomes_results_of_the_package_and_again_keeps_them(invoke, package, images, tmp_path):
    out = tmp_path / "out"
    result = invoke("predict", package, str(tmp_path / "in"), str(out))
    assert (result.exit_code, result.stdout) == (0, f"2 predicted: {out}\n"), result.output
    for name, image in images.items():
        np.testing.assert_allclose(tifffile.imread(out / f"{name}.tif"), convolved(image), rtol=1e-5, atol=1e-2)
    again = invoke("predict", package, str(tmp_path / "in"), str(out))
    assert again.stdout == f"2 kept, there already (--overwrite replaces them): {out}\n"


def test_an_image_that_does_not_fit_fails_and_the_others_do_not(invoke, package, tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "in" / "c.png")
    result = invoke("predict", package, str(tmp_path / "in"), str(tmp_path / "out"), "--format", "npy")
    assert result.exit_code == 3
    assert "c.png" in result.stderr
    assert "this package takes images (h, w)" in result.stderr
    assert np.load(tmp_path / "out" / "a.npy").shape == (2, 20, 24)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--threshold", "0.3"), "leave threshold out"),
        (("--workers", "2"), "leave --with, --workers, --ray"),
        (("--format", "png"), "format"),
    ],
)
def test_options_that_a_package_has_not_are_refused_before_the_work(flags, message, invoke, package, tmp_path):
    result = invoke("predict", package, str(tmp_path / "in"), str(tmp_path / "out"), *flags)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "out").exists()
