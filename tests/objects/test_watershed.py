import numpy as np
from drawn_objects import ellipses, same_objects

from unetzoo.objects.ids import inner_edges, label_components, separate_objects
from unetzoo.objects.watershed import flood


def _flooded(objects):
    """Seeds grow over edges that are all of one height."""
    edges = inner_edges(objects)
    inside = objects > 0
    return flood(-(inside & ~edges).astype(np.float32), label_components(inside & ~edges), inside)


def test_objects_that_touch_are_parted_in_the_same_way_whatever_lies_elsewhere():
    objects = separate_objects(ellipses(300, 600))
    whole, clumps = _flooded(objects), label_components(objects > 0)
    for number in range(1, clumps.max() + 1, 7):
        alone = np.where(clumps == number, objects, 0)
        assert same_objects(np.where(alone > 0, whole, 0), _flooded(alone))


def test_what_no_seed_reaches_is_an_object_of_its_own():
    inside = np.zeros((5, 9), bool)
    inside[1:4, 1:4] = inside[1:4, 5:8] = True
    seeds = np.zeros((5, 9), np.int32)
    seeds[2, 2] = 1
    objects = flood(np.zeros((5, 9), np.float32), seeds, inside)
    assert np.unique(objects[1:4, 1:4]).tolist() == [1]
    assert np.unique(objects[1:4, 5:8]).tolist() == [2]


def test_the_lower_way_is_flooded_first():
    inside, seeds = np.ones((1, 7), bool), np.array([[1, 0, 0, 0, 0, 0, 2]], np.int32)
    height = np.array([[0, 1, 2, 5, 4, 3, 0]], np.float32)
    assert flood(height, seeds, inside).tolist() == [[1, 1, 1, 1, 2, 2, 2]]
