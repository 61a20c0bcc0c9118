import numpy as np
import pytest
import torch
from drawn_objects import drawn, ellipses, nuclei, same_objects
from skimage.measure import regionprops

from unetzoo.objects.flows import Flows
from unetzoo.objects.follow import end_points
from unetzoo.objects.heat import heat_flows


def _naive_flows(mask, source):
    """The heat of one object, pixel by pixel."""
    rows, columns = np.nonzero(mask)
    heat = dict.fromkeys(zip(rows.tolist(), columns.tolist(), strict=True), 0.0)
    around = [(row, column) for row in (-1, 0, 1) for column in (-1, 0, 1)]
    for _ in range(2 * (np.ptp(rows) + 1 + np.ptp(columns) + 1)):
        heat[source] += 1
        heat = {(r, c): sum(heat.get((r + y, c + x), 0.0) for y, x in around) / 9 for r, c in heat}
    flows = np.zeros((2, *mask.shape))
    for r, c in heat:
        rise = np.array(
            [
                heat.get((r + 1, c), 0.0) - heat.get((r - 1, c), 0.0),
                heat.get((r, c + 1), 0.0) - heat.get((r, c - 1), 0.0),
            ]
        )
        flows[:, r, c] = rise / max(np.hypot(*rise), 1e-12)
    return flows


def test_flows_are_those_of_heat_that_spreads_pixel_by_pixel():
    mask = np.hypot(*(np.mgrid[:14, :22] - np.array([6, 8])[:, None, None])) < 6.2
    mask[3:5, 10:21] = True  # 13 x 19 pixels
    rows, columns = np.nonzero(mask)
    distances = np.hypot(rows - rows.mean(), columns - columns.mean())
    source = rows[distances.argmin()].item(), columns[distances.argmin()].item()
    flows = heat_flows(mask.astype(np.int32))
    away = np.hypot(*(np.mgrid[:14, :22] - np.array(source)[:, None, None])) > 1  # there it is level
    np.testing.assert_allclose(flows[:, away], _naive_flows(mask, source)[:, away], atol=1e-4)


def test_an_object_has_the_same_flows_alone_and_among_others():
    ids = nuclei(96)
    whole = Flows().encode(ids)
    for number in np.unique(ids[ids > 0])[::3]:
        alone = Flows().encode(np.where(ids == number, ids, 0))
        np.testing.assert_array_equal(whole[:, ids == number], alone[:, ids == number])


def test_flows_have_length_1_in_objects_and_0_beyond():
    ids = ellipses()
    lengths = np.hypot(*Flows().encode(ids)[:2])
    assert (lengths[ids == 0] == 0).all()
    assert (np.abs(lengths[ids > 0] - 1) < 1e-5).mean() > 0.98  # but where heat enters


def test_pixels_of_an_ellipse_end_at_its_centroid():
    ids = ellipses(1, 64, seed=4)
    ends = end_points(Flows().encode(ids), 0.5, 200)
    centroid = np.array(regionprops(ids)[0].centroid)
    assert np.abs(ends - centroid[:, None]).max() <= 1.5


def test_a_pixel_goes_as_far_as_the_flow_says():
    maps = torch.zeros(3, 5, 9)
    maps[1], maps[2] = 1, 1
    maps[1, :, 6:] = 0
    assert end_points(maps, 0.5, 3)[1].reshape(5, 9)[0].tolist() == [3, 4, 5, 6, 6, 6, 6, 7, 8]
    assert end_points(maps * 0.5 + 0.25, 0.9, 3).shape == (2, 0)


def test_an_object_whose_flows_contradict_its_shape_is_dropped():
    ids = drawn(*[".........."] * 2, *[".11111111."] * 8, *[".........."] * 2)
    maps = Flows().encode(ids)
    rows, columns = np.mgrid[:12, :10]
    swirl = np.stack([columns - 4.4, 5.4 - rows]) / np.hypot(columns - 4.4, rows - 5.4)
    mixed = maps.copy()
    mixed[:2] = np.where(ids > 0, (maps[:2] + 1.6 * swirl) / 2, 0)
    assert Flows(flow_error=0).decode(mixed).max() == 1
    assert Flows().decode(mixed).max() == 0
    assert Flows().decode(maps).max() == 1


def test_an_object_that_fills_more_than_its_share_is_dropped():
    ids = np.pad(np.ones((12, 12), int), 2)
    maps = Flows().encode(ids)
    assert Flows().decode(maps).max() == 1
    assert Flows(max_share=0.4).decode(maps).max() == 0


def test_holes_are_filled_or_kept():
    radius = np.hypot(*np.mgrid[-20:21, -20:21])
    ring = ((radius < 18) & (radius > 9)).astype(int)
    maps = Flows().encode(ring)
    assert same_objects(radius < 18, Flows().decode(maps))
    assert same_objects(ring, Flows(fill_holes=False).decode(maps))


@pytest.mark.parametrize("kind", ["array", "tensor"])
def test_maps_may_be_an_array_or_a_tensor(kind):
    maps = Flows().encode(ellipses())
    objects = Flows().decode(maps if kind == "array" else torch.from_numpy(maps))
    assert same_objects(objects, Flows().decode(maps))
