"""Resampling by windows; torch's interpolation of whole images, sums over small blocks and scipy are the judges."""

from itertools import product

import numpy as np
import pytest
import torch
from scipy.ndimage import center_of_mass
from torch.nn import functional

from unetzoo.data.formats.resample import Resampled, ResampledMask, thick_axes

_SIZES = [((40, 33), (80, 99)), ((40, 33), (57, 41)), ((40, 36), (20, 12)), ((41, 33), (17, 20)), ((9, 9), (9, 9))]


def _image(size, channels=2):
    return np.random.default_rng(0).random((*size, channels), dtype=np.float32)


def _whole(size):
    return tuple(slice(0, side) for side in size)


@pytest.mark.parametrize(("size", "new"), _SIZES)
def test_images_grow_as_by_torchs_cubic_function_and_shrink_to_means_of_areas(size, new):
    image = _image(size)
    stacked = torch.from_numpy(image).permute(2, 0, 1)[None].double()
    if new[0] >= size[0]:
        expected = functional.interpolate(stacked, new, mode="bicubic")
    else:  # every pixel as a block of so many that areas have whole numbers of them
        blocks = stacked.repeat_interleave(new[0], 2).repeat_interleave(new[1], 3)
        expected = functional.avg_pool2d(blocks, size)
    resampled = Resampled(image, new)
    assert resampled.shape == (*new, 2)
    whole = slice(0, new[0]), slice(0, new[1])
    np.testing.assert_allclose(resampled[whole], expected[0].permute(1, 2, 0).numpy(), atol=1e-5)
    window = slice(new[0] // 3, new[0] // 2 + 1), slice(2, new[1] - 1)
    np.testing.assert_allclose(resampled[window], resampled[whole][window], atol=1e-6)


@pytest.mark.parametrize("new", [(20, 20), (80, 80)])
def test_what_is_no_data_has_no_influence(new):
    image = np.full((40, 40, 1), 7, np.int16)
    image[:, 20:] = -9999
    result = Resampled(image, new, nodata=(-9999,))[0 : new[0], 0 : new[1]]
    assert result.dtype == np.int16
    assert set(np.unique(result.compressed()).tolist()) == {7}
    np.testing.assert_array_equal(result.mask[0, :, 0], np.arange(new[1]) >= new[1] // 2)


@pytest.mark.parametrize(
    ("size", "new"), [((6, 8, 10), (9, 20, 10)), ((12, 9, 8), (5, 3, 8)), ((12, 9, 8), (6, 18, 7))]
)
def test_a_volume_is_resampled_axis_by_axis(size, new):
    volume = _image(size)
    expected = torch.from_numpy(volume).double()
    for axis, (old, side) in enumerate(zip(size, new, strict=True)):
        rows = expected.movedim(axis, 0).reshape(1, 1, old, -1)
        if side >= old:
            moved = functional.interpolate(rows, (side, rows.shape[-1]), mode="bicubic")
        else:
            moved = functional.avg_pool2d(rows.repeat_interleave(side, 2), (old, 1))
        shape = [side, *(length for place, length in enumerate(expected.shape) if place != axis)]
        expected = moved.reshape(shape).movedim(0, axis)
    result = Resampled(volume, new)[_whole(new)]
    np.testing.assert_allclose(result, expected.numpy(), atol=1e-5)
    window = (slice(1, new[0] - 1), slice(2, 3), slice(0, 4))
    np.testing.assert_allclose(Resampled(volume, new)[window], result[window], atol=1e-6)


@pytest.mark.parametrize("new", [(10, 12, 30), (40, 36, 12), (20, 24, 9)])
def test_a_value_stays_at_its_place_in_space(new):
    """Each voxel has its place along each axis as its values; half a voxel is more than 0.16, errors are below 0.13."""
    old, length = (20, 24, 18), np.array([20.0, 12.0, 27.0])

    def places(size):
        along = (np.indices(size).transpose(1, 2, 3, 0) + 0.5) * (length / np.array(size))
        return along.astype(np.float32)

    rims = [-(-3 * side // before) for side, before in zip(new, old, strict=True)]
    inside = tuple(slice(rim, -rim) for rim in rims)  # beyond the border the last value goes on
    result = Resampled(places(old), new)[_whole(new)]
    np.testing.assert_allclose(result[inside], places(new)[inside], atol=0.13)


def test_slices_that_lie_far_apart_are_repeated_and_their_rows_are_not():
    volume = _image((4, 6, 6))
    result = Resampled(volume, (12, 12, 6), stepped=(0,))[_whole((12, 12, 6))]
    np.testing.assert_array_equal(result[::3], result[2::3])
    single = Resampled(volume[1], (12, 6))[_whole((12, 6))]
    np.testing.assert_allclose(result[4], single, atol=1e-6)


@pytest.mark.parametrize(
    ("steps", "others", "expected"),
    [
        ((5, 1, 1), (1, 1, 1), (0,)),
        ((1, 1, 1), (1, 1, 4), (2,)),
        ((3, 1, 1), (1, 1, 1), ()),  # not more than three times
        ((4, 4, 1), (1, 1, 1), ()),  # two are equally large
        ((5, 1, 1), (1, 5, 1), (0, 1)),
        ((9, 1), (1, 1), ()),  # images
    ],
)
def test_thick_axes_are_those_of_the_rule_of_nnunet(steps, others, expected):
    assert thick_axes(steps, others) == expected


@pytest.mark.parametrize(("size", "new"), [((7, 9), (3, 5)), ((12, 10), (6, 5)), ((5, 6), (11, 13)), ((9, 8), (3, 20))])
def test_a_label_is_that_of_the_largest_part(size, new):
    """Torch's interpolation, and means over areas, of one mask a label."""
    mask = np.random.default_rng(1).integers(0, 4, size).astype(np.uint8)
    votes = []
    for label in range(4):
        vote = torch.from_numpy(mask == label).double()
        for axis, (old, side) in enumerate(zip(size, new, strict=True)):
            rows = vote.movedim(axis, 0)[None]
            if side >= old:
                rows = functional.interpolate(rows.transpose(1, 2), side, mode="linear").transpose(1, 2)
            else:
                rows = functional.avg_pool2d(rows.repeat_interleave(side, 1), (old, 1))
            vote = rows[0].movedim(0, axis)
        votes.append(vote.numpy())
    ordered = np.sort(votes, 0)
    is_clear = ordered[-1] - ordered[-2] > 2e-3
    result = ResampledMask(mask, new)[_whole(new)]
    assert is_clear.mean() > 0.5
    np.testing.assert_array_equal(result[is_clear], np.argmax(votes, 0)[is_clear])


def test_equal_parts_are_decided_by_the_nearest_pixel():
    mask = np.array([[1, 2, 3, 4]], np.int32).repeat(2, 0)
    assert ResampledMask(mask, (1, 2))[0:1, 0:2].tolist() == [[2, 4]]
    assert ResampledMask(mask, (1, 2))[0:1, 0:2].dtype == np.int32


def _ball(size, radius=0.35):
    places = (np.indices(size).transpose(1, 2, 3, 0) + 0.5) / np.array(size) - 0.5
    return ((places**2).sum(-1) < radius**2).astype(np.uint8)


@pytest.mark.parametrize("new", [(24, 24, 24), (20, 60, 30), (61, 40, 40)])
def test_a_body_keeps_its_volume_and_its_place_there_and_back(new):
    size = (48, 48, 48)
    ball = _ball(size)
    there = ResampledMask(ball, new)[_whole(new)]
    back = ResampledMask(there, size)[_whole(size)]
    assert there.mean() == pytest.approx(ball.mean(), rel=0.02)
    assert back.sum() == pytest.approx(ball.sum(), rel=0.02)
    middle = (np.array(center_of_mass(there)) + 0.5) / np.array(new)
    np.testing.assert_allclose(middle, 0.5, atol=0.2 / max(size))  # of the finer grid's voxels
    assert (back & ball).sum() / (back | ball).sum() > 0.9
    np.testing.assert_array_equal(there, ResampledMask(_ball(size), new)[_whole(new)])
    assert (there != _ball(new)).mean() < 0.02


def test_windows_of_a_mask_are_parts_of_the_whole_and_planes_are_masks_each():
    random = np.random.default_rng(2)
    mask, new = random.integers(0, 3, (30, 70, 40)).astype(np.uint8), (50, 100, 30)
    whole = ResampledMask(mask, new)[_whole(new)]
    for corner in product((0, 13), (0, 47, 80), (5,)):
        window = tuple(slice(first, first + 15) for first in corner)
        np.testing.assert_array_equal(ResampledMask(mask, new)[window], whole[window])
    planes = np.stack([mask == 1, np.where(mask == 2, 255, 0)], -1).astype(np.uint8)
    both = ResampledMask(planes, new)[_whole(new)]
    np.testing.assert_array_equal(both[..., 0], ResampledMask(planes[..., 0], new)[_whole(new)])
    assert set(np.unique(both[..., 1])) == {0, 255}


@pytest.mark.parametrize("size", [(57, 41), (20, 12)])
def test_values_beyond_limits_do_not_reach_those_around_them(size):
    image = _image((40, 33), channels=4)
    image[10, 10], image[20, 20] = 50, -50
    limits = np.array([0.25, -np.inf]), np.array([0.75, 1])  # repeated for the third and the fourth channel
    cut = np.clip(image, np.tile(limits[0], 2), np.tile(limits[1], 2)).astype(np.float32)
    np.testing.assert_array_equal(
        Resampled(image, size, limits=limits)[_whole(size)], Resampled(cut, size)[_whole(size)]
    )
    assert Resampled(image, size)[_whole(size)].max() > 2
