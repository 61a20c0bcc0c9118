import numpy as np
import pytest
import SimpleITK
from unetzoo_medical.examples import OBLIQUE, example_dicom, example_values, write_slice
from unetzoo_medical.space import LPS_TO_RAS

import unetzoo
from unetzoo.data.formats.read import open_raster
from unetzoo.testing import check_format

_LPS = LPS_TO_RAS @ OBLIQUE
_STRAIGHT = np.diag([0.5, 0.75, 2.5, 1])


def _series(folder, affine=_STRAIGHT, count=5, **fields):
    folder.mkdir()
    for number in range(count):
        write_slice(folder / f"{number}.dcm", example_values()[:, :, number].T, affine, number, **fields)
    return folder


def _error(path):
    with pytest.raises(unetzoo.DataError) as caught, open_raster(path) as raster:
        raster.read(raster.whole)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_format_keeps_the_contract():
    check_format("dicom")


def test_a_series_is_the_volume_that_simpleitk_reads(tmp_path):
    folder = example_dicom(tmp_path)
    names = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
    theirs = SimpleITK.ReadImage(names)
    with open_raster(folder) as raster:
        assert raster.shape == (5, 7, 9, 1)
        np.testing.assert_array_equal(raster.read(raster.whole)[..., 0], SimpleITK.GetArrayFromImage(theirs))
        np.testing.assert_array_equal(raster.read(raster.whole)[..., 0], example_values().transpose(2, 1, 0))
        affine = np.array(raster.grid.affine)[:, [2, 1, 0, 3]]
        np.testing.assert_allclose(affine, OBLIQUE[:3], atol=1e-6)
        np.testing.assert_allclose([axis.step for axis in raster.grid.axes], theirs.GetSpacing()[::-1], atol=1e-6)
        for voxel in [(0, 0, 0), (4, 6, 8), (1, 5, 2)]:
            place = np.array(raster.grid.affine) @ [*voxel, 1]
            their_place = theirs.TransformIndexToPhysicalPoint(voxel[::-1])
            np.testing.assert_allclose(place * [-1, -1, 1], their_place, atol=1e-6)


def test_slices_are_sorted_by_their_positions_whatever_their_names_and_numbers(tmp_path):
    (tmp_path / "series").mkdir()
    for number in range(5):
        pixels = np.full((4, 3), number, np.uint16)
        write_slice(tmp_path / "series" / f"{9 - number}.dcm", pixels, _LPS, number, InstanceNumber=(7 * number) % 5)
    with open_raster(tmp_path / "series") as raster:
        assert raster.read(raster.whole)[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("slope", "intercept", "bits", "expected"),
    [(1, -1024, 12, np.int16), (1, -1024, 16, np.int32), (0.5, 3, 16, np.float32)],
)
def test_values_are_rescaled(tmp_path, slope, intercept, bits, expected):
    pixels = np.arange(12, dtype=np.uint16).reshape(4, 3) * 300
    options = {"RescaleSlope": slope, "RescaleIntercept": intercept, "BitsStored": bits, "HighBit": bits - 1}
    write_slice(tmp_path / "a.dcm", pixels, _STRAIGHT, 0, **options)
    theirs = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "a.dcm")))
    with open_raster(tmp_path / "a.dcm") as raster:
        actual = raster.read(raster.whole)
    assert actual.dtype == raster.dtype == expected
    np.testing.assert_allclose(actual[..., 0], theirs)


def test_slopes_that_differ_are_those_of_each_slice(tmp_path):
    (tmp_path / "series").mkdir()
    for number in range(3):
        pixels = np.full((4, 3), 10, np.uint16)
        write_slice(tmp_path / "series" / f"{number}.dcm", pixels, _STRAIGHT, number, RescaleSlope=number + 0.5)
    with open_raster(tmp_path / "series") as raster:
        assert raster.read(raster.whole)[:, 0, 0, 0].tolist() == [5, 15, 25]


def test_a_missing_slice_is_named_by_its_neighbors(tmp_path):
    folder = _series(tmp_path / "series")
    (folder / "2.dcm").unlink()
    assert f"{folder / '1.dcm'} and 3.dcm lie 5 mm apart, where 2.5 mm are expected: a slice is missing" in _error(
        folder
    )


def test_two_slices_at_one_place_are_refused(tmp_path):
    folder = _series(tmp_path / "series")
    write_slice(folder / "9.dcm", example_values()[:, :, 0].T, _STRAIGHT, 1)
    assert "lie 0 mm apart, where 2.5 mm are expected: two slices at one place" in _error(folder)


def test_a_gantry_tilt_is_refused_with_its_angle(tmp_path):
    affine = _STRAIGHT.copy()
    affine[1, 2] = 2.5 * np.tan(np.radians(12))
    assert "slices are shifted by a gantry tilt of 12.0 degrees, where 0 are expected" in _error(
        _series(tmp_path / "series", affine)
    )


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"SeriesInstanceUID": "1.9"}, "has the series 1.9, but"),
        ({"ImagePositionPatient": None}, "has no position and orientation"),
        ({"ImageOrientationPatient": ["0", "1", "0", "0", "0", "1"]}, "has the orientation [0.0, 1.0, 0.0"),
        ({"PixelSpacing": ["1", "2"]}, "has the spacing (1.0, 2.0), but"),
        ({"PixelSpacing": ["0", "2"]}, "PixelSpacing must be two numbers above 0"),
        ({"RescaleSlope": "0"}, "do not tell what values mean"),
        ({"NumberOfFrames": "2"}, "has 2 frames"),
        ({"Rows": None}, "it has no image, since its header lacks Rows"),
        ({"Rows": 60000, "Columns": 60000}, "made to fill the memory"),
        ({"Rows": 8}, "has the size (8, 9, 1), but"),
    ],
)
def test_a_slice_that_does_not_belong_to_the_series_is_named(tmp_path, fields, text):
    folder = _series(tmp_path / "series")
    write_slice(folder / "4.dcm", example_values()[:, :, 4].T, _STRAIGHT, 4, **fields)
    error = _error(folder)
    assert text in error
    assert str(folder / "4.dcm") in error


def test_a_torn_slice_is_named(tmp_path):
    folder = _series(tmp_path / "series")
    content = (folder / "3.dcm").read_bytes()
    for length in (0, 100, 140, 400, len(content) - 20):
        (folder / "3.dcm").write_bytes(content[:length])
        assert str(folder / "3.dcm") in _error(folder)
