import numpy as np
import pytest
from drawn_objects import drawn, ellipses, nuclei, same_objects
from scipy import ndimage
from skimage.segmentation import find_boundaries

import unetzoo
from unetzoo.objects.holes import fill_holes
from unetzoo.objects.ids import contacts, inner_edges, renumber, separate_objects, squared_distances


def test_pieces_of_one_id_that_do_not_touch_become_objects_of_their_own():
    ids = drawn("55.2", "5..2", "..5.")
    assert separate_objects(ids).tolist() == [[1, 1, 0, 2], [1, 0, 0, 2], [0, 0, 3, 0]]


def test_unknown_pixels_belong_to_no_object_and_part_what_they_lie_between():
    assert separate_objects(drawn("11?11", "11?11")).tolist() == [[1, 1, 0, 2, 2]] * 2


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, np.uint32])
def test_numbers_of_any_size_and_type_are_taken(dtype):
    ids = np.array([[0, np.iinfo(dtype).max, 3]], dtype)
    assert separate_objects(ids).tolist() == [[0, 1, 2]]


@pytest.mark.parametrize("ids", [np.zeros((2, 3)), np.zeros((2, 3), bool), np.zeros(3, int), np.zeros((0, 3), int)])
def test_what_is_not_ids_is_refused(ids):
    with pytest.raises(unetzoo.ShapeError, match=r"whole numbers \(h, w\)"):
        separate_objects(ids)


@pytest.mark.parametrize("width", [1, 2, 3])
def test_edges_are_the_pixels_near_which_a_square_window_holds_another_number(width):
    objects = separate_objects(ellipses())
    size = 2 * width + 1
    lowest = ndimage.minimum_filter(objects, size, mode="constant")
    highest = ndimage.maximum_filter(objects, size, mode="constant")
    edges = (objects > 0) & ((lowest != objects) | (highest != objects))
    np.testing.assert_array_equal(inner_edges(objects, width), edges)


def test_edges_inside_the_image_are_the_inner_boundaries_of_scikit_image():
    objects = np.pad(separate_objects(nuclei(128)), 1)
    np.testing.assert_array_equal(inner_edges(objects), find_boundaries(objects, connectivity=2, mode="inner"))


def test_contacts_are_the_pixels_of_both_objects_that_meet_over_an_edge_or_a_corner():
    objects = drawn("111222", "111222", "......", "33....", "33....", "..4444")
    assert (
        contacts(objects).astype(int).tolist()
        == drawn("..11..", "..11..", "......", "......", ".1....", "..1...").tolist()
    )


def test_squared_distances_are_those_of_scipy():
    mask = ellipses() > 0
    np.testing.assert_allclose(squared_distances(mask), ndimage.distance_transform_edt(mask) ** 2, atol=1e-9)


def test_small_objects_are_dropped_and_the_others_numbered_without_gaps():
    assert renumber(drawn("1133", "22.3"), min_size=3).tolist() == [[0, 0, 1, 1], [0, 0, 0, 1]]


def test_holes_are_filled_as_scipy_fills_each_object_except_around_another_object():
    rows, columns = np.mgrid[:60, :60]
    radius = np.hypot(rows - 28, columns - 20)
    objects = np.where((radius < 18) & (radius > 8), 1, 0).astype(np.int32)
    objects[40:55, 40:55] = 2
    objects[44:47, 44:47] = 0
    expected = np.where(ndimage.binary_fill_holes(objects == 1), 1, 0) + 2 * ndimage.binary_fill_holes(objects == 2)
    np.testing.assert_array_equal(fill_holes(objects), expected)
    objects[radius < 3] = 3
    assert same_objects(fill_holes(objects) * (radius < 20), objects * (radius < 20))


def test_a_bay_at_the_border_is_not_a_hole():
    objects = drawn("1.1", "1.1", "111").astype(np.int32)
    np.testing.assert_array_equal(fill_holes(objects), objects)
