"""Files whose fields were changed at random: each is read, or refused by one error, soon and in little memory."""

import contextlib
import json
import random
import resource
import shutil
import sys
import time
import warnings

import datasets
import mutations
import numpy as np
import pytest
import zarr
from guard import confined
from PIL import Image

import unetzoo
from unetzoo.data.find import open_source
from unetzoo.data.formats.read import glance, open_image, read_image, read_raw_mask
from unetzoo.data.masks.raw import encode

_LONGEST = 5  # seconds of this process, however busy the machine is
_SMALL = 2**22  # values
_MOST_MEMORY = 2**30  # bytes, four times those of pixels that any file may announce
_PICTURES = mutations.pictures()


def _peak():
    """The most bytes that the process had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _check(read, path, label):
    """Read what lies in a folder; errors of unetzoo alone may come of it, and nothing outside is read."""
    start, memory = time.process_time(), _peak()
    with confined(path.parent), warnings.catch_warnings(), contextlib.suppress(unetzoo.UnetzooError):
        warnings.simplefilter("ignore")
        read(path)
    assert time.process_time() - start < _LONGEST, label
    assert _peak() - memory < _MOST_MEMORY, label


@pytest.fixture(params=[pytest.param(1, id="some"), pytest.param(25, marks=pytest.mark.slow, id="many")])
def times(request):
    """How many times as many changes as in every run."""
    return request.param


def _window(path):
    with open_image(path) as image:
        height, width = image.shape[:2]
        np.asarray(image[max(0, height - 32) :, max(0, width - 32) :])


def _encode(path):
    """Read a mask, and find its classes unless it is one of many black pixels."""
    mask = read_raw_mask(path)
    if mask.pixels.size < _SMALL:
        encode(mask)


@pytest.mark.parametrize("name", _PICTURES)
def test_a_changed_image_is_read_or_refused(name, times, tmp_path):
    content, change = _PICTURES[name]
    chance = random.Random(name)
    for number in range(60 * times):
        path = tmp_path / name
        path.write_bytes(change(content, chance))
        label = f"{name}, change {number}"
        _check(read_image, path, label)
        _check(_encode, path, label)
        _check(glance, path, label)
        _check(_window, path, label)


_ROWS = [{"image": "a.png", "mask": "b.png", "split": "train", "group": "1"}] * 3


def _read_first(path):
    open_source(path).pair(0)


@pytest.mark.parametrize(("name", "change"), [("a.csv", mutations.change_table), ("a.jsonl", mutations.change_lines)])
def test_a_changed_table_is_read_or_refused(name, change, times, tmp_path):
    for file in ("a.png", "b.png"):
        Image.new("L", (8, 8)).save(tmp_path / file)
    chance = random.Random(name)
    for number in range(100 * times):
        (tmp_path / name).write_bytes(change([dict(row) for row in _ROWS], chance))
        _check(_read_first, tmp_path / name, f"{name}, change {number}")


def test_a_changed_data_set_of_hugging_face_is_read_or_refused(times, tmp_path):
    features = datasets.Features(
        {"image": datasets.Image(), "mask": datasets.Sequence(datasets.Sequence(datasets.Value("int32")))}
    )
    picture, mask = {"bytes": _PICTURES["color.png"][0], "path": None}, np.zeros((31, 24), int).tolist()
    datasets.Dataset.from_dict({"image": [picture], "mask": [mask]}, features=features).save_to_disk(tmp_path / "whole")
    chance = random.Random("arrow")
    for number in range(60 * times):
        shutil.rmtree(tmp_path / "changed", ignore_errors=True)
        shutil.copytree(tmp_path / "whole", tmp_path / "changed")
        file = chance.choice(sorted((tmp_path / "changed").iterdir()))
        if file.suffix == ".json":
            file.write_text(json.dumps(mutations.change_json(json.loads(file.read_text()), chance)))
        else:
            file.write_bytes(mutations.change_bytes(file.read_bytes(), chance))
        _check(_read_first, tmp_path / "changed", f"{file.name}, change {number}")


def test_a_changed_zarr_array_is_read_or_refused(times, tmp_path):
    zarr.create_array(tmp_path / "whole.zarr", shape=(24, 31, 3), chunks=(8, 8, 3), dtype="uint8")[:] = 7
    path = tmp_path / "a.zarr"
    chance = random.Random("zarr")
    for number in range(60 * times):
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(tmp_path / "whole.zarr", path)
        described = json.loads((path / "zarr.json").read_text())
        (path / "zarr.json").write_text(json.dumps(mutations.change_json(described, chance)))
        _check(_window, path, f"change {number}")
