import numpy as np
import pytest
import torch
from stacks import NORMALIZATION, volume

import unetzoo
from unetzoo.data.formats import Axis, Grid, Raster


def _network(channels=1, classes=2, **options):
    torch.manual_seed(0)
    return unetzoo.create(
        "unet", encoder="plain", in_channels=channels, classes=classes, encoder_options={"widths": (4, 8)}, **options
    ).eval()


def _array(shape=(5, 7, 9)):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def _slices_by_hand(network, array, axis):
    """Predictions of the slices along an axis of the array, each as an image of its own."""
    parts = [unetzoo.predict(network, array.take(place, axis)) for place in range(array.shape[axis])]
    return np.stack(parts, axis + 1)


@pytest.mark.parametrize(("name", "axis"), [("z", 0), ("coronal", 1), ("X", 2)])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_volume_is_predicted_as_its_slices_are(name, axis, channels):
    network, array = _network(channels), _array((5, 7, 9) if channels == 1 else (5, 7, 9, 2))
    expected = _slices_by_hand(network, array, axis)
    np.testing.assert_allclose(unetzoo.predict_volume(network, array, axes=name), expected, atol=1e-6)
    assert expected.shape == (2, 5, 7, 9)
    assert expected.std() > 1e-3


def test_several_axes_give_the_mean_of_their_probabilities():
    network, array = _network(), _array()
    single = [_slices_by_hand(network, array, axis) for axis in range(3)]
    np.testing.assert_allclose(unetzoo.predict_volume(network, array, axes="all"), np.mean(single, axis=0), atol=1e-6)
    for axes in ("z,x", ["x", "axial"]):
        two = unetzoo.predict_volume(network, array, axes=axes)
        np.testing.assert_allclose(two, (single[0] + single[2]) / 2, atol=1e-6)


def test_neighbors_are_channels_along_the_axis_with_the_largest_step():
    network, array = _network(3), _array()
    count = array.shape[1]
    near = [array[:, [max(0, place - 1), place, min(count - 1, place + 1)]] for place in range(count)]
    expected = np.stack([unetzoo.predict(network, part.transpose(0, 2, 1)) for part in near], axis=2)
    np.testing.assert_allclose(unetzoo.predict_volume(network, array, spacing=(1, 4, 2)), expected, atol=1e-6)


def test_a_volume_that_lies_otherwise_in_the_body_has_the_same_result():
    """The array is flipped along two axes, and the third and the first change places, as its affine says."""
    network, array = _network(), _array()
    axes = tuple(Axis(name, step, "mm") for name, step in zip("zyx", (3, 2, 1), strict=True))
    affine = ((0, 0, -1, 0), (0, -2, 0, 0), (-3, 0, 0, 0))  # head first, front first, right first: as viewers show it

    def raster(values, axes, affine):
        grid = Grid(axes=axes, affine=affine, crs="RAS")
        read = values[..., None].__getitem__
        return Raster(shape=(*values.shape, 1), dtype=values.dtype, read=read, grid=grid)

    expected = unetzoo.predict_volume(network, raster(array, axes, affine), axes="z")
    np.testing.assert_allclose(expected, _slices_by_hand(network, array, 0), atol=1e-6)
    turned = array[::-1, ::-1].transpose(2, 1, 0)
    other_axes = tuple(Axis(name, step, "mm") for name, step in zip("zyx", (1, 2, 3), strict=True))
    other = ((-1, 0, 0, 0), (0, 2, 0, 0), (0, 0, 3, 0))
    result = unetzoo.predict_volume(network, raster(turned, other_axes, other), axes="z")
    np.testing.assert_allclose(result, expected[:, ::-1, ::-1].transpose(0, 3, 2, 1), atol=1e-6)


def test_a_network_remembers_the_axis_and_the_slices_of_its_training(tmp_path):
    from dataclasses import replace

    network = _network(3)
    network.config = replace(network.config, info=unetzoo.ModelInfo(slices=3, slice_axis="y"))
    unetzoo.save(network, tmp_path / "network")
    loaded = unetzoo.load(tmp_path / "network")
    assert (loaded.config.info.slices, loaded.config.info.slice_axis) == (3, "y")
    array = _array()
    along_y = unetzoo.predict_volume(network, array, axes="y")
    np.testing.assert_array_equal(unetzoo.predict_volume(loaded, array), along_y)


@pytest.mark.parametrize(
    "values", [{"slices": 2, "slice_axis": "z"}, {"slices": 3}, {"slice_axis": "z"}, {"slices": 1, "slice_axis": "w"}]
)
def test_a_configuration_with_half_a_slicing_is_refused(values):
    with pytest.raises(unetzoo.ConfigError, match="slices must be 1, 3 or 5 with a slice_axis z, y or x, or 0 without"):
        unetzoo.ModelInfo(**values)


def test_voxels_without_data_have_no_result():
    array = _array()
    array[2, 3, 4] = np.nan
    result = unetzoo.predict_volume(_network(), array, axes="all")
    assert np.isnan(result[:, 2, 3, 4]).all()
    assert np.isnan(result).sum() == 2


def test_what_does_not_fit_is_one_error():
    array = _array((2, 7, 9))
    with pytest.raises(unetzoo.ShapeError, match="the volume has 2 slices along z, fewer than the 3 that the network"):
        unetzoo.predict_volume(_network(3), array, axes="z")
    with pytest.raises(unetzoo.ShapeError, match="the volume has 1 channel, the network takes 4, of an odd number"):
        unetzoo.predict_volume(_network(4), array)
    with pytest.raises(unetzoo.ShapeError, match=r"a volume is \(d, h, w\) or \(d, h, w, c\), got \(7, 9\)"):
        unetzoo.predict_volume(_network(), array[0])
    with pytest.raises(unetzoo.OptionError, match="spacing must be three distances > 0"):
        unetzoo.predict_volume(_network(), array, spacing=(1, 0, 1))
    with pytest.raises(unetzoo.OptionError, match="axis must be one of z, y, x"):
        unetzoo.predict_volume(_network(), array, axes="z,w")
    network = unetzoo.create("unet", encoder="plain", in_channels=1, objects="distance").eval()
    with pytest.raises(unetzoo.OptionError, match="numbers objects, which reach over slices"):
        unetzoo.predict_volume(network, array)


def test_volumes_of_another_pixel_size_are_predicted_at_that_of_the_training():
    from dataclasses import replace

    network, (array, _) = _network(), volume()
    sizes = {"pixel_size": (1, 1), "pixel_size_range": (1, 1), "unit": "mm"}
    info = unetzoo.ModelInfo(slices=1, slice_axis="z", **sizes, **NORMALIZATION)
    network.config = replace(network.config, info=info)

    def raster(steps):
        axes = tuple(Axis(name, step, "mm") for name, step in zip("zyx", steps, strict=True))
        read = array[..., None].__getitem__
        return Raster(shape=(*array.shape, 1), dtype=array.dtype, read=read, grid=Grid(axes=axes))

    with pytest.warns(unetzoo.DataWarning, match="its pixels are 2 mm, those of the training 1 mm"):
        coarse = unetzoo.predict_volume(network, raster((9, 2, 2)))
    same = unetzoo.predict_volume(network, raster((9, 1, 1)))
    assert coarse.shape == same.shape
    assert float(abs(coarse - same).max()) > 1e-4
