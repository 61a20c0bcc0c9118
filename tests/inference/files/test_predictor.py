import os
import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image
from predicting import SMALL, varied_model
from processes import start

import unetzoo
from unetzoo import DataError, OptionError
from unetzoo.bench.calls import resident_bytes
from unetzoo.data.formats.read import open_image
from unetzoo.inference.files import jobs as jobs_module
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.predictor import FilePredictor


def _read(path):
    if path.suffix == ".png":
        return np.asarray(Image.open(path))
    if path.suffix == ".npy":
        return np.load(path)
    return zarr.open(path)[:] if path.suffix == ".zarr" else tifffile.imread(path)


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (300, 270, 1), dtype=np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy", ".zarr"])
def test_class_ids_are_those_of_predict(suffix, image, tmp_path):
    np.save(tmp_path / "in.npy", image)
    model = varied_model()
    FilePredictor(model, PredictOptions(**SMALL)).predict(tmp_path / "in.npy", tmp_path / f"out{suffix}")
    actual = _read(tmp_path / f"out{suffix}")
    assert actual.dtype == np.uint8
    assert (actual == unetzoo.predict(model, image, **SMALL).argmax(0)).mean() > 0.999  # folded norms round otherwise
    assert {path.name for path in tmp_path.iterdir()} == {"in.npy", f"out{suffix}", ".unetzoo"}


@pytest.mark.parametrize("suffix", [".tif", ".npy", ".zarr"])
def test_probabilities_are_those_of_predict(suffix, image, tmp_path):
    np.save(tmp_path / "in.npy", image)
    model = varied_model()
    options = PredictOptions(probabilities=True, **SMALL)
    FilePredictor(model, options).predict(tmp_path / "in.npy", tmp_path / f"out{suffix}")
    actual = _read(tmp_path / f"out{suffix}")
    assert actual.dtype == np.float32
    assert np.abs(actual - unetzoo.predict(model, image, **SMALL)).max() < 1e-4


def test_a_single_logit_is_cut_at_a_half(image, tmp_path):
    np.save(tmp_path / "in.npy", image)
    model = varied_model(classes=1)
    FilePredictor(model, PredictOptions(**SMALL)).predict(tmp_path / "in.npy", tmp_path / "out.npy")
    expected = unetzoo.predict(model, image, **SMALL)[0] > 0.5
    assert (np.load(tmp_path / "out.npy") == expected).mean() > 0.999


def test_a_tiff_result_is_tiled_and_compressed(image, tmp_path):
    np.save(tmp_path / "in.npy", image)
    FilePredictor(varied_model(), PredictOptions(**SMALL)).predict(tmp_path / "in.npy", tmp_path / "out.tif")
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        assert file.pages[0].is_tiled
        assert file.pages[0].compression == tifffile.COMPRESSION.ADOBE_DEFLATE


def test_an_image_of_one_pixel_has_a_mask_of_one_pixel(tmp_path):
    Image.fromarray(np.zeros((1, 1), np.uint8)).save(tmp_path / "in.png")
    FilePredictor(varied_model(), PredictOptions()).predict(tmp_path / "in.png", tmp_path / "out.png")
    assert _read(tmp_path / "out.png").shape == (1, 1)


def test_a_zarr_result_is_replaced_as_a_whole(image, tmp_path):
    np.save(tmp_path / "in.npy", image)
    zarr.create_array(tmp_path / "out.zarr", shape=(9, 9), dtype="int64")
    (tmp_path / "out.zarr" / "stranger").write_text("old")
    options = PredictOptions(overwrite=True, **SMALL)
    FilePredictor(varied_model(), options).predict(tmp_path / "in.npy", tmp_path / "out.zarr")
    assert zarr.open(tmp_path / "out.zarr").shape == (300, 270)
    assert not (tmp_path / "out.zarr" / "stranger").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"in.npy", "out.zarr", ".unetzoo"}


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", ["group.zarr", "empty.zarr", "folder.tif"])
def test_a_folder_that_is_no_array_is_neither_replaced_nor_taken_for_a_result(name, overwrite, image, tmp_path):
    np.save(tmp_path / "in.npy", image)
    (tmp_path / name).mkdir()
    if name == "group.zarr":
        zarr.open_group(tmp_path / name, mode="w").create_array("a", shape=(9,), dtype="int64")
    before = sorted(tmp_path.rglob("*"))
    options = PredictOptions(overwrite=overwrite, **SMALL)
    with pytest.raises(DataError, match=rf"{name} is a folder,.* and is not replaced; name another"):
        FilePredictor(varied_model(), options).predict(tmp_path / "in.npy", tmp_path / name)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("shape", [(40, 1), (1, 1), (1, 40), (600, 30)])
@pytest.mark.parametrize("suffix", [".tif", ".npy", ".zarr"])
def test_all_probabilities_of_narrow_images_are_written(shape, suffix, tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 1), dtype=np.uint8)
    np.save(tmp_path / "in.npy", image)
    model = varied_model()
    options = PredictOptions(probabilities=True, **SMALL)
    FilePredictor(model, options).predict(tmp_path / "in.npy", tmp_path / f"out{suffix}")
    np.testing.assert_allclose(_read(tmp_path / f"out{suffix}"), unetzoo.predict(model, image, **SMALL), atol=1e-4)


def test_a_name_that_is_too_long_is_told(image, tmp_path):
    np.save(tmp_path / "in.npy", image)
    for letters in (248, 300):  # too long with what its parts end with; and in itself
        with pytest.raises(DataError, match=r"^cannot write .*a\.npy: File name too long$"):
            FilePredictor(varied_model(), PredictOptions()).predict(
                tmp_path / "in.npy", tmp_path / f"{'a' * letters}.npy"
            )


def test_another_number_of_channels_is_told_with_the_file(image, tmp_path):
    np.save(tmp_path / "in.npy", image.repeat(2, axis=2))
    predictor = FilePredictor(varied_model(), PredictOptions(**SMALL))
    with pytest.raises(
        DataError, match=r"in\.npy: this network takes images \(h, w\) or \(h, w, 1\), got \(300, 270, 2\)"
    ):
        predictor.predict(tmp_path / "in.npy", tmp_path / "out.npy")
    assert [path.name for path in tmp_path.iterdir()] == ["in.npy"]


def test_a_device_that_is_not_there_is_an_error():
    with pytest.raises(OptionError, match="'cuda:77' cannot be used"):
        FilePredictor(varied_model(), PredictOptions(device="cuda:77"))


_AS_NOBODY = """
import os
from pathlib import Path
import unetzoo
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.predictor import FilePredictor
predictor = FilePredictor(unetzoo.load("model").eval(), PredictOptions())
predictor.predict(Path("in.png"), Path("first.png"))  # imports what is needed
os.setuid(65534)
for source, target in (("in.png", "closed/out.png"), ("secret.png", "open/out.png")):
    try:
        predictor.predict(Path(source), Path(target))
    except unetzoo.DataError as error:
        print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without permission")
def test_what_may_not_be_read_or_written_is_named(tmp_path):
    unetzoo.save(varied_model(), tmp_path / "model")
    for name, mode in (("in.png", 0o644), ("secret.png", 0o600)):
        Image.fromarray(np.zeros((40, 40), np.uint8)).save(tmp_path / name)
        (tmp_path / name).chmod(mode)
    for name, mode in (("closed", 0o755), ("open", 0o777)):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(mode)
    for folder in (tmp_path, *tmp_path.parents[:2]):  # those that pytest made
        folder.chmod(0o755)
    command = [sys.executable, "-c", _AS_NOBODY]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    first, second = done.stdout.splitlines()
    assert first == "cannot write closed/out.png: Permission denied"
    assert "secret.png" in second
    assert "Permission denied" in second
    assert list((tmp_path / "closed").iterdir()) == list((tmp_path / "open").iterdir()) == []


def test_memory_does_not_grow_with_the_image(tmp_path):
    np.save(tmp_path / "small.npy", np.zeros((600, 1200), np.uint8))
    large = np.lib.format.open_memmap(tmp_path / "large.npy", "w+", np.uint8, (4000, 1200))
    large.flush()
    small, big = start(_say_peaks, tmp_path)[1]
    mapped = 2 * 5  # MB: the image and its result are files in memory, whose pages the system takes back when it likes
    assert big - small - mapped < 24  # where the probabilities, 12 bytes a pixel, would be 57 MB


def _say_peaks(say, folder):
    predictor = FilePredictor(varied_model(), PredictOptions(tile=256, overlap=32))
    for name in ("small", "large"):
        predictor.predict(folder / f"{name}.npy", folder / f"{name}.tif")
        say(resident_bytes("VmHWM") / 2**20)


@pytest.mark.parametrize("by_blocks", [False, True])
@pytest.mark.parametrize("probabilities", [False, True])
def test_a_result_says_where_the_image_has_no_data(by_blocks, probabilities, image, tmp_path, monkeypatch):
    monkeypatch.setattr(jobs_module, "open_image", partial(open_image, whole=0 if by_blocks else 2**40))
    image = image[..., 0].astype(np.int16)
    image[100:200, 40:50] = -9999
    tifffile.imwrite(tmp_path / "in.tif", image, tile=(64, 64), extratags=[(42113, "s", 0, "-9999", True)])
    predictor = FilePredictor(varied_model(), PredictOptions(probabilities=probabilities, **SMALL))
    predictor.predict(tmp_path / "in.tif", tmp_path / "out.tif")
    actual = tifffile.imread(tmp_path / "out.tif")
    unknown = np.isnan(actual).all(0) if probabilities else actual == 255
    np.testing.assert_array_equal(unknown, image == -9999)
    if not probabilities:
        assert set(np.unique(actual)) <= {0, 1, 2, 255}


def test_a_writer_that_fails_is_an_error_of_its_image_alone(image, tmp_path, monkeypatch):
    def fails(path, result):
        path.write_bytes(b"half")
        raise ValueError("no such color")

    monkeypatch.setattr("unetzoo.data.formats.pictures.write_png", fails)
    np.save(tmp_path / "in.npy", image[:40, :40])
    (result,) = unetzoo.predict_files(varied_model(), tmp_path / "in.npy", tmp_path / "o.png")
    assert result.state == "failed"
    assert result.reason.endswith("o.png: its format png raises ValueError: no such color")
    assert {path.name for path in tmp_path.iterdir()} == {"in.npy", "o.png.partial"}


def test_a_result_is_current_whatever_is_written_about_the_training(image, tmp_path):
    np.save(tmp_path / "in.npy", image[:40, :40])
    model = varied_model()
    for state, info in (
        ("predicted", unetzoo.ModelInfo()),
        (
            "kept",
            unetzoo.ModelInfo(recipe="format = 1", lineage=["sha256:0"], license="mit", metrics={"mean IoU": 0.5}),
        ),
        ("predicted", unetzoo.ModelInfo(mean=[0.5], std=[0.2])),
    ):
        model.config = replace(model.config, info=info)
        (result,) = unetzoo.predict_files(model, tmp_path / "in.npy", tmp_path / "o.png")
        assert result.state == state
