"""Measurements of objects in volumes, by hand, by formulas of ellipsoids, and beside those of scikit-image."""

import numpy as np
import pytest
from skimage.measure import marching_cubes, mesh_surface_area, regionprops_table
from touching import nuclei

from unetzoo import OptionError, ShapeError, measure_objects
from unetzoo.objects.measure import in_space, measured
from unetzoo.objects.pixels import pixels_of
from unetzoo.objects.windows import object_windows

STEPS = (2.0, 1.0, 0.5)
RANDOM = np.random.default_rng(0)


def _scene():
    """Nuclei that touch and reach the border, with holes, single voxels, and an object of many pieces."""
    ids = nuclei(3, shape=(20, 40, 36))[1]
    ids[RANDOM.random(ids.shape) < 0.03] = 0
    ids[RANDOM.random(ids.shape) < 0.01] = 100
    ids[0, 0, 0] = 101
    return ids


def _ellipsoid(radii, steps, center):
    shape = (30, 50, 90)
    places = (np.stack(np.indices(shape), -1) + 0.5) * steps
    return (((places - center) / radii) ** 2).sum(-1) <= 1


def test_an_object_by_hand():
    ids = np.zeros((4, 5, 6), np.int32)
    ids[1:3, 2, 3:5] = 7
    values = np.arange(120).reshape(ids.shape)
    table = measure_objects(ids, values, pixel_size="2,1,0.5um")
    plain = {name: column.tolist()[0] for name, column in table.items()}
    assert (plain["id"], plain["volume_px"], plain["volume_um3"]) == (7, 4, 4.0)
    assert [plain[f"centroid_{axis}_px"] for axis in "xyz"] == [4.0, 2.5, 2.0]
    assert [plain[f"centroid_{axis}_um"] for axis in "xyz"] == [2.0, 2.5, 4.0]
    assert [plain[f"{side}_px"] for side in ("left", "top", "front", "right", "bottom", "back")] == [3, 2, 1, 5, 3, 3]
    assert [plain[f"{side}_um"] for side in ("left", "top", "front", "right", "bottom", "back")] == [
        1.5,
        2,
        2,
        2.5,
        3,
        6,
    ]
    assert plain["equivalent_diameter_um"] == pytest.approx((6 * 4 / np.pi) ** (1 / 3))
    # the variances of two places at distances 2, 0 and 0.5
    axes = [plain[f"{name}_axis_um"] for name in ("major", "middle", "minor")]
    assert axes == pytest.approx([2 * np.sqrt(5 * 1), 2 * np.sqrt(5 / 16), 0])
    assert plain["eccentricity"] == 1
    assert plain["touches_border"] is False
    assert [plain[f"{name}_c1"] for name in ("mean", "min", "max", "sum")] == [60.5, 45, 76, 242]
    assert "surface_px" not in plain


def test_the_surface_of_a_voxel_is_an_octahedron():
    ids = np.ones((1, 1, 1), int)
    along_z, along_y, along_x = STEPS
    expected = np.sqrt((along_z * along_y) ** 2 + (along_y * along_x) ** 2 + (along_z * along_x) ** 2)
    assert measure_objects(ids, pixel_size="2,1,0.5um")["surface_um2"] == pytest.approx([expected])
    assert measure_objects(ids)["surface_px"] == pytest.approx([np.sqrt(3)])
    assert measure_objects(ids)["touches_border"].tolist() == [True]


@pytest.mark.parametrize("radii", [(16.0, 16.0, 16.0), (12.0, 20.0, 16.0)])
def test_an_ellipsoid_in_voxels_of_other_sides_has_the_measures_of_its_formulas(radii):
    center = (29.0, 24.5, 23.0)
    ids = _ellipsoid(radii, STEPS, center).astype(np.uint8)
    table = {name: column[0] for name, column in measure_objects(ids, pixel_size="2,1,0.5um").items()}
    volume = 4 / 3 * np.pi * np.prod(radii)
    assert table["volume_um3"] == pytest.approx(volume, rel=0.01)
    assert table["equivalent_diameter_um"] == pytest.approx(2 * np.cbrt(np.prod(radii)), rel=0.005)
    assert [table[f"centroid_{axis}_um"] for axis in "zyx"] == pytest.approx(center, abs=0.02)
    lengths = [table[f"{name}_axis_um"] for name in ("minor", "middle", "major")]
    assert lengths == pytest.approx(sorted(2 * np.array(radii)), rel=0.02)
    ratio = min(radii) / max(radii)
    assert table["eccentricity"] ** 2 == pytest.approx(1 - ratio**2, abs=0.03)
    one, two, three = np.array(radii) ** 1.6075
    surface = 4 * np.pi * ((one * two + one * three + two * three) / 3) ** (1 / 1.6075)  # Thomsen, within 1.1 %
    assert surface < table["surface_um2"] < 1.2 * surface  # the steps of voxels make it larger


@pytest.mark.parametrize("steps", [(1.0, 1.0, 1.0), STEPS])
def test_values_are_those_of_scikit_image(steps):
    ids = _scene()
    image = RANDOM.random((*ids.shape, 2)).astype(np.float32)
    table = measure_objects(ids, image, pixel_size=f"{','.join(map(str, steps))}um")
    names = ("label", "num_pixels", "area", "bbox", "centroid", "equivalent_diameter_area", "intensity_mean")
    expected = regionprops_table(ids, image, properties=names, spacing=steps)
    pairs = {
        "id": "label",
        "volume_px": "num_pixels",
        "volume_um3": "area",
        "equivalent_diameter_um": "equivalent_diameter_area",
        "front_px": "bbox-0",
        "top_px": "bbox-1",
        "right_px": "bbox-5",
        "mean_c2": "intensity_mean-1",
    }
    for own, other in pairs.items():
        np.testing.assert_allclose(table[own], expected[other], rtol=1e-6, err_msg=own)
    for number, (axis, step) in enumerate(zip("zyx", steps, strict=True)):
        np.testing.assert_allclose(table[f"centroid_{axis}_um"], expected[f"centroid-{number}"] + step / 2)
    for row, number in enumerate(table["id"]):
        vertices, faces, *_ = marching_cubes(np.pad(ids == number, 1).astype(np.float32), 0.5, spacing=steps)
        assert table["surface_um2"][row] == pytest.approx(mesh_surface_area(vertices, faces), rel=1e-6)


def test_lengths_of_axes_are_those_of_scikit_image():
    ids = nuclei(3, shape=(20, 40, 36))[1]
    table = measure_objects(ids, pixel_size="2,1,0.5um")
    names = ("axis_major_length", "axis_minor_length")
    expected = regionprops_table(ids, properties=names, spacing=STEPS)
    np.testing.assert_allclose(table["major_axis_um"], expected["axis_major_length"], rtol=1e-9)
    np.testing.assert_allclose(table["minor_axis_um"], expected["axis_minor_length"], rtol=1e-9)


@pytest.mark.parametrize("rows", [1, 7])
def test_windows_of_slices_give_the_table_of_the_whole_volume_bit_by_bit(rows):
    ids = _scene()
    ids[ids == 100] = 0
    image = RANDOM.normal(size=(*ids.shape, 2)).astype(np.float32)
    whole = measure_objects(ids, image)
    parts = [
        measured(pixels_of(part.ids, part.top), image[part.top : part.top + len(part.ids)], ids.shape)
        for part in object_windows(ids, rows=rows)
    ]
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(joined["id"])
    assert list(joined) == list(whole)
    for name, column in joined.items():
        np.testing.assert_array_equal(column[order], whole[name], err_msg=name)


def test_places_in_space_follow_the_matrix_at_the_centers_of_voxels():
    ids = np.zeros((4, 5, 6), int)
    ids[1, 2, 3] = 1
    matrix = np.array([[0.0, 0, -0.5, 10], [0.0, 3, 0, 20], [2.0, 0.1, 0, 30]])
    columns = in_space(measure_objects(ids), matrix, "mm")
    assert {name: values.tolist() for name, values in columns.items()} == {
        "world_x_mm": [8.5],
        "world_y_mm": [26.0],
        "world_z_mm": [32.2],
    }


def test_no_objects_have_no_rows():
    table = measure_objects(np.zeros((3, 5, 4), np.uint16), np.zeros((3, 5, 4, 2)), pixel_size="1 mm")
    assert {len(column) for column in table.values()} == {0}
    assert list(table) == list(measure_objects(np.ones((1, 1, 1), int), np.zeros((1, 1, 1, 2)), pixel_size="1mm"))


def test_voxels_that_hold_no_data_do_not_count():
    ids = np.ones((2, 1, 2), int)
    image = np.array([[[1.0, np.nan]], [[3.0, 8.0]]])
    assert measure_objects(ids, image)["sum_c1"].tolist() == [12]


def test_an_image_has_no_sides_of_voxels():
    with pytest.raises(OptionError, match=r"one length, the side of a pixel, such as 0\.5um: it has 3 numbers"):
        measure_objects(np.ones((2, 2), int), pixel_size="2,1,1um")


@pytest.mark.parametrize("text", ["2,1um", "2,1,0um", "2,1,1,1um", "2;1;1um", "2um,1um,1um"])
def test_sides_that_are_not_three_lengths_are_refused(text):
    with pytest.raises(OptionError, match=r"such as 2,0\.5,0\.5um, for voxels; got"):
        measure_objects(np.ones((2, 2, 2), int), pixel_size=text)


def test_a_volume_of_values_of_another_size_is_refused():
    with pytest.raises(ShapeError, match=r"the image must be \(2, 2, 2\) or \(2, 2, 2, 'c'\).*got \(2, 2, 3\)"):
        measure_objects(np.zeros((2, 2, 2), int), np.zeros((2, 2, 3)))
