import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import unetzoo
from unetzoo import DataError
from unetzoo.inference.files.jobs import Job, find_jobs
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.predict import run_jobs


@pytest.fixture
def model():
    torch.manual_seed(0)
    return unetzoo.create("unet", encoder="plain", encoder_options={"widths": (4, 8)}, classes=2, in_channels=1).eval()


@pytest.fixture
def images(tmp_path):
    random = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.tif", "c.jpg"):
        Image.fromarray(random.integers(0, 256, (40, 50), dtype=np.uint8)).save(tmp_path / "in" / name)
    return tmp_path / "in"


def test_the_images_of_annotations_are_predicted_and_no_masks(images, tmp_path):
    entries = [{"id": number, "file_name": name} for number, name in enumerate(("a.png", "b.tif"))]
    document = {"images": entries, "annotations": [], "categories": [{"id": 1, "name": "cell"}]}
    (images / "coco.json").write_text(json.dumps(document))
    out = tmp_path / "out"
    expected = [Job(images / "a.png", out / "a.png"), Job(images / "b.tif", out / "b.png")]
    for data in (images / "coco.json", f"coco:{images}"):
        assert find_jobs(data, out, PredictOptions()) == expected


def test_each_image_of_a_folder_becomes_a_file(images, tmp_path):
    out = tmp_path / "out"
    assert find_jobs(images, out, PredictOptions()) == [
        Job(images / "a.png", out / "a.png"),
        Job(images / "b.tif", out / "b.png"),
        Job(images / "c.jpg", out / "c.png"),
    ]


def test_an_image_becomes_a_file_or_lies_in_the_folder_that_is_there(images, tmp_path):
    assert find_jobs(images / "a.png", tmp_path / "x.tif", PredictOptions()) == [
        Job(images / "a.png", tmp_path / "x.tif")
    ]
    assert find_jobs(images / "a.png", tmp_path, PredictOptions(format="npy")) == [
        Job(images / "a.png", tmp_path / "a.npy")
    ]


def test_what_is_no_image_is_an_error(images, tmp_path):
    with pytest.raises(DataError, match="there is no folder or file"):
        find_jobs(tmp_path / "nothing", tmp_path, PredictOptions())
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="there are no images in the folder"):
        find_jobs(tmp_path / "empty", tmp_path / "out", PredictOptions())
    with pytest.raises(DataError, match="is a file"):
        find_jobs(images, images / "a.png", PredictOptions())


def test_a_result_never_takes_the_place_of_its_image(images):
    for suffix in (".png", ".npy"):  # which were images the next time
        with pytest.raises(DataError, match="is the folder of the images itself"):
            find_jobs(images, images / ".." / "in", PredictOptions(format=suffix))
    with pytest.raises(DataError, match="would take its place"):
        find_jobs(images / "a.png", images / ".." / "in" / "a.png", PredictOptions())


def test_a_device_that_is_not_there_is_said_before_there_are_processes(model, images, tmp_path):
    running = run_jobs(
        model, find_jobs(images, tmp_path, PredictOptions()), PredictOptions(device="cuda:99"), workers=2
    )
    with pytest.raises(unetzoo.OptionError, match="cuda:99"):
        next(running)


def test_two_images_that_would_become_one_file_are_named(images, tmp_path):
    (images / "a.tif").write_bytes(b"")
    with pytest.raises(DataError, match=r"a\.png and .*a\.tif would both become .*out/a\.png; rename one"):
        find_jobs(images, tmp_path / "out", PredictOptions())


def _touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def test_subfolders_come_along_as_in_training_and_hidden_ones_do_not(tmp_path):
    shown = ["a.png", "day 1/a.png", "day 1/deep/b.tif", "day 2/c.zarr/zarr.json"]
    _touch(tmp_path / "in", *shown, ".ipynb_checkpoints/a.png", "day 1/@eaDir/a.png", "day 1/.b.png", "notes.txt")
    _touch(tmp_path / "elsewhere", "d.png")
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "elsewhere")
    jobs = find_jobs(tmp_path / "in", tmp_path / "out", PredictOptions())
    assert {job.image.relative_to(tmp_path / "in").as_posix(): job.target for job in jobs} == {
        "a.png": tmp_path / "out" / "a.png",
        "day 1/a.png": tmp_path / "out" / "day 1" / "a.png",
        "day 1/deep/b.tif": tmp_path / "out" / "day 1" / "deep" / "b.png",
        "day 2/c.zarr": tmp_path / "out" / "day 2" / "c.png",
        "linked/d.png": tmp_path / "out" / "linked" / "d.png",
    }


def test_results_in_a_folder_of_the_images_are_no_images_the_next_time(tmp_path):
    _touch(tmp_path / "in", "a.png", "masks/a.png", "masks/deep/a.png")
    jobs = find_jobs(tmp_path / "in", tmp_path / "in" / "masks", PredictOptions())
    assert [job.image for job in jobs] == [tmp_path / "in" / "a.png"]


@pytest.mark.parametrize(
    "layout", ["images/{}|masks/{}", "train/images/{}|train/masks/{}", "images/train/{}|labels/train/{}"]
)
def test_of_a_data_set_the_masks_are_left_out_and_that_is_said(layout, tmp_path):
    images, masks = (part.format("a.png") for part in layout.split("|"))
    _touch(tmp_path / "in", images, masks)
    messages = []
    jobs = find_jobs(tmp_path / "in", tmp_path / "out", PredictOptions(), on_left_out=messages.append)
    assert [job.image for job in jobs] == [tmp_path / "in" / images]
    assert len(messages) == 1
    assert "is left out: it holds the masks of the images beside it" in messages[0]


def test_no_result_takes_the_place_of_another_image(tmp_path):
    _touch(tmp_path / "in", "a.png", "in/a.png")
    with pytest.raises(DataError, match=r"in/in/a\.png would take the place of .*in/a\.png; name another"):
        find_jobs(tmp_path / "in", tmp_path, PredictOptions())


def test_names_with_dots_are_told_whole(tmp_path):
    _touch(tmp_path / "in", "a.v1.png", "a.v1.jpg", "b/a.v1.png")
    with pytest.raises(DataError, match=r"a\.v1\.jpg and .*a\.v1\.png would both become .*out/a\.v1\.png"):
        find_jobs(tmp_path / "in", tmp_path / "out", PredictOptions())


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])  # two are interrupted below
def test_a_bad_image_is_a_result_and_the_others_are_predicted(workers, model, images, tmp_path):
    (images / "b.tif").write_bytes(b"")
    out = tmp_path / "out"
    out.mkdir()
    jobs = find_jobs(images, out, PredictOptions())
    results = list(run_jobs(model, jobs, PredictOptions(), workers=workers))
    states = {Path(result.image).name: (result.state, result.reason) for result in results}
    assert states == {
        "a.png": ("predicted", ""),
        "b.tif": ("failed", f"{images / 'b.tif'} is empty: it has 0 bytes"),
        "c.jpg": ("predicted", ""),
    }
    assert sorted(path.name for path in out.glob("*.*g")) == ["a.png", "c.png"]
    with Image.open(images / "a.png") as image:
        expected = unetzoo.predict(model, np.asarray(image)).argmax(0)
    assert (np.asarray(Image.open(out / "a.png")) == expected).mean() > 0.999


def test_results_that_are_there_are_kept(model, images, tmp_path):
    (tmp_path / "out").mkdir()
    jobs = find_jobs(images, tmp_path / "out", PredictOptions())
    list(run_jobs(model, jobs[:1], PredictOptions(), workers=1))
    results = run_jobs(model, jobs, PredictOptions(), workers=1)
    assert [result.state for result in results] == ["kept", "predicted", "predicted"]


def test_an_interrupt_ends_all_processes_at_once_and_the_same_call_continues(model, tmp_path):
    random = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    for number in range(20):
        Image.fromarray(random.integers(0, 256, (500, 500), dtype=np.uint8)).save(tmp_path / "in" / f"{number:02}.png")
    (tmp_path / "in" / "02.png").write_bytes(b"")  # two processes reach it after one of the first two images
    unetzoo.save(model, tmp_path / "model")
    program = (  # a process in the background ignores the signal until it is told to raise KeyboardInterrupt
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from unetzoo.cli import main; main()"
    )
    command = [sys.executable, "-c", program, "predict", "model", "in", "out", "--workers", "2"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stderr.readline() == f"error: {tmp_path / 'in' / '02.png'} is empty: it has 0 bytes\n"
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")
    finished = len(list((tmp_path / "out").glob("*.png")))
    assert 0 < finished < 19
    states = [result.state for result in unetzoo.predict_files(model, tmp_path / "in", tmp_path / "out")]
    assert (states.count("kept"), states.count("failed"), states.count("predicted")) == (finished, 1, 19 - finished)
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".png", ""}  # the masks and the records
