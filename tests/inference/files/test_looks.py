"""What class ids become in files."""

import numpy as np
import pytest
import tifffile
import torch
import zarr
from PIL import Image

import unetzoo
from unetzoo import DataError, OptionError
from unetzoo.data.formats.read import read_raw_mask
from unetzoo.data.masks.decode import read_mask
from unetzoo.inference.files.looks import look_of
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.predictor import FilePredictor
from unetzoo.nn.coding import MaskCoding

_IDS = {"kind": "ids", "codes": [0, 255, 7], "unknown": [], "instances": False, "planes": 0}
_COLORS = {**_IDS, "kind": "colors", "codes": [0x000000, 0xFF0000, 0x0000FF]}
_CUTOUT = {**_IDS, "kind": "cutout", "codes": [1 << 24, 0xFF0000, 0x0000FF]}
_ALPHA = {**_IDS, "kind": "alpha", "codes": [0, 255, 128]}
_LEVELS = {**_IDS, "kind": "levels", "codes": [0, 2**20, 2**19]}
_PLANES = {**_IDS, "kind": "planes", "codes": [0, 1, 2], "planes": 2}


def _model(coding=None):
    torch.manual_seed(0)
    options = {"encoder": "plain", "encoder_options": {"widths": (4, 8)}, "classes": 3, "in_channels": 1}
    model = unetzoo.create("unet", **options)
    with torch.no_grad():  # so that each class is somewhere
        for parameter in model.parameters():
            parameter.mul_(2)
    info = unetzoo.ModelInfo(class_names=["none", "cell", "edge"], mask_coding=coding or {})
    model.config = unetzoo.ModelConfig(**{**vars(model.config), "info": info})
    return model.eval()


def _config(coding=None):
    return _model(coding).config


@pytest.fixture
def source(tmp_path):
    np.save(tmp_path / "in.npy", np.random.default_rng(0).integers(0, 256, (70, 50), dtype=np.uint8))
    return tmp_path / "in.npy"


def _ids(model, source, folder):
    FilePredictor(model, PredictOptions(values="ids")).predict(source, folder / "ids.npy")
    ids = np.load(folder / "ids.npy")
    assert set(np.unique(ids)) == {0, 1, 2}
    return ids


def _write(model, source, target, **options):
    FilePredictor(model, PredictOptions(**options)).predict(source, target)
    if target.suffix == ".zarr":
        return zarr.open(target)[:]
    if target.suffix == ".npy":
        return np.load(target)
    return tifffile.imread(target) if target.suffix == ".tif" else np.asarray(Image.open(target))


@pytest.mark.parametrize("values", ["ids", "trained", "palette"])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy", ".zarr"])
def test_values_in_each_format(values, suffix, source, tmp_path):
    model = _model(_IDS)
    ids = _ids(model, source, tmp_path)
    if values == "palette" and suffix in (".npy", ".zarr"):
        with pytest.raises(DataError, match="has no palette; choose the values ids or trained"):
            _write(model, source, tmp_path / f"out{suffix}", values=values)
        return
    written = _write(model, source, tmp_path / f"out{suffix}", values=values)
    assert written.dtype == np.uint8
    assert np.array_equal(written, np.array([0, 255, 7])[ids] if values == "trained" else ids)


def test_a_png_shows_its_ids_in_colours_by_default(source, tmp_path):
    model = _model()
    written = _write(model, source, tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as picture:
        assert picture.mode == "P"
        colors = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    brightness = {int(value): colors[written.ravel() == value].max() for value in np.unique(written)}
    assert brightness[0] < 50
    assert min(brightness[1], brightness[2]) > 150


def test_a_tiff_has_the_same_palette(source, tmp_path):
    model = _model()
    _write(model, source, tmp_path / "out.png")
    _write(model, source, tmp_path / "out.tif")
    with Image.open(tmp_path / "out.png") as png, Image.open(tmp_path / "out.tif") as tif:
        assert tif.mode == "P"
        assert np.array_equal(np.asarray(png.convert("RGB")), np.asarray(tif.convert("RGB")))


def test_ids_alone_are_a_grey_png(source, tmp_path):
    _write(_model(), source, tmp_path / "out.png", values="ids")
    with Image.open(tmp_path / "out.png") as picture:
        assert picture.mode == "L"


def test_the_palette_is_that_of_the_trainings_colours(source, tmp_path):
    model = _model(_COLORS)
    ids = _ids(model, source, tmp_path)
    written = _write(model, source, tmp_path / "out.png")
    assert np.array_equal(written, ids)
    with Image.open(tmp_path / "out.png") as picture:
        colors = np.asarray(picture.convert("RGB"))
    assert np.array_equal(colors, np.array([[0, 0, 0], [255, 0, 0], [0, 0, 255]])[ids])


def test_colours_that_nobody_tells_apart_make_no_palette():
    dark = {**_COLORS, "codes": [0x000000, 0x010101, 0x020202]}  # ids that were saved as RGB
    assert look_of(None, ".png", _config(dark)).palette.max() > 200


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy", ".zarr"])
def test_trained_colours_are_written_as_such(suffix, source, tmp_path):
    model = _model(_COLORS)
    ids = _ids(model, source, tmp_path)
    written = _write(model, source, tmp_path / f"out{suffix}", values="trained")
    assert np.array_equal(written, np.array([[0, 0, 0], [255, 0, 0], [0, 0, 255]])[ids])


@pytest.mark.parametrize("suffix", [".tif", ".npy", ".zarr"])
def test_trained_planes_are_written_as_such(suffix, source, tmp_path):
    model = _model(_PLANES)
    ids = _ids(model, source, tmp_path)
    written = _write(model, source, tmp_path / f"out{suffix}", values="trained")
    assert np.array_equal(written > 0, np.stack([ids == 1, ids == 2]))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
@pytest.mark.parametrize(
    "coding", [_IDS, _COLORS, _PLANES, _CUTOUT, _ALPHA, _LEVELS], ids=lambda coding: coding["kind"]
)
def test_trained_values_are_read_as_the_masks_of_the_training_were(coding, suffix, source, tmp_path):
    model = _model(coding)
    if suffix == ".png" and coding in (_PLANES, _LEVELS):
        with pytest.raises(DataError, match=r"choose \.tif, \.npy or \.zarr"):
            _write(model, source, tmp_path / "out.png", values="trained")
        return
    ids = _ids(model, source, tmp_path)
    _write(model, source, tmp_path / f"out{suffix}", values="trained")
    raw = read_raw_mask(tmp_path / f"out{suffix}")
    assert np.array_equal(read_mask(raw, MaskCoding.from_dict(["none", "cell", "edge"], coding)), ids)


def _binary(coding):
    info = unetzoo.ModelInfo(class_names=["none", "cell"], mask_coding={**_IDS, "codes": [0, 1], **coding})
    return unetzoo.ModelConfig(decoder="unet", encoder="plain", classes=1, info=info)


def test_masks_that_number_objects_have_no_values_for_classes():
    with pytest.raises(OptionError, match="number objects, not classes; choose the values ids or palette"):
        look_of("trained", ".png", _binary({"instances": True}))
    assert look_of(None, ".png", _binary({"instances": True})).palette is not None


@pytest.mark.parametrize(("threshold", "full"), [(0.5, 1), (128, 255), (300, 65_535)])
def test_soft_masks_become_full_ones(threshold, full):
    assert look_of("trained", ".tif", _binary({"threshold": threshold})).table[:2].tolist() == [0, full]


def test_the_palette_of_the_trainings_masks_is_used():
    colors = look_of(None, ".png", _config({**_IDS, "codes": [0, 1, 2], "colors": [0, 0xFF00FF, 0x00FF00]})).palette
    assert colors.tolist() == [[0, 0, 0], [255, 0, 255], [0, 255, 0]]


@pytest.mark.parametrize("value", [300, 70_000])
def test_large_values_get_a_type_that_holds_them(value):
    look = look_of("trained", ".tif", _config({**_IDS, "codes": [0, value, 7]}))
    assert look.table[:3].tolist() == [0, value, 7]


@pytest.mark.parametrize(
    ("coding", "ending", "message"),
    [
        ({}, ".png", "does not say what values the masks of its training had"),
        (_PLANES, ".png", "planes, which a .png cannot hold; choose .tif, .npy or .zarr"),
        ({**_IDS, "codes": [0, 70_000, 7]}, ".png", "up to 65,535, not 70,000"),
    ],
)
def test_what_cannot_be_written_is_said_with_the_way_out(coding, ending, message):
    with pytest.raises(OptionError, match=message):
        look_of("trained", ending, _config(coding))


def test_values_are_one_of_three_and_not_of_probabilities():
    with pytest.raises(OptionError, match="values must be one of ids, palette, trained; got 'pallette'"):
        PredictOptions(values="pallette")
    with pytest.raises(OptionError, match="values and threshold are for class ids"):
        PredictOptions(probabilities=True, threshold=0.5)


def test_other_values_are_written_again(source, tmp_path):
    predictor = FilePredictor(_model(_IDS), PredictOptions(values="ids"))
    predictor.predict(source, tmp_path / "out.png")
    standing = FilePredictor(_model(_IDS), PredictOptions(values="trained")).predict(source, tmp_path / "out.png")
    assert standing.reason == "values is trained, was ids"
