"""A pixel belongs to an outline if its center lies inside: as scikit-image has it for pixels, pycocotools nearly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco
from skimage.draw import polygon as filled

import unetzoo
from unetzoo.data.annotations.raster import draw
from unetzoo.data.annotations.shapes import Patch, Polygon, Shape, ellipse, joined, rectangle, ring

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools, by NumPy 2
_SIZE = (60, 64)


def _draw(*rings, size=_SIZE):
    return draw([Shape("", (Polygon(tuple(map(ring, rings))),))], size)


def _star(seed, corners=None):
    """The corners of an outline around a point near the middle, some of them outside of the image."""
    random = np.random.default_rng(seed)
    count = corners or int(random.integers(3, 40))
    angles, radii = np.sort(random.random(count)) * 2 * np.pi, random.uniform(3, 35, count)
    return np.stack([30 + radii * np.cos(angles), 28 + radii * np.sin(angles)], axis=1) + random.uniform(-9, 9, 2)


def _by_skimage(corners):
    mask = np.zeros(_SIZE, bool)
    mask[filled(corners[:, 1] - 0.5, corners[:, 0] - 0.5, _SIZE)] = True  # its pixels lie on whole numbers
    return mask


def _distances(corners, points):
    """From points (n, 2) to an outline."""
    nearest = np.full(len(points), np.inf)
    for start, end in zip(corners, np.roll(corners, -1, 0), strict=True):
        along = end - start
        share = ((points - start) @ along / (along @ along)).clip(0, 1)
        nearest = np.minimum(nearest, np.linalg.norm(points - start - share[:, None] * along, axis=1))
    return nearest


@pytest.mark.parametrize("seed", range(100))
def test_outlines_have_the_pixels_that_scikit_image_gives_them(seed):
    corners = _star(seed)
    np.testing.assert_array_equal(_draw(corners).ids > 0, _by_skimage(corners))


@pytest.mark.parametrize("seed", range(20))
def test_what_an_outline_encloses_twice_is_outside_as_scikit_image_has_it(seed):
    corners = np.random.default_rng(seed).uniform(-5, 65, (9, 2))
    drawing = _draw(corners)
    np.testing.assert_array_equal(drawing.ids > 0, _by_skimage(corners))
    assert drawing.crossed == 1


@pytest.mark.parametrize("seed", range(100))
def test_outlines_differ_from_pycocotools_only_within_a_quarter_of_a_pixel(seed):
    corners = _star(seed)
    runs = coco.merge(coco.frPyObjects([corners.ravel().tolist()], *_SIZE))
    differing = np.argwhere(coco.decode(runs) != (_draw(corners).ids > 0))
    assert (_distances(corners, differing[:, ::-1] + 0.5) < 0.25).all()


def test_a_rectangle_has_the_pixels_between_its_sides():
    expected = np.zeros(_SIZE, bool)
    expected[10:20, 5:30] = True
    np.testing.assert_array_equal(_draw(rectangle(5, 10, 30, 20)).ids > 0, expected)
    np.testing.assert_array_equal(_draw(rectangle(5.4, 10.4, 29.6, 19.6)).ids > 0, expected)
    np.testing.assert_array_equal(_draw(rectangle(30, 20, 5, 10)).ids > 0, expected)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 240), st.integers(0, 240))
def test_outlines_with_a_common_side_share_no_pixel_and_leave_none_out(x, y):
    """Their coordinates are quarters of pixels, so that sides run through centers."""
    x, y = x / 4, y / 4
    corners = [(0, 0), (64, 0), (64, 60), (0, 60)]
    triangles = [
        Shape("", (Polygon((ring([(x, y), start, end]),)),))
        for start, end in zip(corners, corners[1:] + corners[:1], strict=True)
    ]
    drawing = draw(triangles, _SIZE)
    assert sum(drawing.sizes) == _SIZE[0] * _SIZE[1]
    assert drawing.overlap == 0


def test_a_hole_is_outside_and_an_island_in_it_inside():
    drawing = _draw(rectangle(0, 0, 30, 30), rectangle(5, 5, 25, 25), rectangle(10, 10, 20, 20))
    assert int((drawing.ids > 0).sum()) == 900 - 400 + 100
    assert drawing.ids[2, 2] == 1
    assert drawing.ids[7, 7] == 0
    assert drawing.ids[15, 15] == 1


def test_the_direction_of_an_outline_does_not_matter():
    corners = _star(5)
    np.testing.assert_array_equal(_draw(corners).ids, _draw(corners[::-1]).ids)


def test_parts_of_one_object_have_one_number_and_do_not_overlap():
    parts = (Polygon((rectangle(0, 0, 10, 10),)), Polygon((rectangle(5, 5, 15, 15),)))
    drawing = draw([Shape("", parts)], _SIZE)
    assert set(np.unique(drawing.ids)) == {0, 1}
    assert drawing.sizes == [175]
    assert drawing.overlap == 0


def test_later_objects_lie_over_earlier_ones():
    drawing = draw([Shape("", (Polygon((rectangle(0, 0, side, 10),)),)) for side in (10, 6)], _SIZE)
    assert drawing.ids[5].tolist()[:12] == [2] * 6 + [1] * 4 + [0] * 2
    assert drawing.overlap == 60
    assert drawing.sizes == [100, 60]


@pytest.mark.parametrize(
    ("corners", "crosses"),
    [
        ([(0, 0), (20, 20), (20, 0), (0, 20)], True),  # a bow tie
        (np.tile(rectangle(0, 0, 20, 20), (2, 1)), True),  # twice round
        ([(0, 0), (20, 0), (20, 20), (10, 5), (0, 20)], False),  # concave
    ],
)
def test_outlines_that_cross_themselves_are_counted(corners, crosses):
    assert _draw(corners).crossed == crosses


def test_outlines_beyond_the_image_are_cut_off_and_counted():
    drawing = _draw(rectangle(-20, -20, 10, 10))
    assert (drawing.beyond, drawing.sizes) == (1, [100])
    assert _draw(rectangle(-0.4, -0.4, 64.4, 60.4)).beyond == 0
    assert _draw(rectangle(100, 100, 120, 120)).sizes == [0]
    assert _draw([(-1e9, -1e9), (1e9, -1e9), (1e9, 1e9), (-1e9, 1e9)]).sizes == [60 * 64]


def test_patches_are_cut_off_at_the_border():
    for top, left, count in ((-5, -5, 25), (55, 60, 20), (-20, 0, 0), (10, 70, 0)):
        drawing = draw([Shape("", (Patch(np.ones((10, 10), bool), top, left),))], _SIZE)
        assert (drawing.sizes, drawing.beyond) == ([count], 1)


def test_more_than_65535_objects_have_numbers_of_their_own():
    pixels = np.ones((1, 1), bool)
    shapes = [Shape("", ())] * 65_534 + [Shape("", (Patch(pixels, 0, place),)) for place in range(4)]
    assert draw(shapes, (1, 6)).ids.tolist() == [[65_535, 65_536, 65_537, 65_538, 0, 0]]


def test_an_ellipse_has_the_pixels_whose_centers_it_holds_but_at_its_edge():
    rows, columns = np.mgrid[:60, :64] + 0.5
    radius = np.hypot((columns - 30) / 22, (rows - 28) / 11)
    mask = _draw(ellipse(30, 28, 22, 11)).ids > 0
    assert mask[radius < 0.99].all()
    assert not mask[radius > 1.0].any()


def test_a_turned_rectangle_turns_clockwise_in_the_image():
    mask = _draw(rectangle(10, 20, 50, 30, angle=90)).ids > 0
    np.testing.assert_array_equal(np.argwhere(mask).min(0), [5, 25])
    np.testing.assert_array_equal(np.argwhere(mask).max(0), [44, 34])
    rows, columns = np.nonzero(_draw(rectangle(10, 20, 50, 30, angle=30)).ids)
    assert rows[columns > 44].min() > rows[columns < 16].max()


def test_shapes_of_one_label_and_group_are_joined():
    part = (Polygon((rectangle(0, 0, 4, 4),)),)
    shapes = [(Shape("a", part), ("a", 1)), (Shape("b", part), ("b", 1)), (Shape("a", part), ("a", 1))]
    lonely = [(Shape("a", part), ("a", None)), (Shape("a", part), ("a", None))]
    assert [(shape.label, len(shape.parts)) for shape in joined(shapes + lonely)] == [
        ("a", 2),
        ("b", 1),
        ("a", 1),
        ("a", 1),
    ]


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([[0, 0], [1, 1]], "at least 3 points"),
        ([0, 0, 1, 1, 2], "at least 3 points"),
        ([[0, 0], [1, 1], [float("nan"), 2]], "not finite"),
        ([[0, 0], [1, 1], [1e300, 2]], "far from any image"),
        ([["a", 0], [1, 1], [2, 2]], "not a list of numbers"),
        ([[0, 0], [1], [2, 2]], "not a list of numbers"),
    ],
)
def test_points_that_are_no_outline_are_refused(points, message):
    with pytest.raises(unetzoo.DataError, match=message):
        ring(points)


def test_an_outline_that_needs_very_much_memory_is_refused():
    zigzag = np.stack([np.arange(40_000) % 1000, np.arange(40_000) % 2 * 1e9], axis=1)
    with pytest.raises(unetzoo.DataError, match="crosses the rows of the image"):
        _draw(zigzag, size=(1000, 1000))
