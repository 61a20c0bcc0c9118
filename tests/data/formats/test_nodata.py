"""Pixels that hold no data."""

import numpy as np
import pytest
import tifffile

import unetzoo
from unetzoo import DataWarning
from unetzoo.data.formats.nodata import known_where_data, valid_values, with_data
from unetzoo.data.formats.read import read_image, read_raw_mask
from unetzoo.data.open import survey
from unetzoo.data.survey.channels import channels_of, lonely_values

_LOWEST = -3.4028234663852886e38


def _heights(seed=0, side=40):
    return np.random.default_rng(seed).normal(300, 5, (side, side, 1))


def _write(folder, images, tags=()):
    """Images and masks of a data set; the images as TIFF, with GDAL's tag where there is one."""
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for number, image in enumerate(images):
        tag = tags[number] if tags else None
        extra = [] if tag is None else [(42113, "s", 0, tag, True)]
        tifffile.imwrite(folder / "images" / f"{number}.tif", image.squeeze(), extratags=extra)
        mask = np.zeros(image.shape[:2], np.uint8)
        mask[10:30, 10:30] = 1
        tifffile.imwrite(folder / "masks" / f"{number}.tif", mask)
    return folder


def test_a_pixel_has_data_where_one_of_its_channels_has():
    image = np.array([[[0, 0], [0, 7], [5, 7]]], np.uint8)
    np.testing.assert_array_equal(valid_values(image, (0,)), [[[False, False], [False, True], [True, True]]])
    np.testing.assert_array_equal(with_data(image, (0,)), [[False, True, True]])
    np.testing.assert_array_equal(known_where_data(image, np.array([[1, 1, 0]], np.uint8), (0,)), [[255, 1, 0]])


def test_values_that_a_type_cannot_hold_match_nothing():
    image = np.array([[241, 255, 0, 1]], np.uint8)  # -9999 modulo 256 is 241
    assert valid_values(image, (-9999.0, 0.5, 65535.0, float("inf"), _LOWEST)) is None


@pytest.mark.parametrize(
    ("dtype", "tag"),
    [
        ("float32", "-9999"),
        ("float32", "-3.40282346638529e+38"),
        ("float32", "-3.4028234663852886e+38"),
        ("float64", "-1.7976931348623157e+308"),
        ("uint16", "65535"),
        ("int16", "-32768"),
        ("uint8", "0"),
    ],
)
def test_a_tag_of_gdal_is_heeded_in_images_and_left_alone_in_masks(dtype, tag, tmp_path):
    image = np.full((6, 5), 100, dtype)
    image[:2] = np.dtype(dtype).type(float(tag))
    tifffile.imwrite(tmp_path / "a.tif", image, extratags=[(42113, "s", 0, tag, True)])
    np.testing.assert_array_equal(with_data(read_image(tmp_path / "a.tif")), image == 100)
    assert type(read_raw_mask(tmp_path / "a.tif").pixels) is np.ndarray


@pytest.mark.parametrize("tag", ["none", "", "1e", "nan", "-nan"])
def test_a_tag_that_is_no_number_masks_nothing(tag, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((6, 5), np.float32), extratags=[(42113, "s", 0, tag, True)])
    assert type(read_image(tmp_path / "a.tif")) is np.ndarray


def test_each_page_has_a_tag_of_its_own(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for tag in (7, 9):
            page = np.array([[7, 9], [1, 2]], np.uint16)
            file.write(page, photometric="minisblack", extratags=[(42113, "s", 0, str(tag), True)])
    valid = valid_values(read_image(tmp_path / "a.tif"))
    np.testing.assert_array_equal(valid, [[[False, True], [True, False]], [[True, True], [True, True]]])


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("float32", -9999.0),
        ("float32", _LOWEST),
        ("float32", np.nan),
        ("float64", 1e20),
        ("uint16", 65535),
        ("int16", -32768),
        ("int32", -(2**31)),
    ],
)
@pytest.mark.parametrize("tagged", [False, True])
def test_statistics_are_those_of_the_data_alone(dtype, value, tagged, tmp_path):
    images = [_heights(seed).astype(dtype) for seed in range(5)]
    images[0][:4, :10] = value
    result = survey(_write(tmp_path / "a", images, [str(value) if tagged else None] * 5))
    chosen = np.concatenate([images[index].ravel() for index in result.splits["train"]]).astype(np.float64)
    data = chosen[~np.isnan(chosen) & (chosen != value)]
    statistics = result.statistics
    low, high = data.min(), data.max()
    assert statistics.value_range == (low, high)
    np.testing.assert_allclose(statistics.mean, (data.mean() - low) / (high - low), rtol=1e-6)
    np.testing.assert_allclose(statistics.std, data.std() / (high - low), rtol=1e-6)
    if not np.isnan(value) and 0 in result.splits["train"]:
        assert statistics.nodata == (value,)
    assert statistics.info.image_dtypes == (dtype,)
    texts = [problem.text for problem in result.problems]
    assert any("taken for no data" in text for text in texts) == (not tagged or np.isnan(value))
    assert all(problem.severity == "warning" for problem in result.problems)


def test_each_channel_has_values_of_its_own_for_no_data():
    image = np.concatenate([_heights(seed) for seed in (1, 2, 3)], axis=2)
    image[:2, :, 0] = -9999
    image[:3, :, 1] = _LOWEST
    image[0, 0, 1] = np.nan
    assert lonely_values([channels_of(image), channels_of(image[::-1])]) == (_LOWEST, -9999.0)


@pytest.mark.parametrize(
    "image",
    [
        np.random.default_rng(0).integers(0, 4096, (30, 30, 1)).astype(np.uint16),
        np.random.default_rng(0).choice([0, 65535], (30, 30, 1)).astype(np.uint16),
        np.random.default_rng(0).choice([0, 255], (30, 30, 1)).astype(np.uint8),
        np.where(np.arange(900).reshape(30, 30, 1) < 300, 0, 100 + np.arange(900).reshape(30, 30, 1)).astype(
            np.float32
        ),
        np.append(_heights().ravel(), 65535.0).reshape(-1, 1, 1),
        np.minimum(np.random.default_rng(0).lognormal(7, 2, (60, 60, 1)), 65535).astype(np.uint16),
        np.zeros((4, 4, 1), np.float32),
        np.full((4, 4, 1), np.nan, np.float32),
    ],
    ids=["even", "two values", "8 bits", "background", "a single one", "saturated", "constant", "nothing"],
)
def test_values_that_measure_something_are_kept(image):
    assert lonely_values([channels_of(image)]) == ()


def test_what_one_file_names_is_data_in_another_that_has_measured_it(tmp_path):
    images = [np.random.default_rng(seed).integers(0, 200, (40, 40, 1)).astype(np.uint8) for seed in range(3)]
    tags = ["0", "0", None]
    assert survey(_write(tmp_path / "a", images, tags)).statistics.nodata == ()
    assert survey(_write(tmp_path / "b", images[:2], tags[:2])).statistics.nodata == (0,)


def test_an_image_without_data_is_told_and_so_is_a_data_set_without_any(tmp_path):
    empty = np.full((40, 40, 1), -9999.0, np.float32)
    images = [empty, *(_heights(seed).astype(np.float32) for seed in range(3))]
    images[1][0, :5] = -9999
    texts = [problem.text for problem in survey(_write(tmp_path / "a", images, ["-9999"] * 4)).problems]
    assert texts == ["images/0.tif: none of its pixels has data"]
    errors = [problem.text for problem in survey(_write(tmp_path / "b", [empty] * 2, ["-9999"] * 2)).problems]
    assert errors[0].startswith("none of the images has data")


def test_types_that_are_mixed_are_told_with_their_ranges(tmp_path):
    images = [np.arange(1600).reshape(40, 40, 1).astype(np.uint16), np.full((40, 40, 1), 7, np.uint8)]
    (text,) = [problem.text for problem in survey(_write(tmp_path / "a", images)).problems if "types" in problem.text]
    assert "uint16 from 0 to 1,599, uint8 from 7 to 7" in text


def test_a_training_learns_beside_pixels_without_data(tmp_path):
    images = [_heights(seed, 48).astype(np.float32) for seed in range(4)]
    for image in images:
        image[10:30, 10:30] += 20
        image[:3] = -9999
    options = unetzoo.FitOptions(steps=40, epochs=1, batch=4, crop=32, device="cpu", augment="flips", average=0.9)
    model = unetzoo.create("unet", encoder="plain", encoder_options={"widths": (8, 16)}, classes=2, in_channels=1)
    with pytest.warns(DataWarning, match="4 images hold the value -9999, far from all others"):
        result = unetzoo.fit(model, _write(tmp_path / "a", images), tmp_path / "run", options=options)
    assert result.model.config.info.nodata == (-9999,)
    assert result.best.class_iou[1] > 0.8
