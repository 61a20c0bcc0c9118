import numpy as np
import onnx
import pytest
import torch
from PIL import Image

import unetzoo


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    options = {"widths": (4, 8)}
    model = unetzoo.create("unet", encoder="plain", encoder_options=options, classes=2, in_channels=1)
    return unetzoo.save(model, tmp_path / "run", info=unetzoo.ModelInfo(value_range=(0, 255)))


def test_a_file_of_one_size_takes_raw_pixels_and_gives_ids(folder, invoke, tmp_path):
    path = tmp_path / "net.pt2"
    flags = ("--for", "torch-export", "--image-size", "20x30", "--with-normalization", "--ids")
    done = invoke("export", str(folder), str(path), *flags)
    assert (done.exit_code, done.stdout) == (0, f"saved in {path}\n")
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8)
    with torch.no_grad():
        ids = torch.export.load(path).module()(torch.from_numpy(pixels)[None, None].float())
    np.testing.assert_array_equal(ids[0], unetzoo.predict(unetzoo.load(folder), pixels).argmax(0))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--for", "coreml"), "an export has no target 'coreml'; there are onnx, openvino, torch-export"),
        (("--for", "openvino"), "the name of the file must end in .xml for this target, got "),
        (("--for", "smp", "--image-size", "64"), "the target 'smp' is for images of any size: leave --image-size out"),
        (("--ids",), "--ids is for files that take raw pixels: add --with-normalization"),
        (("--for", "smp", "--with-normalization"), "the target 'smp' has no --with-normalization"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_no_file(folder, invoke, tmp_path, flags, message):
    done = invoke("export", str(folder), str(tmp_path / "net.onnx"), *flags)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {message}")
    assert {file.name for file in tmp_path.iterdir()} == {"run"}


def test_a_folder_that_is_missing_is_named(folder, invoke, tmp_path):
    done = invoke("export", str(folder), str(tmp_path / "missing" / "net.onnx"))
    assert done.exit_code == 2
    assert done.stderr.endswith(f"there is no folder {tmp_path / 'missing'} to write net.onnx in: create it first\n")


def test_int8_is_calibrated_with_a_folder_of_images(folder, invoke, tmp_path):
    (tmp_path / "in").mkdir()
    random = np.random.default_rng(0)
    for index in range(3):
        Image.fromarray(random.integers(0, 256, (40, 48), np.uint8)).save(tmp_path / "in" / f"{index}.png")
    flags = ("--dtype", "int8", "--calibration", str(tmp_path / "in"))
    done = invoke("export", str(folder), str(tmp_path / "net.onnx"), *flags)
    assert (done.exit_code, done.stdout) == (0, f"saved in {tmp_path / 'net.onnx'}\n"), done.output
    assert "QuantizeLinear" in {node.op_type for node in onnx.load(tmp_path / "net.onnx").graph.node}
