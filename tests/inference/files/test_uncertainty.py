"""Maps of uncertainty are written beside results."""

import numpy as np
import pytest
import rasterio
import tifffile
import torch
import zarr
from predicting import SMALL, objects_model, varied_model
from rasterio.transform import Affine

import unetzoo
from unetzoo import DataError, OptionError, PredictOptions, predict_files
from unetzoo.inference.files.predictor import FilePredictor

IMAGE = np.random.default_rng(0).integers(0, 256, (180, 150), dtype=np.uint8)  # of several tiles


@pytest.fixture
def images(tmp_path):
    (tmp_path / "in").mkdir()
    tifffile.imwrite(tmp_path / "in" / "a.tif", IMAGE)
    return tmp_path / "in"


def _options(**options):
    return PredictOptions(**{"uncertainty": "entropy", **SMALL, **options})


def _predict(images, out, **options):
    (result,) = predict_files(varied_model(), images, out, options=_options(**options))
    return result


def test_a_network_of_objects_writes_none_and_says_who_does(images, tmp_path):
    with pytest.raises(OptionError, match=r"uncertainty must be left out: .*unetzoo suggest lists the images"):
        predict_files(objects_model(IMAGE), images, tmp_path / "out", options=_options())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("format_name", "ending"),
    [
        ("png", ".tif"),
        ("npy", ".npy"),
        ("zarr", ".zarr"),
        pytest.param("tif", ".tif", marks=pytest.mark.slow),
    ],
)
def test_the_map_is_that_of_predict_uncertainty(format_name, ending, images, tmp_path):
    result = _predict(images, tmp_path / "out", format=format_name, uncertainty="disagreement", mirrors=2)
    assert result.uncertainty == tmp_path / "out" / f"a.uncertainty{ending}"
    readers = {".tif": tifffile.imread, ".npy": np.load, ".zarr": lambda path: zarr.open(path)[:]}
    actual = readers[ending](result.uncertainty)
    expected = unetzoo.predict_uncertainty(varied_model(), IMAGE, kind="disagreement", mirrors=2, **SMALL)
    assert (actual.shape, actual.dtype) == (IMAGE.shape, np.float32)
    np.testing.assert_allclose(actual, expected, atol=1e-4)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        f"a.{format_name}",
        f"a.uncertainty{ending}",
        ".unetzoo",
    }


def test_the_mask_is_the_same_as_without_a_map(images, tmp_path):
    _predict(images, tmp_path / "with", uncertainty="disagreement", mirrors=2)
    _predict(images, tmp_path / "without", uncertainty=None, mirrors=2)
    assert (tmp_path / "with" / "a.png").read_bytes() == (tmp_path / "without" / "a.png").read_bytes()


def test_a_map_is_kept_made_where_it_is_missing_and_made_anew_for_another_kind(images, tmp_path):
    out = tmp_path / "out"
    assert _predict(images, out, uncertainty=None).state == "predicted"
    assert _predict(images, out).state == "predicted"
    first = (out / "a.uncertainty.tif").read_bytes()
    assert _predict(images, out).state == "kept"
    assert _predict(images, out, values="ids").reason == "values is ids, was None"  # of the mask alone
    assert (out / "a.uncertainty.tif").read_bytes() == first
    again = _predict(images, out, values="ids", mirrors=4, uncertainty="disagreement")
    assert again.reason == "mirrors is 4, was 1"
    assert (out / "a.uncertainty.tif").read_bytes() != first


def test_a_mask_that_is_current_stays_when_its_map_is_made(images, tmp_path):
    out = tmp_path / "out"
    _predict(images, out, uncertainty=None)
    before = (out / "a.png").stat().st_mtime_ns
    _predict(images, out)
    assert (out / "a.png").stat().st_mtime_ns == before


def test_a_file_of_others_in_the_place_of_a_map_is_left_alone_and_said(images, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.uncertainty.tif").write_bytes(b"mine")
    result = _predict(images, out)
    assert result.state == "predicted"
    assert "a.uncertainty.tif is left alone, not a result of unetzoo" in result.warnings[0]
    assert (out / "a.uncertainty.tif").read_bytes() == b"mine"
    _predict(images, out, overwrite=True)
    assert tifffile.imread(out / "a.uncertainty.tif").shape == IMAGE.shape


def test_stopped_midway_both_files_go_on_and_are_the_same(images, tmp_path):
    image = np.random.default_rng(1).integers(0, 256, (700, 150), dtype=np.uint8)
    np.save(tmp_path / "in.npy", image)
    predictor = FilePredictor(varied_model(), _options())

    def stop(done, total):
        if 0 < done < total:
            raise KeyboardInterrupt

    for name, stops in (("whole", 0), ("parts", 3)):
        for _ in range(stops):
            with pytest.raises(KeyboardInterrupt):
                predictor.predict(tmp_path / "in.npy", tmp_path / f"{name}.tif", on_rows=stop)
        assert (tmp_path / f"{name}.tif.partial").exists() == bool(stops)
        (tmp_path / f"{name}.uncertainty.tif.partial").unlink(missing_ok=True)  # which has fewer rows then
        predictor.predict(tmp_path / "in.npy", tmp_path / f"{name}.tif")
    assert (tmp_path / "parts.tif").read_bytes() == (tmp_path / "whole.tif").read_bytes()
    assert (tmp_path / "parts.uncertainty.tif").read_bytes() == (tmp_path / "whole.uncertainty.tif").read_bytes()
    assert not list(tmp_path.glob("*.partial"))


def test_the_map_lies_where_its_image_lies(tmp_path):
    place = {"crs": "EPSG:32633", "transform": Affine(10, 0, 5e5, 0, -10, 4e6)}
    path = tmp_path / "image.tif"
    with rasterio.open(path, "w", width=150, height=180, count=1, dtype="uint8", **place) as file:
        file.write(IMAGE, 1)
    _predict(path, tmp_path / "mask.png")
    with rasterio.open(tmp_path / "mask.uncertainty.tif") as written:
        assert written.crs.to_epsg() == 32633
        assert written.transform == place["transform"]
        assert np.isnan(written.nodata)


def test_classes_in_files_of_their_own_have_one_map(images, tmp_path):
    torch.manual_seed(0)
    parts = {"encoder_options": {"widths": (4, 8)}, "in_channels": 1}
    model = unetzoo.create("unet", encoder="plain", classes=2, labels="overlapping", **parts).eval()
    predict_files(model, images, tmp_path / "out", options=_options(per_class=True))
    assert {path.name for path in (tmp_path / "out" / "a").iterdir()} == {"0.png", "1.png"}
    expected = unetzoo.predict_uncertainty(model, IMAGE, **SMALL)
    np.testing.assert_allclose(tifffile.imread(tmp_path / "out" / "a.uncertainty.tif"), expected, atol=1e-4)


def test_a_map_takes_the_place_of_no_image_and_no_result(images, tmp_path):
    tifffile.imwrite(images / "a.uncertainty.tif", IMAGE)
    with pytest.raises(DataError, match=r"the uncertainty of .*a\.tif would take the place of .*a\.uncertainty\.tif"):
        predict_files(varied_model(), images, tmp_path / "out", options=_options(format="tif"))
    assert not (tmp_path / "out").exists()


def test_what_a_network_lacks_is_refused_before_anything_is_written(images, tmp_path):
    with pytest.raises(OptionError, match="one prediction cannot disagree with itself"):
        _predict(images, tmp_path / "out", uncertainty="disagreement")
    assert not (tmp_path / "out").exists()
