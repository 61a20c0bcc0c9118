import numpy as np
import pytest
from drawn_objects import best_ious, drawn, ellipses, nuclei, same_objects
from scipy import ndimage

import unetzoo
import unetzoo.objects
from unetzoo.objects.boundary import Boundary
from unetzoo.objects.components import Components
from unetzoo.objects.distance import Distance
from unetzoo.objects.flows import Flows
from unetzoo.objects.weighted import Weighted


def _name(value):
    return type(value).__name__ if isinstance(value, unetzoo.objects.ObjectCoding) else None


SQUARE = drawn(".......", ".11111.", ".11111.", ".11111.", ".11111.", ".11111.", ".......")


@pytest.mark.parametrize(
    ("coding", "least", "mean", "extra"),
    [
        (Weighted(), 0.85, 0.98, 0),
        (Boundary(), 0.6, 0.995, 1),
        (Distance(), 0.5, 0.995, 1),
        (Flows(), 0.99, 0.9999, 0),
    ],
    ids=_name,
)
def test_nuclei_numbered_by_hand_come_back(coding, least, mean, extra):
    ids = nuclei(512)
    objects = coding.decode(coding.encode(ids))
    ious = best_ious(ids, objects)
    assert ious.min() >= least
    assert ious.mean() >= mean
    assert objects.max() - 125 <= extra  # a waist of a nucleus may part it


def test_components_of_nuclei_are_those_of_scipy():
    ids = nuclei()
    expected, count = ndimage.label(ids > 0, np.ones((3, 3)))
    objects = Components().decode(Components().encode(ids))
    assert objects.max() == count
    assert same_objects(expected, objects)


def test_boundary_draws_the_edge_inside_objects_and_weights_it():
    ids = drawn("....", "1112", "1112", "1112")
    background, inside, edge = Boundary().encode(ids)
    assert background.tolist() == (ids == 0).tolist()
    assert inside.astype(int).tolist() == drawn("....", "....", ".1..", "....").tolist()
    assert edge.astype(int).tolist() == drawn("....", "1111", "1.11", "1111").tolist()
    assert Boundary(edge_weight=3).weights(ids)[0].tolist() == (1 + 2 * edge).tolist()


def test_distances_of_a_square_are_rings():
    foreground, edge, center = Distance().encode(SQUARE)
    assert foreground.tolist() == SQUARE.tolist()
    assert (2 * edge).astype(int).tolist() == drawn(
        ".......", ".......", "..111..", "..121..", "..111..", ".......", "......."
    ).tolist()
    np.testing.assert_allclose(center[3, 1:6] * 8**0.5, [2, 1, 0, 1, 2], atol=1e-6)
    assert center[1, 1] == 1
    assert (center[SQUARE == 0] == 1).all()


def test_distances_are_those_of_each_object_alone():
    ids = nuclei(128)
    coding = Distance()
    whole = coding.encode(ids)
    for number in np.unique(ids[ids > 0]):
        alone = coding.encode(np.where(ids == number, ids, 0))
        np.testing.assert_allclose(whole[:, ids == number], alone[:, ids == number], atol=1e-6)


def test_the_edge_distance_is_that_of_scipy_to_the_inner_edge():
    disc = np.hypot(*np.mgrid[-12:13, -12:13]) < 10.3
    inner = ndimage.binary_erosion(disc, np.ones((3, 3)))
    expected = ndimage.distance_transform_edt(inner)
    np.testing.assert_allclose(Distance().encode(disc.astype(int))[1], expected / expected.max(), atol=1e-6)


def test_distances_count_in_objects_alone():
    weights = Distance().weights(SQUARE)
    assert (weights[0] == 1).all()
    assert weights[1].tolist() == weights[2].tolist() == SQUARE.tolist()


def test_an_object_without_a_seed_is_an_object():
    maps = np.zeros((3, 5, 9), np.float32)
    maps[0, 1:4, 1:4] = maps[0, 1:4, 5:8] = 1
    maps[1, 2, 2] = 1  # one middle alone
    assert Distance(smoothing=0).decode(maps).max() == 2


@pytest.mark.parametrize(
    ("coding", "maps"),
    [
        (Components(threshold=0.3), [[0.29, 0.31, 0.9]]),
        (Weighted(threshold=0.3), [[0.29, 0.31, 0.9]]),
        (Boundary(threshold=0.3), [[0.7, 0.0, 0.0], [0.1, 0.2, 1.0], [0.19, 0.11, 0.0]]),
        (Distance(threshold=0.3), [[0.29, 0.31, 0.9], [0, 0, 1], [1, 1, 0]]),
    ],
    ids=_name,
)
def test_the_threshold_is_that_of_the_foreground(coding, maps):
    assert coding.decode(np.array(maps, np.float32)[:, None]).tolist() == [[0, 1, 1]]


@pytest.mark.parametrize("coding", [Components, Weighted, Boundary, Distance, Flows])
def test_small_objects_are_dropped_on_request(coding):
    ids = drawn(*["111111...22222222"] * 6, *["........22222222."] * 4)
    objects = coding(min_size=40).decode(coding().encode(ids))
    assert objects.max() == 1
    assert (objects[:, :8] == 0).all()


@pytest.mark.parametrize(
    ("coding", "options", "problem"),
    [
        (Components, {"threshold": 1}, r"threshold must be a number in \(0, 1\), got 1"),
        (Boundary, {"width": 0}, "width must be a whole number >= 1, got 0"),
        (Boundary, {"edge_weight": 0.5}, "edge_weight must be a number >= 1, got 0.5"),
        (Distance, {"smoothing": float("nan")}, "smoothing must be a number >= 0, got nan"),
        (Weighted, {"sigma": 0}, "sigma must be a number >= 0.5, got 0"),
        (Weighted, {"border": "10"}, "border must be a number >= 0, got '10'"),
        (Flows, {"steps": 2.5}, "steps must be a whole number >= 1, got 2.5"),
        (Flows, {"max_share": 0}, r"max_share must be a number in \(0, 1\), got 0"),
    ],
)
def test_options_outside_their_range_are_refused(coding, options, problem):
    with pytest.raises(unetzoo.OptionError, match=problem):
        coding(**options)


@pytest.mark.parametrize("coding", [Components(), Weighted(), Boundary(), Distance(), Flows()], ids=_name)
def test_maps_of_another_coding_are_refused(coding):
    with pytest.raises(unetzoo.ShapeError, match=r"maps of objects must be \(\d, h, w\).*, got \(4, 8, 8\)"):
        coding.decode(np.zeros((4, 8, 8), np.float32))


def test_touching_ellipses_come_back_from_noisy_maps():
    ids = ellipses(seed=3)
    noise = np.random.default_rng(0).normal(0, 0.15, (3, *ids.shape)).astype(np.float32)
    for coding in (Boundary(min_size=15), Distance(min_size=15), Flows()):
        objects = coding.decode(np.clip(coding.encode(ids) + noise, -1, 1))
        assert (best_ious(ids, objects) > 0.5).mean() >= 0.8
