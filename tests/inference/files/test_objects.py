"""Label images: the number of each pixel's object."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
import zarr
from PIL import Image

import unetzoo
from unetzoo import DataError, ModelConfig, OptionError, PredictOptions
from unetzoo.inference.files.objects import write_objects
from unetzoo.inference.files.partial import PartialResult
from unetzoo.inference.objects import Decoder

_CONFIG = ModelConfig(decoder="unet", encoder="plain", objects="components")
IMAGE = np.random.default_rng(0).integers(0, 256, (150, 130, 1), dtype=np.uint8)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    options = {"encoder_options": {"widths": (4, 8)}, "in_channels": 1}
    model = unetzoo.create("unet", encoder="plain", objects="components", **options).eval()
    threshold = float(np.quantile(unetzoo.predict(model, IMAGE), 0.9))  # so that there are several objects
    model.config = replace(model.config, objects_options={"threshold": threshold})
    return model


def _read(path):
    if path.suffix == ".png":
        return np.asarray(Image.open(path))
    if path.suffix == ".npy":
        return np.load(path)
    return zarr.open(path)[:] if path.suffix == ".zarr" else tifffile.imread(path)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy", ".zarr"])
def test_a_label_image_holds_the_numbers_of_predict_objects(suffix, model, tmp_path):
    np.save(tmp_path / "in.npy", IMAGE)
    (result,) = unetzoo.predict_files(model, tmp_path / "in.npy", tmp_path / f"out{suffix}")
    assert result.state == "predicted", result.reason
    labels = _read(tmp_path / f"out{suffix}")
    assert labels.dtype == np.uint16
    np.testing.assert_array_equal(labels, unetzoo.predict_objects(model, IMAGE))
    assert labels.max() > 1
    left = {path.name for path in tmp_path.iterdir()} - {"in.npy", f"out{suffix}", ".unetzoo"}
    assert not [name for name in left if not name.endswith(".lock")]
    (again,) = unetzoo.predict_files(model, tmp_path / "in.npy", tmp_path / f"out{suffix}")
    assert again.state == "kept"


def test_other_programs_read_the_same_numbers_from_a_tiff(model, tmp_path):
    np.save(tmp_path / "in.npy", IMAGE)
    unetzoo.predict_files(model, tmp_path / "in.npy", tmp_path / "out.tif")
    with Image.open(tmp_path / "out.tif") as picture:
        np.testing.assert_array_equal(np.asarray(picture), tifffile.imread(tmp_path / "out.tif"))
        assert picture.mode == "I;16"


def test_probabilities_are_the_maps(model, tmp_path):
    np.save(tmp_path / "in.npy", IMAGE)
    unetzoo.predict_files(model, tmp_path / "in.npy", tmp_path / "out.npy", options=PredictOptions(probabilities=True))
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), unetzoo.predict(model, IMAGE), atol=1e-5)


@pytest.mark.parametrize("options", [{"threshold": 0.3}, {"values": "palette"}, {"values": "trained"}])
def test_options_of_classes_are_refused(options, model, tmp_path):
    np.save(tmp_path / "in.npy", IMAGE)
    with pytest.raises(OptionError, match="threshold and values are for classes"):
        unetzoo.predict_files(model, tmp_path / "in.npy", tmp_path / "out.tif", options=PredictOptions(**options))
    assert not (tmp_path / "out.tif").exists()


def test_more_than_65535_objects_are_32_bits(tmp_path):
    maps = np.zeros((1, 540, 520), np.float32)
    maps[:, ::2, ::2] = 1  # 270 x 260 single pixels
    with PartialResult(tmp_path / "rows", {}, maps.shape, maps.dtype) as rows:
        rows.write(0, maps)
        decoder = Decoder(_CONFIG, largest_object=8, strip=100, whole=0)
        write_objects(rows, decoder, tmp_path / "out.tif", {})
        labels = tifffile.imread(tmp_path / "out.tif")
        assert labels.dtype == np.uint32
        assert np.bincount(labels.ravel())[1:].tolist() == [1] * 70_200
        with Image.open(tmp_path / "out.tif") as picture:
            np.testing.assert_array_equal(np.asarray(picture), labels)
        write_objects(rows, decoder, tmp_path / "out.zarr", {})
        np.testing.assert_array_equal(zarr.open(tmp_path / "out.zarr")[:], labels)
        with pytest.raises(DataError, match=r"a \.png file holds numbers up to 65,535, and there are 70,200 objects"):
            write_objects(rows, decoder, tmp_path / "out.png", {})
    assert sorted(path.name for path in tmp_path.iterdir() if "out" in path.name) == ["out.tif", "out.zarr"]
