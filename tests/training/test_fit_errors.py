"""What cannot be trained is one error that says what to do, and leaves no half-written run."""

import multiprocessing
import os
import re
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from processes import start
from squares import Squares

import unetzoo
from unetzoo import DataError, FitOptions, OptionError, Sample, ShapeError, TrainingError, fit
from unetzoo.data.open import survey


def test_a_missing_file_is_an_error_of_one_line_in_a_worker_too(make_model, tmp_path, short):
    for folder in ("images", "masks"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    for name in "abc":
        for folder, image in zip(("images", "masks"), Squares(1, ord(name))[0], strict=False):
            Image.fromarray(image.squeeze().astype(np.uint8)).save(tmp_path / "data" / folder / f"{name}.png")
    data = survey(tmp_path / "data")
    for image in (tmp_path / "data" / "images").iterdir():
        image.unlink()
    with pytest.raises(DataError, match=r"^there is no file .*images/[abc].png$") as raised:
        fit(make_model(), data, tmp_path / "run", options=replace(short, workers=1))
    assert raised.value.__traceback__  # it is still held, and the worker has ended nevertheless
    assert multiprocessing.active_children() == []


def test_a_tracker_that_is_not_installed_is_an_error(make_model, squares, short, tmp_path):
    with pytest.raises(OptionError, match=r"there is no tracker 'notebook'; installed are .*tensorboard"):
        fit(make_model(), squares, tmp_path / "run", options=replace(short, trackers=["notebook"]))
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_float16_is_refused_on_a_cpu(make_model, squares, short, tmp_path):
    with pytest.raises(OptionError, match="precision='float16' needs a GPU"):
        fit(make_model(), squares, tmp_path / "run", options=replace(short, precision="float16"))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_one_error_and_leaves_no_half_checkpoint(tmp_path):
    mount = ["mount", "-t", "tmpfs", "-o", "size=24k", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        process, said = start(_fill, tmp_path)
        (error,) = said
        process.join()
        assert process.exitcode == 0
        assert re.match("cannot write a checkpoint in .*No space left on device", error)
        assert not (tmp_path / "run").exists()
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def _fill(say, disk):
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (8, 16)}, classes=2, in_channels=1)
    options = FitOptions(steps=2, epochs=1, batch=2, crop=32)
    try:
        fit(model, {"train": Squares(2, 0), "val": Squares(1, 1)}, disk / "run", options=options)
    except TrainingError as error:
        say(str(error))


class WithInfinity(Squares):
    def __getitem__(self, index):
        image, mask, name = super().__getitem__(index)
        return Sample(np.where(index == 2, np.inf, image.astype(np.float32)), mask, name)


def test_a_loss_of_nan_stops_the_training_with_the_names_of_the_files(make_model, squares, short, tmp_path):
    model = make_model()
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    with pytest.raises(TrainingError, match=r"the loss is nan at step 1, on crops of train \d, train \d: look at"):
        fit(model, squares, tmp_path / "run", options=short)
    assert not (tmp_path / "run").exists()  # another loss or learning rate may begin there


@pytest.mark.parametrize("encoder", ["plain", "resnet10t"])
def test_the_error_for_a_batch_too_small_for_batch_norm_says_what_to_raise(encoder, squares, tmp_path):
    model = unetzoo.create("unet", encoder=encoder, classes=2, in_channels=1)
    options = FitOptions(steps=2, epochs=1, batch=1, crop=16)
    with pytest.raises(TrainingError, match="single pixel to learn from, in batches of 1 crops of 16 x 16 pixels: rai"):
        fit(model, squares, tmp_path / "run", options=options)


def test_an_image_with_infinite_values_is_named_before_training(make_model, squares, short, tmp_path):
    with pytest.raises(DataError, match="train 2: 1,920 of its 1,920 values are infinite"):
        fit(make_model(), {**squares, "train": WithInfinity(6, 0)}, tmp_path / "run", options=short)
    assert not (tmp_path / "run").exists()


def test_the_error_for_a_network_with_other_classes_or_channels_says_what_to_do(make_model, squares, short, tmp_path):
    with pytest.raises(OptionError, match=r"the data has 2 classes \(rest, square\), the network 5: .* classes=2"):
        fit(make_model(classes=5), squares, tmp_path, options=short)
    colored = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=2)
    with pytest.raises(ShapeError, match=r"the images have 1 channel, the network takes 3: .* in_channels=1"):
        fit(colored, squares, tmp_path, options=short)


def test_the_error_for_a_script_that_spawns_workers_without_a_guard_asks_for_one(tmp_path):
    (tmp_path / "script.py").write_text(
        f"""
import multiprocessing, sys
multiprocessing.set_start_method("spawn", force=True)
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from squares import Squares
import unetzoo
model = unetzoo.create("unet", encoder="plain", encoder_options=dict(widths=(4, 8)), classes=2, in_channels=1)
options = unetzoo.FitOptions(steps=2, epochs=1, batch=2, crop=32, workers=1)
unetzoo.fit(model, dict(train=Squares(2, 0)), "run", options=options)
"""
    )
    result = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert result.returncode == 1
    first, *_, last = result.stderr.splitlines()
    assert first.startswith("unetzoo.fit is called while a worker process imports the script; put the call under `if")
    assert last.startswith("unetzoo.errors.TrainingError: a process that reads images ended unexpectedly: if a script")
    assert result.stderr.count("Traceback") == 1
    assert not (tmp_path / "run").exists()


def test_weights_that_cannot_be_trained_are_an_error_before_anything_is_written(make_model, squares, short, tmp_path):
    with pytest.raises(OptionError, match="the network has no trainable weight"):
        fit(make_model().requires_grad_(requires_grad=False), squares, tmp_path / "run", options=short)
    with pytest.raises(OptionError, match=r"these are float16: give it model\.float\(\)"):
        fit(make_model().half(), squares, tmp_path / "run", options=short)
    assert not (tmp_path / "run").exists()


def test_a_network_on_the_meta_device_is_an_error_before_anything_is_written(make_model, squares, short, tmp_path):
    with torch.device("meta"):
        model = make_model()
    with pytest.raises(OptionError, match="the weights of this network have no values: it is on the meta device"):
        fit(model, squares, tmp_path / "run", options=short)
    assert not (tmp_path / "run").exists()


def test_out_of_memory_says_what_to_lower(tmp_path):
    (error,) = start(_train_in_one_gigabyte, tmp_path)[1]
    assert "out of memory with batches of 64 crops of 256 x 256 pixels: use batch=32, or crop=192" in error


def _train_in_one_gigabyte(say, folder):
    model = unetzoo.create("unet", encoder="plain", classes=2, in_channels=1)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, resource.RLIM_INFINITY))
    options = FitOptions(steps=2, epochs=1, batch=64, crop=256, augment="none")
    try:
        fit(model, "nuclei", folder / "run", options=options)
    except TrainingError as error:
        say(str(error))
