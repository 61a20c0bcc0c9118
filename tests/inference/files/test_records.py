"""Which results are kept, and which are predicted again."""

import shutil
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import tifffile
import torch
import zarr
from PIL import Image

import unetzoo
from unetzoo import DataError
from unetzoo.inference.files import writers
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.partial import PartialResult
from unetzoo.inference.files.predictor import FilePredictor

SUFFIXES = (".png", ".tif", ".npy", ".zarr")


def _model(seed):
    torch.manual_seed(seed)
    options = {"encoder": "plain", "encoder_options": {"widths": (4, 8)}, "classes": 3, "in_channels": 1}
    return unetzoo.create("unet", **options).eval()


@cache
def _predictor(seed, **options):
    return FilePredictor(_model(seed), PredictOptions(**options))


def _predict(seed, source, target, **options):
    return _predictor(seed, **options).predict(source, target)


def _read(path):
    if path.suffix == ".png":
        return np.asarray(Image.open(path))
    if path.suffix == ".npy":
        return np.load(path)
    return zarr.open(path)[:] if path.suffix == ".zarr" else tifffile.imread(path)


def _write(path, values):
    """By hand, with other tools."""
    if path.suffix == ".zarr":
        shutil.rmtree(path, ignore_errors=True)
        zarr.save_array(path, values)
    elif path.suffix == ".png":
        Image.fromarray(values).save(path)
    elif path.suffix == ".npy":
        np.save(path, values)
    else:
        tifffile.imwrite(path, values)


@pytest.fixture
def source(tmp_path):
    np.save(tmp_path / "in.npy", np.random.default_rng(0).integers(0, 256, (60, 50), dtype=np.uint8))
    return tmp_path / "in.npy"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_again_is_kept_and_another_network_predicts_again(suffix, source, tmp_path):
    target = tmp_path / f"out{suffix}"
    assert _predict(0, source, target).state == "absent"
    assert _predict(0, source, target).state == "current"
    standing = _predict(1, source, target)
    assert (standing.state, standing.reason) == ("outdated", "another network")
    _predict(1, source, tmp_path / f"fresh{suffix}")
    assert np.array_equal(_read(target), _read(tmp_path / f"fresh{suffix}"))
    assert _predict(1, source, target).state == "current"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_was_made_or_changed_by_hand_stays_unless_overwritten(suffix, source, tmp_path):
    target, mine = tmp_path / f"out{suffix}", np.full((60, 50), 9, np.uint8)
    _write(target, mine)
    assert _predict(0, source, target).state == "foreign"
    _predict(0, source, target, overwrite=True)
    assert _read(target).max() <= 2
    _write(target, mine)  # corrected by hand
    assert _predict(1, source, target).state == "foreign"
    assert np.array_equal(_read(target), mine)


def test_other_options_and_a_changed_image_predict_again(source, tmp_path):
    target = tmp_path / "out.npy"
    _predict(0, source, target)
    assert _predict(0, source, target, mirrors=4).reason == "mirrors is 4, was 1"
    assert _predict(0, source, target, mirrors=4, batch=2).state == "current"  # which changes rounding alone
    np.save(source, np.load(source) // 2)
    assert _predict(0, source, target, mirrors=4).reason == "another image"


def test_what_is_known_of_a_network_and_changes_no_result_keeps_it(source, tmp_path):
    model, target = _model(0), tmp_path / "out.npy"
    _predict(0, source, target)
    model.config = replace(model.config, info=unetzoo.ModelInfo(metrics={"mean IoU": 0.9}))
    assert FilePredictor(model, PredictOptions()).predict(source, target).state == "current"
    model.config = replace(model.config, info=unetzoo.ModelInfo(value_range=(0, 100)))
    assert FilePredictor(model, PredictOptions()).predict(source, target).reason == "another network"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_copy_of_a_folder_of_results_is_known(suffix, source, tmp_path):
    (tmp_path / "out").mkdir()
    _predict(0, source, tmp_path / "out" / f"a{suffix}")
    shutil.copytree(tmp_path / "out", tmp_path / "copy", copy_function=shutil.copyfile)  # with times of now
    assert _predict(0, source, tmp_path / "copy" / f"a{suffix}").state == "current"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"made_of": 3}', "[" * 100_000])
def test_a_damaged_record_makes_a_result_unknown(text, source, tmp_path):
    target = tmp_path / "out.npy"
    _predict(0, source, target)
    (record,) = (tmp_path / ".unetzoo").iterdir()
    record.write_text(text)
    assert _predict(0, source, target).state == "foreign"


class _Killed(BaseException):
    pass


def _kill(*_, **__):
    raise _Killed


@pytest.mark.parametrize(("place", "name"), [(writers, "write_record"), (writers, "_put"), (PartialResult, "remove")])
def test_killed_at_any_step_of_the_replacement_it_goes_on(place, name, source, tmp_path, monkeypatch):
    target = tmp_path / "out.png"
    _predict(0, source, target)
    with monkeypatch.context() as patched:
        patched.setattr(place, name, _kill)
        with pytest.raises(_Killed):
            _predict(1, source, target)
    assert _predict(1, source, target).state in ("current", "outdated")
    _predict(1, source, tmp_path / "fresh.png")
    assert target.read_bytes() == (tmp_path / "fresh.png").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"in.npy", "out.png", "fresh.png", ".unetzoo"}


def test_a_mask_made_by_hand_after_a_prediction_was_stopped_stays(tmp_path):
    np.save(tmp_path / "in.npy", np.zeros((600, 200), np.uint8))
    predictor = _predictor(0, tile=128, overlap=32)

    def stop(done, total):
        if 0 < done < total:
            raise _Killed

    with pytest.raises(_Killed):
        predictor.predict(tmp_path / "in.npy", tmp_path / "out.npy", on_rows=stop)
    assert (tmp_path / "out.npy.partial").exists()
    np.save(tmp_path / "out.npy", np.ones(3))
    assert predictor.predict(tmp_path / "in.npy", tmp_path / "out.npy").state == "foreign"
    assert np.load(tmp_path / "out.npy").tolist() == [1, 1, 1]


def test_a_second_prediction_of_the_same_file_is_told(source, tmp_path):
    target = tmp_path / "out.npy"
    first = PartialResult(tmp_path / "out.npy.partial", {}, (60, 50), np.dtype(np.uint8))
    with first, pytest.raises(DataError, match=r"another process is writing .*run the command again once it is done"):
        _predict(0, source, target)
    assert _predict(0, source, target).state == "absent"


def test_a_path_of_many_letters_changes_no_mask(source, tmp_path):
    place = tmp_path
    for _ in range(9):
        place /= "\N{MICROSCOPE}" * 60  # 240 bytes, of 12 letters each in JSON
    place.mkdir(parents=True)
    shutil.copy(source, place / "in.npy")
    _predict(0, source, tmp_path / "short.npy")
    _predict(0, place / "in.npy", tmp_path / "long.npy")
    assert np.array_equal(np.load(tmp_path / "short.npy"), np.load(tmp_path / "long.npy"))
