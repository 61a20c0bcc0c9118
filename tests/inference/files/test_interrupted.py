"""A prediction that was interrupted goes on where it stopped, or from its start where the image has changed."""

import os
import subprocess

import numpy as np
import pytest
import tifffile
import zarr
from predicting import SMALL, predict_and_say, varied_model
from processes import start

from unetzoo import DataError
from unetzoo.data.formats import read
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.predictor import FilePredictor


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (300, 270, 1), dtype=np.uint8)


@pytest.fixture
def by_windows(monkeypatch):
    """Small images are read by windows, too."""
    monkeypatch.setattr(read, "WHOLE_BYTES", 0)


@pytest.mark.usefixtures("by_windows")
def test_a_zarr_image_that_has_changed_is_predicted_from_its_start(tmp_path):
    pixels = np.zeros((600, 200, 1), np.float32)
    pixels[500] = np.inf
    array = zarr.create_array(tmp_path / "in.zarr", shape=pixels.shape, chunks=(128, 128, 1), dtype="float32")
    array[:] = pixels
    predictor = FilePredictor(varied_model(), PredictOptions(**SMALL))
    with pytest.raises(DataError, match="infinite"):
        predictor.predict(tmp_path / "in.zarr", tmp_path / "out.npy")
    assert (tmp_path / "out.npy.partial").exists()
    array[:] = np.random.default_rng(0).random(pixels.shape)
    begun = []
    predictor.predict(tmp_path / "in.zarr", tmp_path / "out.npy", on_rows=lambda done, _: begun.append(done))
    assert begun[0] == 0


@pytest.mark.usefixtures("by_windows")
def test_infinity_far_down_keeps_what_is_finished(tmp_path):
    image = np.zeros((600, 200), np.float32)
    image[550, 100] = np.inf
    np.save(tmp_path / "in.npy", image)
    predictor = FilePredictor(varied_model(), PredictOptions(**SMALL))
    with pytest.raises(DataError, match="infinite"):
        predictor.predict(tmp_path / "in.npy", tmp_path / "out.npy")
    assert {path.name for path in tmp_path.iterdir()} == {"in.npy", "out.npy.partial"}
    image[550, 100] = 0
    np.save(tmp_path / "in.npy", image)  # another file now: nothing of the old one is used
    predictor.predict(tmp_path / "in.npy", tmp_path / "out.npy")
    assert {path.name for path in tmp_path.iterdir()} - {".unetzoo"} == {"in.npy", "out.npy"}


def test_killed_midway_it_goes_on_and_gives_the_same_bytes(tmp_path):
    image = np.random.default_rng(1).integers(0, 256, (1600, 300), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "in.tif", image, tile=(256, 256), compression="zlib")
    whole = [*start(predict_and_say, tmp_path, "whole.tif", np.inf)[1]]
    process, said = start(predict_and_say, tmp_path, "killed.tif", 600)
    assert next(rows for rows in said if rows >= 600) < 1600
    process.kill()
    process.join()
    assert not (tmp_path / "killed.tif").exists()
    again = [*start(predict_and_say, tmp_path, "killed.tif", np.inf)[1]]
    assert again[0] > 600  # what was finished is not computed again
    assert len(again) < len(whole)
    assert (tmp_path / "killed.tif").read_bytes() == (tmp_path / "whole.tif").read_bytes()
    assert not (tmp_path / "killed.tif.partial").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_one_error_and_the_same_call_goes_on(image, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        np.save(tmp_path / "in.npy", image)
        predictor = FilePredictor(varied_model(), PredictOptions(probabilities=True, **SMALL))
        with pytest.raises(
            DataError, match=r"cannot write .*out\.npy: No space left on device; what is finished is kept"
        ):
            predictor.predict(tmp_path / "in.npy", disk / "out.npy")
        assert [path.name for path in disk.iterdir()] == ["out.npy.partial"]
        subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
        predictor.predict(tmp_path / "in.npy", disk / "out.npy")
        assert {path.name for path in disk.iterdir()} == {"out.npy", ".unetzoo"}
    finally:
        subprocess.run(["umount", str(disk)], check=True)
