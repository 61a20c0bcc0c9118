"""Label volumes of stacks whose voxels are not those of the training."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from drawn_objects import same_objects
from scipy import ndimage
from stacks import STEPS, network_of_volumes, volume, write_stack

import unetzoo

VALUES = ndimage.gaussian_filter(np.random.default_rng(0).normal(300, 100, (6, 40, 36)), (1, 3, 3))


@pytest.fixture(scope="module")
def model():
    """A network whose foreground is about a third of the voxels."""
    network = network_of_volumes("components").eval()
    info = unetzoo.ModelInfo(value_range=(0, 1000), image_dtypes=("uint16",), pixel_size=STEPS, unit="um")
    network.config = replace(network.config, info=info)
    high = float(np.quantile(unetzoo.predict(network, _stored(VALUES)), 0.7))
    network.config = replace(network.config, objects_options={"threshold": high})
    return network


def _stored(values):
    return values.round().astype(np.uint16)


def test_objects_are_found_at_the_voxels_of_the_training_and_brought_back_as_objects(model, tmp_path):
    fine = np.repeat(np.repeat(_stored(VALUES), 2, axis=1), 2, axis=2)
    write_stack(tmp_path / "fine.tif", fine, (STEPS[0], STEPS[1] / 2, STEPS[2] / 2))
    (done,) = unetzoo.predict_files(model, tmp_path / "fine.tif", tmp_path / "ids.tif")
    assert "at 6 x 40 x 36 voxels, and the result brought back" in done.warnings[0]
    ids = tifffile.imread(tmp_path / "ids.tif")
    expected = unetzoo.predict_objects(model, _stored(VALUES))  # means of equal voxels are these voxels
    assert expected.max() > 3
    assert same_objects(ids, np.repeat(np.repeat(expected, 2, axis=1), 2, axis=2))
    (done,) = unetzoo.predict_files(
        model, tmp_path / "fine.tif", tmp_path / "never.tif", options=unetzoo.PredictOptions(resample="never")
    )
    never = tifffile.imread(done.file) > 0
    assert (never == (unetzoo.predict_objects(model, fine) > 0)).mean() > 0.999  # the network is optimized for files
    assert (never == (ids > 0)).mean() < 0.999


def test_maps_are_written_as_probabilities(model, tmp_path):
    write_stack(tmp_path / "a.tif", VALUES)
    options = unetzoo.PredictOptions(probabilities=True)
    (done,) = unetzoo.predict_files(model, tmp_path / "a.tif", tmp_path / "maps.tif", options=options)
    maps = tifffile.imread(done.file).reshape(1, *VALUES.shape)
    np.testing.assert_allclose(maps, unetzoo.predict(model, VALUES.astype(np.uint16)), atol=1e-5)


def test_an_empty_stack_has_no_objects_and_a_png_holds_no_volume(tmp_path):
    torch.manual_seed(0)
    network = unetzoo.create("unet", encoder="plain", spatial_dims=3, in_channels=1, objects="boundary").eval()
    with torch.no_grad():
        network.heads[-1].bias[0] += 100  # all is background
    write_stack(tmp_path / "a.tif", volume()[0])
    (done,) = unetzoo.predict_files(network, tmp_path / "a.tif", tmp_path / "ids.tif")
    assert (done.state, tifffile.imread(done.file).max()) == ("predicted", 0)
    with pytest.raises(unetzoo.DataError, match="the format png holds no volumes"):
        unetzoo.predict_files(network, tmp_path / "a.tif", tmp_path / "ids.png")
