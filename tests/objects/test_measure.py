"""Measurements of objects, beside those of scikit-image and by hand."""

import numpy as np
import pytest
from drawn_objects import drawn, ellipses
from skimage.measure import regionprops_table

from unetzoo import OptionError, ShapeError, measure_objects
from unetzoo.objects.measure import measured
from unetzoo.objects.pixels import pixels_of
from unetzoo.objects.windows import object_windows

_SAME = {
    "id": "label",
    "area_px": "area",
    "left_px": "bbox-1",
    "top_px": "bbox-0",
    "right_px": "bbox-3",
    "bottom_px": "bbox-2",
    "perimeter_px": "perimeter",
    "eccentricity": "eccentricity",
    "mean_c2": "intensity_mean-1",
    "min_c2": "intensity_min-1",
    "max_c2": "intensity_max-1",
}
_PROPERTIES = ("label", "area", "bbox", "centroid", "perimeter", "eccentricity")
_OF_VALUES = ("intensity_mean", "intensity_min", "intensity_max")
RANDOM = np.random.default_rng(0)


def _scene(side=200):
    """Ellipses that touch and are cut by the border, single pixels, lines, a ring, and an object of two pieces."""
    ids = ellipses(60, side)
    ids[60:71, 60:71] = 100
    ids[63:68, 63:68] = 0
    ids[0, 0], ids[65, 65], ids[150:160, 7], ids[20, 100:130] = 101, 102, 103, 104
    ids[40:44, 150:154], ids[90:92, 150:158] = 105, 105
    return ids


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
def test_values_are_those_of_scikit_image(dtype):
    ids = _scene()
    image = (RANDOM.random((*ids.shape, 3)) * (250 if dtype == np.uint8 else 30_000)).astype(dtype)
    table = measure_objects(ids, image)
    expected = regionprops_table(ids, image, properties=(*_PROPERTIES, *_OF_VALUES))
    for name, other in _SAME.items():
        np.testing.assert_allclose(table[name], expected[other], rtol=1e-6, atol=1e-7, err_msg=name)
    np.testing.assert_allclose(table["centroid_x_px"], expected["centroid-1"] + 0.5)
    np.testing.assert_allclose(table["centroid_y_px"], expected["centroid-0"] + 0.5)
    sums = [image[ids == number, 2].astype(np.float64).sum() for number in table["id"]]
    np.testing.assert_allclose(table["sum_c3"], sums, rtol=1e-12)


def test_an_object_by_hand():
    ids = drawn("......", ".77...", ".77...", ".77...")
    table = measure_objects(ids, np.arange(24).reshape(4, 6), pixel_size="0.5um")
    values = {name: column.tolist() for name, column in table.items()}
    assert values["id"] == [7]
    assert values["area_px"] == [6]
    assert (values["centroid_x_px"], values["centroid_y_px"]) == ([2], [2.5])
    assert [values[f"{side}_px"] for side in ("left", "top", "right", "bottom")] == [[1], [1], [3], [4]]
    assert values["perimeter_px"] == [6]
    assert values["eccentricity"] == pytest.approx([np.sqrt(1 - (1 / 4) / (2 / 3))])  # variances across and along
    assert values["touches_border"] == [True]
    assert [values[f"{name}_c1"] for name in ("mean", "min", "max", "sum")] == [[13.5], [7], [20], [81]]
    assert (values["area_um2"], values["centroid_x_um"], values["bottom_um"]) == ([1.5], [1], [2])
    assert values["perimeter_um"] == [3]


def test_no_objects_have_no_rows():
    table = measure_objects(np.zeros((5, 4), np.uint16), np.zeros((5, 4, 2)), pixel_size="1 mm")
    assert {len(column) for column in table.values()} == {0}
    assert list(table) == list(measure_objects(drawn("1"), np.zeros((1, 1, 2)), pixel_size="1 mm"))


def test_a_single_pixel_has_no_extent():
    table = measure_objects(drawn("...", ".1.", "..."))
    assert [table[name].tolist() for name in ("area_px", "perimeter_px", "eccentricity")] == [[1], [0], [0]]
    assert table["touches_border"].tolist() == [False]


def test_values_that_are_no_data_do_not_count():
    ids = drawn("1122", "1133")
    values = np.array([[1.0, 2, np.nan, 5], [3, 900, np.nan, 8]])
    table = measure_objects(ids, np.ma.masked_equal(values, 900))
    assert table["sum_c1"].tolist() == [6, 5, 8]
    assert table["mean_c1"].tolist() == [2, 5, 8]
    assert (table["min_c1"].tolist(), table["max_c1"].tolist()) == ([1, 5, 8], [3, 5, 8])
    empty = measure_objects(ids, np.full((2, 4), np.nan))
    assert np.isnan([empty[f"{name}_c1"] for name in ("mean", "min", "max", "sum")]).all()


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_windows_of_rows_give_the_table_of_the_whole_image_bit_by_bit(rows):
    ids = _scene()
    image = RANDOM.normal(size=(*ids.shape, 2)).astype(np.float32)
    whole = measure_objects(ids, image, pixel_size="0.325um")
    parts = [
        measured(pixels_of(part.ids, part.top), image[part.top : part.top + len(part.ids)], ids.shape)
        for part in object_windows(ids, rows=rows)
    ]
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(joined["id"])
    for name, column in joined.items():
        np.testing.assert_array_equal(column[order], whole[name], err_msg=name)


def test_windows_begin_where_their_objects_do_and_cover_the_image():
    ids = np.zeros((40, 3), np.uint32)
    ids[5:33, 0], ids[12:14, 1], ids[[15, 39], 2] = 70_000, 9, 4
    windows = list(object_windows(ids, rows=10))
    assert [(part.top, len(part.ids), part.own) for part in windows] == [
        (0, 40, 10),
        (10, 30, 10),
        (20, 10, 10),
        (30, 10, 10),
    ]
    assert [np.unique(part.ids).tolist() for part in windows] == [[0, 70_000], [0, 4, 9], [0], [0]]


@pytest.mark.parametrize("text", ["0.5", "um", "0um", "-1um", "1px", "nanum", "1e999um", "0.5 um2", ""])
def test_a_size_that_is_not_a_length_is_refused(text):
    with pytest.raises(OptionError, match=r"pixel_size must be a length > 0 with its unit, such as 0\.5um"):
        measure_objects(drawn("1"), pixel_size=text)


@pytest.mark.parametrize(("text", "column"), [("2e-1 µm", "area_um2"), (".2μm", "area_um2"), ("0.2m", "area_m2")])
def test_units_are_letters_of_columns(text, column):
    assert measure_objects(drawn("1"), pixel_size=text)[column].tolist() == pytest.approx([0.04])


@pytest.mark.parametrize("ids", [np.zeros((2, 2)), np.zeros((2, 2, 1, 1), int)])
def test_ids_must_be_whole_numbers_of_two_or_three_axes(ids):
    with pytest.raises(ShapeError, match="ids of objects must be whole numbers"):
        measure_objects(ids)


def test_an_image_of_another_size_is_refused():
    with pytest.raises(ShapeError, match=r"the image must be \(2, 2\) or \(2, 2, 'c'\), as its objects, got \(2, 3\)"):
        measure_objects(np.zeros((2, 2), int), np.zeros((2, 3)))
