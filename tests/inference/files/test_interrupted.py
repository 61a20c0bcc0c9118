"""A prediction that was interrupted goes on where it stopped, or from its start where the image has changed."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tifffile
import zarr
from predicting import SMALL, varied_model

import unetzoo
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


_PROGRAM = """
import sys
from functools import partial
from pathlib import Path
import unetzoo
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.predictor import FilePredictor

model = unetzoo.load(sys.argv[1]).eval()
options = PredictOptions(tile=256, overlap=64, probabilities=True)
first = []

def on_rows(done, total):
    first.append(done)
    print(done, flush=True)

FilePredictor(model, options).predict(Path(sys.argv[2]), Path(sys.argv[3]), on_rows=on_rows)
"""


def _start(folder, target):
    command = [sys.executable, "-c", _PROGRAM, "model", "in.tif", target]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, env=environment)


def test_killed_midway_it_goes_on_and_gives_the_same_bytes(tmp_path):
    unetzoo.save(varied_model(), tmp_path / "model")
    image = np.random.default_rng(1).integers(0, 256, (2000, 800), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "in.tif", image, tile=(256, 256), compression="zlib")
    whole, _ = _start(tmp_path, "whole.tif").communicate(timeout=120)
    process = _start(tmp_path, "killed.tif")
    for line in process.stdout:
        if int(line) > 600:
            process.kill()
            break
    process.communicate()
    assert not (tmp_path / "killed.tif").exists()
    again, _ = _start(tmp_path, "killed.tif").communicate(timeout=120)
    steps = [int(line) for line in again.split()]
    assert steps[0] > 600  # what was finished is not computed again
    assert len(steps) < len(whole.split())
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
