import numpy as np
import pytest
import torch
from drawn_objects import drawn, ellipses

import unetzoo
from unetzoo.objects.boundary import Boundary
from unetzoo.objects.coding import ObjectMap, turn
from unetzoo.objects.components import Components
from unetzoo.objects.distance import Distance
from unetzoo.objects.flows import Flows
from unetzoo.objects.target import activate, all_maps, make_target, object_classes


def test_a_target_is_maps_and_then_weights_which_are_0_where_unknown():
    ids = drawn("11?", "11.")
    target = make_target(Distance(), ids)
    np.testing.assert_array_equal(target[:3], Distance().encode(ids))
    assert target[3:].astype(int).tolist() == [[[1, 1, 0], [1, 1, 1]], *[[[1, 1, 0], [1, 1, 0]]] * 2]


def test_classes_come_behind_the_maps_and_count_where_they_are_known():
    ids, classes = drawn("11.2", "1?.2"), drawn("0012", "0002")
    target = make_target(Components(), ids, classes, count=2)
    assert target.shape == (1 + 2 + 2, 2, 4)
    assert target[1:3].astype(int).tolist() == [(classes == 0).tolist(), (classes == 1).tolist()]
    assert target[4].astype(int).tolist() == [[1, 1, 0, 0], [1, 0, 0, 0]]


def test_classes_of_another_shape_are_refused():
    with pytest.raises(unetzoo.ShapeError, match=r"classes of objects must be \(2, 4\), as their ids, got None"):
        make_target(Components(), drawn("11.2", "1?.2"), None, count=2)


def test_logits_become_maps_by_the_activation_of_each():
    logits = torch.randn(2, 8, 3, 3)
    maps = activate((*Boundary().maps, *Flows().maps, *Components().maps * 2), torch.cat([logits], 1))
    torch.testing.assert_close(maps[:, :3], logits[:, :3].softmax(1))
    torch.testing.assert_close(maps[:, 3:5], logits[:, 3:5])
    torch.testing.assert_close(maps[:, 5:], logits[:, 5:].sigmoid())


def test_an_object_has_the_class_of_most_of_its_pixels():
    objects = drawn("1122", "11.2", "3344")
    classes = drawn("0102", "0112", "0177")
    assert object_classes(objects, classes, 3).tolist() == [-1, 0, 2, 0, -1]


def test_beside_a_coding_there_is_a_map_of_classes():
    maps = all_maps(Flows(), ("round", "long"))
    assert [item.name for item in maps] == ["flow", "foreground", "class"]
    assert maps[-1].channels == ("round", "long")
    assert all_maps(Flows()) == Flows().maps


@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("mirror", [False, True])
def test_vectors_turn_with_the_image(quarters, mirror):
    rows, columns = np.mgrid[:9, :9] - 4.0
    outwards = np.stack([rows, columns, rows]).astype(np.float32)  # the same from all sides
    turned = turn(Flows().maps, outwards, quarters, mirror=mirror)
    np.testing.assert_array_equal(turned[:2], outwards[:2])
    scalar = np.rot90(rows, quarters)
    np.testing.assert_array_equal(turned[2], scalar[:, ::-1] if mirror else scalar)


def _to_the_borders(height, width):
    """The pixels (4, h, w) to the border on the right, below, on the left and above."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([width - 1 - columns, height - 1 - rows, columns, rows])


@pytest.mark.parametrize(
    ("quarters", "mirror", "size"), [(0, True, (3, 7)), (1, False, (7, 3)), (2, False, (3, 7)), (3, True, (7, 3))]
)
def test_rays_turn_with_the_image(quarters, mirror, size):
    rays = ObjectMap(name="rays", channels=tuple("abcd"), activation="none", loss="l1", rays=True)
    turned = turn((rays,), _to_the_borders(3, 7), quarters, mirror=mirror)
    np.testing.assert_array_equal(turned, _to_the_borders(*size))


def test_flows_of_a_turned_image_are_the_turned_flows():
    ids = ellipses(5, 48)
    expected = turn(Flows().maps, Flows().encode(ids), 1, mirror=True)
    np.testing.assert_allclose(Flows().encode(np.rot90(ids)[:, ::-1]), expected, atol=1e-3)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"activation": "relu"}, "the activation of map 'm' must be one of sigmoid, softmax, none; got 'relu'"),
        ({"loss": "bce +"}, "cannot read the loss 'bce \\+'"),
        ({"weight": 0}, "the weight of map 'm' must be a number > 0, got 0"),
        ({"start": float("inf")}, "the start of map 'm' must be a finite number, got inf"),
        ({"channels": ()}, "map 'm' needs at least one channel"),
        ({"vector": True}, "map 'm' needs two channels, y and x, got \\('a',\\)"),
        ({"rays": True}, "map 'm' needs channels for a multiple of 4 directions, got \\('a',\\)"),
    ],
)
def test_a_map_that_cannot_be_is_refused(change, problem):
    with pytest.raises(unetzoo.OptionError, match=problem):
        ObjectMap(**{"name": "m", "channels": ("a",), "activation": "none", "loss": "l1", **change})
