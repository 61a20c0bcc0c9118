import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unetzoo.inference.tiles import default_tile, plan_tiles, read_mirrored

_UNIT = 32


@st.composite
def _plans(draw):
    shape = (draw(st.integers(1, 6000)), draw(st.integers(1, 6000)))
    tile = draw(st.integers(128, 1024))
    overlap = draw(st.integers(0, (tile - 1) // 2))
    return shape, tile, overlap, plan_tiles(shape, tile, overlap, _UNIT)


def _weights(axis, index):
    first, beyond = axis.used(index)
    weights = np.ones(beyond - first)
    for where, values in axis.ramps(index):
        weights[where] *= values
    return weights


@st.composite
def _plans_of_volumes(draw):
    shape = tuple(draw(st.integers(1, 500)) for _ in range(3))
    tile = draw(st.integers(32, 160))
    overlap = draw(st.integers(0, (tile - 1) // 2))
    unit = tuple(draw(st.sampled_from([2, 4, 8, 16, 32])) for _ in range(3))
    return shape, tile, overlap, plan_tiles(shape, tile, overlap, unit)


@given(plan=_plans() | _plans_of_volumes())
@settings(max_examples=300, deadline=None)
def test_the_weights_of_all_tiles_add_up_to_one_at_every_pixel(plan):
    shape, _, _, axes = plan
    for length, axis in zip(shape, axes, strict=True):
        total = np.zeros(length)
        for index in range(axis.count):
            first, beyond = axis.used(index)
            total[first:beyond] += _weights(axis, index)
        np.testing.assert_allclose(total, 1, atol=1e-6)


@given(plan=_plans())
@settings(max_examples=300, deadline=None)
def test_a_pixel_that_counts_has_a_quarter_of_the_overlap_around_it_in_its_tile(plan):
    _, _, overlap, axes = plan
    for axis in axes:
        for index in range(axis.count):
            (start, end), (first, beyond) = axis.span(index), axis.used(index)
            assert axis.count == 1 or (first - start >= overlap / 4 and end - beyond >= overlap / 4)
            assert axis.count == 1 or start % _UNIT == end % _UNIT == 0
            assert index == 0 or axis.span(index - 1)[1] - start >= overlap
            assert index == 0 or axis.finished(index - 1) <= first


@given(plan=_plans())
@settings(max_examples=300, deadline=None)
def test_a_tile_is_about_as_large_as_wanted_and_what_all_see_is_what_is_planned(plan):
    shape, tile, overlap, axes = plan
    down, right = axes
    if shape[0] * shape[1] <= tile**2:
        assert (down.count, right.count) == (1, 1)
    has_room = overlap <= tile / 8 - 8 and tile >= 6 * _UNIT
    assert down.size * right.size <= (tile**2 if has_room else 3 * (tile + 64) ** 2)
    for axis, length in zip(axes, shape, strict=True):
        assert axis.size >= min(length, tile // 2 - _UNIT)
        assert axis.seen == sum(end - start for start, end in map(axis.span, range(axis.count)))


@given(plan=_plans_of_volumes())
@settings(max_examples=300, deadline=None)
def test_a_block_of_a_volume_has_about_the_voxels_of_a_cube_and_begins_where_networks_pool(plan):
    shape, tile, overlap, axes = plan
    units = [axis.unit for axis in axes]
    if math.prod(shape) <= tile**3:
        assert [axis.count for axis in axes] == [1, 1, 1]
    if overlap <= tile / 8 and max(units) <= tile / 16:
        assert math.prod(axis.size for axis in axes) <= 2 * tile**3
    for axis, unit in zip(axes, units, strict=True):
        spans = [axis.span(index) for index in range(axis.count)]
        assert axis.count == 1 or all(start % unit == end % unit == 0 for start, end in spans)
        assert all(before[1] - after[0] >= overlap for before, after in pairwise(spans))


def test_a_tile_of_few_units_may_be_larger_than_wanted():
    down, right = plan_tiles((118, 139), 128, 1, _UNIT)
    assert (down.size, right.size) == (118, 139)  # two tiles would share 64, and see more than twice as much


@pytest.mark.parametrize(
    ("shape", "tile", "tiles"),
    [
        # 4 strips share 128 pixels and see 32 beyond both ends: (4096 + 2 * 32 + 3 * 128) x 3072; two tiles each way
        # would see (4096 + 64 + 128) x (3072 + 64 + 128), which is as much, but needs more memory
        ((4096, 3072), 2048, (4, 1, 4544 * 3072)),
        ((3000, 2000), 2048, (2, 1, (3000 + 64 + 128 + 8) * 2000)),  # 3192 is no multiple of 32
        ((500, 8000), 2048, (1, 1, 500 * 8000)),
    ],
)
def test_strips_as_wide_as_the_image_are_chosen_where_they_are_less_work(shape, tile, tiles):
    down, right = plan_tiles(shape, tile, 128, _UNIT)
    assert (down.count, right.count, down.seen * right.seen) == tiles


@given(shape=st.tuples(st.integers(1024, 30_000), st.integers(1024, 30_000)))
@settings(max_examples=100, deadline=None)
def test_no_more_is_seen_than_by_square_tiles(shape):
    down, right = plan_tiles(shape, 1024, 128, _UNIT)
    squares = [1024 * -(-(length + 64 - 128) // (1024 - 128)) for length in shape]
    assert down.seen * right.seen <= 1.01 * squares[0] * squares[1]


def test_an_image_for_which_rows_of_tiles_need_much_memory_has_smaller_ones():
    assert default_tile((4096, 3072)) == 2048
    assert default_tile((11_000, 12_000)) == 2048  # 132 million pixels
    assert default_tile((20_000, 20_000)) == 1280


def test_a_block_is_mirrored_at_every_border():
    image = np.arange(12).reshape(3, 4)
    actual = read_mirrored(image, (-2, 5), (-1, 6))
    np.testing.assert_array_equal(actual, np.pad(image, ((2, 2), (1, 2)), mode="reflect"))


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (2, 3), (7, 2)])
def test_blocks_much_larger_than_the_image_are_mirrored_again_and_again(shape):
    image = np.random.default_rng(0).random(shape)
    actual = read_mirrored(image, (-9, shape[0] + 9), (-9, shape[1] + 9))
    np.testing.assert_array_equal(actual, np.pad(image, 9, mode="reflect"))


def test_no_more_of_the_image_is_read_than_the_block_needs():
    class Spy:
        shape = (1000, 1000, 3)

        def __getitem__(self, where):
            self.asked = where
            return np.zeros([part.stop - part.start for part in where] + [3])

    spy = Spy()
    assert read_mirrored(spy, (-10, 54), (500, 564)).shape == (64, 64, 3)
    assert spy.asked == (slice(0, 54), slice(500, 564))
