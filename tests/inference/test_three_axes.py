"""Prediction by networks over three axes: blocks of volumes of any size."""

from itertools import product

import numpy as np
import pytest
import torch
from scipy.ndimage import label

import unetzoo
from unetzoo.data.formats import Axis, Grid, Raster
from unetzoo.inference.components import postprocess
from unetzoo.nn.config import ModelConfig


def _network(channels=1, classes=2, **options):
    torch.manual_seed(0)
    return unetzoo.create(
        "unet",
        encoder="plain",
        spatial_dims=3,
        in_channels=channels,
        classes=classes,
        encoder_options={"widths": (4, 6), **options},
    ).eval()


def _array(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@torch.no_grad()
def _directly(network, array):
    """The probabilities of the whole volume (d, h, w, c) in one call of the network."""
    return network(torch.from_numpy(np.moveaxis(array, -1, 0))[None]).softmax(1)[0].numpy()


@pytest.mark.parametrize("shape", [(16, 24, 20), (1, 5, 9), (7, 1, 1), (3, 40, 33)])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_volume_that_fits_is_predicted_in_one_call(shape, channels):
    network, array = _network(channels), _array(*shape, channels)
    result = unetzoo.predict(network, array)
    np.testing.assert_array_equal(result, _directly(network, array))
    assert result.std() > 1e-3
    if channels == 1:
        np.testing.assert_array_equal(unetzoo.predict(network, array[..., 0]), result)
        np.testing.assert_array_equal(unetzoo.predict_volume(network, array[..., 0]), result)


@pytest.mark.parametrize(
    ("batch", "strides", "overlap"),
    [(1, [1, [1, 2, 2]], 21), pytest.param(3, [1, 2], 23, marks=pytest.mark.slow)],
    ids=str,
)
def test_blocks_with_enough_overlap_give_the_result_of_the_whole_volume(batch, strides, overlap):
    """The network sees at most 6 voxels around each, a quarter of the overlap, which is rounded up."""
    network, array = _network(strides=strides, kernel_sizes=[3, 1]), _array(70, 62, 50)[..., None]
    blocks = unetzoo.predict(network, array, tile=48, overlap=overlap, batch=batch)
    inside = (slice(None), *(slice(6, -6),) * 3)  # beyond the border blocks see the mirror image
    np.testing.assert_allclose(blocks[inside], _directly(network, array)[inside], atol=1e-5)


def test_rows_of_a_volume_are_its_slices_and_continue_where_they_stopped():
    network, array = _network(), _array(50, 26, 30)
    whole = unetzoo.predict(network, array, tile=32)
    parts = list(unetzoo.predict_rows(network, array, tile=32))
    assert len(parts) > 10
    np.testing.assert_array_equal(np.concatenate([part for _, part in parts], axis=1), whole)
    first, *_ = later = list(unetzoo.predict_rows(network, array, tile=32, start=30))
    assert 0 < first[0] <= 30
    np.testing.assert_array_equal(np.concatenate([part for _, part in later], axis=1), whole[:, first[0] :])


def test_mirrors_are_the_mean_over_the_flips_of_three_axes():
    network, array = _network(), _array(8, 10, 12)
    flips = [[axis for axis, is_flipped in enumerate(each) if is_flipped] for each in product((0, 1), repeat=3)]
    expected = np.mean(
        [np.flip(unetzoo.predict(network, np.flip(array, f)), [a + 1 for a in f]) for f in flips], axis=0
    )
    np.testing.assert_allclose(unetzoo.predict(network, array, mirrors=8), expected, atol=1e-6)
    assert abs(expected - unetzoo.predict(network, array)).max() > 1e-4
    by_columns = (unetzoo.predict(network, array) + np.flip(unetzoo.predict(network, np.flip(array, 2)), 3)) / 2
    np.testing.assert_allclose(unetzoo.predict(network, array, mirrors=2), by_columns, atol=1e-6)


def test_a_volume_that_lies_otherwise_in_the_body_has_the_same_result():
    network, array = _network(), _array(8, 10, 12)
    axes = tuple(Axis(name, step, "mm") for name, step in zip("zyx", (1, 2, 3), strict=True))

    def raster(values):
        """Of which the third axis runs to the feet, the second to the front and the first to the right."""
        affine = ((1, 0, 0, 0), (0, 2, 0, 0), (0, 0, -3, 0))
        grid = Grid(axes=axes, affine=affine, crs="RAS")
        read = values[..., None].__getitem__
        return Raster(shape=(*values.shape, 1), dtype=values.dtype, read=read, grid=grid)

    result = unetzoo.predict_volume(network, raster(array[:, ::-1, ::-1].transpose(2, 1, 0)[:, :, ::-1][::-1]))
    assert result.shape == (2, 12, 10, 8)
    seen = raster(array[:, ::-1, ::-1].transpose(2, 1, 0)[:, :, ::-1][::-1])
    by_hand = np.flip(seen.read((slice(None),) * 3)[..., 0].transpose(2, 1, 0), (1, 2))  # head, front and right first
    np.testing.assert_allclose(
        result, np.flip(unetzoo.predict(network, by_hand), (2, 3)).transpose(0, 3, 2, 1), atol=1e-6
    )


def test_an_ensemble_averages_its_networks():
    one, two = _network(), _network()
    with torch.no_grad():
        two.heads[0].weight.mul_(-1)
    array = _array(6, 8, 10)
    both = unetzoo.predict(unetzoo.Ensemble([one, two]), array)
    np.testing.assert_allclose(both, (unetzoo.predict(one, array) + unetzoo.predict(two, array)) / 2, atol=1e-6)


def test_voxels_without_data_have_no_result_and_look_like_the_mean():
    network, array = _network(), _array(6, 8, 10)
    array[2, 3, 4] = np.nan
    result = unetzoo.predict_volume(network, array)
    filled = np.nan_to_num(array)
    expected = unetzoo.predict(network, filled)
    expected[:, 2, 3, 4] = np.nan
    np.testing.assert_array_equal(result, expected)


def test_what_is_not_an_array_is_read_by_blocks():
    class Stored:
        shape, dtype, largest = (50, 26, 30), np.dtype(np.float32), 0

        def __getitem__(self, window):
            part = array[window]
            self.largest = max(self.largest, part.size)
            return part

    network, array, stored = _network(), _array(50, 26, 30), Stored()
    result = unetzoo.predict(network, stored, tile=32)
    np.testing.assert_array_equal(result, unetzoo.predict(network, array, tile=32))
    assert stored.largest < array.size


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"axes": "z"}, "axes are those of slices, and the network sees all three at once: leave axes out"),
        ({"mirrors": 4}, "mirrors of a network over three axes must be 1, 2 or 8, got 4"),
        ({"tile": 16}, "tile must be at least 32 pixels, got 16"),
        ({"spacing": (1, 0, 1)}, "spacing must be three distances > 0"),
    ],
)
def test_options_that_are_not_for_volumes_are_one_error(options, error):
    with pytest.raises(unetzoo.OptionError, match=error):
        unetzoo.predict_volume(_network(), _array(5, 6, 7), **options)


def test_images_are_refused():
    with pytest.raises(unetzoo.ShapeError, match=r"takes volumes \(d, h, w\) or \(d, h, w, 1\), got \(6, 7\)"):
        unetzoo.predict(_network(), _array(6, 7))
    with pytest.raises(unetzoo.ShapeError, match=r"this network takes volumes \(d, h, w, 2\), got \(5, 6, 7\)"):
        unetzoo.predict(_network(2), _array(5, 6, 7))
    with pytest.raises(unetzoo.ShapeError, match="the volume has 1 channel, the network takes 2"):
        unetzoo.predict_volume(_network(2), _array(5, 6, 7))
    with pytest.raises(unetzoo.OptionError, match="a map of uncertainty is for networks of images"):
        unetzoo.predict_uncertainty(_network(), _array(5, 6, 7))


@pytest.mark.parametrize("rows", [1, 3, None])
def test_components_of_volumes_are_those_of_scipy_however_many_slices_are_seen_at_once(rows):
    ids = (np.random.default_rng(0).random((9, 14, 11)) < 0.12).astype(np.uint8)
    config = ModelConfig(
        decoder="unet", encoder="plain", classes=2, spatial_dims=3, postprocessing={"min_size": {"1": 3}}
    )
    parts, count = label(ids, np.ones((3, 3, 3)))
    sizes = np.bincount(parts.ravel())
    expected = (sizes[parts] >= 3) & (ids == 1)
    assert 5 < len({*parts[expected]}) < count
    postprocess(ids, config, rows=rows)
    np.testing.assert_array_equal(ids, expected)


def test_a_cavity_of_a_volume_is_filled_and_a_tunnel_is_not():
    ids = np.zeros((7, 9, 16), np.uint8)
    ids[1:6, 1:8, 1:8] = ids[1:6, 1:8, 9:15] = 1
    ids[3, 4, 4] = ids[:, 4, 12] = 0
    config = ModelConfig(
        decoder="unet", encoder="plain", classes=2, spatial_dims=3, postprocessing={"fill_holes": ["1"]}
    )
    postprocess(ids, config, rows=2)
    assert ids[3, 4, 4] == 1
    assert not ids[:, 4, 12].any()
