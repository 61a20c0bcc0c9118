"""Masks that lie elsewhere on the ground than their images."""

import numpy as np
import pytest
import tifffile

import unetzoo
from unetzoo.data.formats.geo_keys import ground_tags
from unetzoo.data.formats.grid import grid_of_transform

_PLACE = (10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0)


def _write(path, pixels, transform, crs, unit="m"):
    tags = ground_tags(grid_of_transform(transform, unit=unit, crs=crs)) if transform else {}
    types = {33550: 12, 33922: 12, 34264: 12, 34735: 3}
    extra = [(code, types[code], len(values), values, True) for code, values in tags.items()]
    path.parent.mkdir(exist_ok=True)
    tifffile.imwrite(path, pixels, extratags=extra, metadata=None, photometric="minisblack")


def _errors(folder, transform, crs="EPSG:32633"):
    random = np.random.default_rng(0)
    for name in ("a.tif", "b.tif"):
        _write(folder / "images" / name, random.integers(0, 256, (30, 40), np.uint8), _PLACE, "EPSG:32633")
        _write(folder / "masks" / name, random.integers(0, 2, (30, 40), np.uint8), transform, crs)
    return unetzoo.survey(folder).errors


@pytest.mark.parametrize(
    ("transform", "crs", "error"),
    [
        (_PLACE, "EPSG:32634", ": the image is in EPSG:32633, its mask in EPSG:32634: bring it onto"),
        ((20.0, 0.0, 500_000.0, 0.0, -20.0, 5_000_000.0), "EPSG:32633", ": its mask has other pixels on the ground"),
        ((10.0, 0.0, 500_030.0, 0.0, -10.0, 4_999_980.0), "EPSG:32633", ": its mask lies +2.0 rows and +3.0 columns"),
    ],
)
def test_a_mask_elsewhere_is_one_error(tmp_path, transform, crs, error):
    (text,) = _errors(tmp_path, transform, crs)
    assert text.startswith(f"images/a.tif{error}")
    assert "b.tif" in text
    with pytest.raises(unetzoo.DataError, match=r"images/a\.tif: "):
        unetzoo.open_dataset(tmp_path, "val")


@pytest.mark.parametrize("transform", [None, _PLACE, (10.0, 0.0, 500_005.0, 0.0, -10.0, 4_999_995.0)])
def test_a_mask_without_a_place_or_within_half_a_pixel_fits(tmp_path, transform):
    assert _errors(tmp_path, transform) == ()


def test_pixels_in_degrees_beside_those_in_meters_are_one_warning(tmp_path):
    random = np.random.default_rng(0)
    degrees = ((1e-4, 0.0, 12.5, 0.0, -1e-4, 47.25), "EPSG:4326", "degree")
    for name, place in {"a.tif": (_PLACE, "EPSG:32633", "m"), "b.tif": degrees}.items():
        _write(tmp_path / "images" / name, random.integers(0, 256, (30, 40), np.uint8), *place)
        _write(tmp_path / "masks" / name, random.integers(0, 2, (30, 40), np.uint8), *place)
    survey = unetzoo.survey(tmp_path)
    assert not survey.errors
    assert "the images have pixels in different units, degree and m, so" in "\n".join(survey.warnings)
