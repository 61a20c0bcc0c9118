import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unetzoo.inference.tiles import plan_axis, read_mirrored


@given(length=st.integers(1, 5000), tile=st.integers(64, 1024), data=st.data())
@settings(max_examples=300, deadline=None)
def test_the_weights_of_all_tiles_add_up_to_one_at_every_pixel(length, tile, data):
    overlap = data.draw(st.integers(0, (tile - 1) // 2))
    axis = plan_axis(length, tile, overlap, 64)
    total = np.zeros(length)
    for index, (first, beyond) in enumerate(axis.spans):
        inside = slice(max(0, -first), min(axis.size, length - first))
        total[max(0, first) : min(length, beyond)] += axis.weights(index)[inside]
    np.testing.assert_allclose(total, 1, atol=1e-6)


@given(length=st.integers(1, 5000), tile=st.integers(64, 1024), data=st.data())
@settings(max_examples=300, deadline=None)
def test_neighbours_share_the_overlap_and_lack_weight_where_they_lack_context(length, tile, data):
    overlap = data.draw(st.integers(0, (tile - 1) // 2))
    axis = plan_axis(length, tile, overlap, 64)
    if axis.count == 1:
        assert axis.size == length <= tile
        return
    assert axis.size % 64 == 0
    assert axis.size - axis.step >= overlap
    edge = (axis.size - axis.step) // 4 - 1
    for index in range(1, axis.count):
        assert not axis.weights(index)[: max(0, edge)].any()
        assert not axis.weights(index - 1)[axis.size - max(0, edge) :].any()
        assert not axis.weights(index)[: max(0, axis.finished(index - 1) - axis.starts[index])].any()


def test_a_block_is_mirrored_at_every_border():
    image = np.arange(12).reshape(3, 4)
    found = read_mirrored(image, (-2, 5), (-1, 6))
    np.testing.assert_array_equal(found, np.pad(image, ((2, 2), (1, 2)), mode="reflect"))


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (2, 3), (7, 2)])
def test_blocks_much_larger_than_the_image_are_mirrored_again_and_again(shape):
    image = np.random.default_rng(0).random(shape)
    found = read_mirrored(image, (-9, shape[0] + 9), (-9, shape[1] + 9))
    np.testing.assert_array_equal(found, np.pad(image, 9, mode="reflect"))


def test_no_more_of_the_image_is_read_than_the_block_needs():
    class Spy:
        shape = (1000, 1000, 3)

        def __getitem__(self, where):
            self.asked = where
            return np.zeros([part.stop - part.start for part in where] + [3])

    spy = Spy()
    assert read_mirrored(spy, (-10, 54), (500, 564)).shape == (64, 64, 3)
    assert spy.asked == (slice(0, 54), slice(500, 564))
