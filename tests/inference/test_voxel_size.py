"""Volumes whose voxels have another size than those of the training, by networks over three axes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import zoom
from stacks import write_stack
from torch.nn import functional

import unetzoo
from unetzoo import ModelInfo, PredictOptions
from unetzoo.data.formats import Axis, Grid, Raster, limits
from unetzoo.data.formats.slices import open_volume

_CELL, _SMALL, _LARGE = 16, 3.2, 6  # a ball in each cube; radii; in voxels of the training
_TRAINED = {"pixel_size": (1, 1, 1), "pixel_size_range": (1, 1), "unit": "um", "image_dtypes": ["uint16"]}
_VALUES = {"value_range": (0, 65535), "mean": [100 / 65535], "std": [60 / 65535]}


def _balls(random, count):
    """A volume (d, h, w) of small and large balls, and the mask of the small ones."""
    side = count * _CELL
    image, mask = np.full((side,) * 3, 60.0), np.zeros((side,) * 3, bool)
    distances = ((np.indices((_CELL,) * 3) - (_CELL - 1) / 2) ** 2).sum(0)
    for corner in np.ndindex(count, count, count):
        place = tuple(slice(index * _CELL, (index + 1) * _CELL) for index in corner)
        is_small = random.random() < 0.5
        ball = distances < (_SMALL if is_small else _LARGE) ** 2
        image[place][ball] = 180
        mask[place] = ball & is_small
    return image + random.normal(0, 5, image.shape), mask


def _network(**info):
    torch.manual_seed(0)
    options = {"widths": (6, 8, 12), "norm": "batch"}
    network = unetzoo.create("unet", encoder="plain", spatial_dims=3, encoder_options=options, in_channels=1)
    network.config = replace(network.config, info=ModelInfo(**{**_TRAINED, **_VALUES, **info}))
    return network


@pytest.fixture(scope="module")
def model():
    """A network that tells small balls from large ones by their size in voxels, of 1 um."""
    network = _network(class_names=("small",))
    optimizer, random = torch.optim.Adam(network.parameters(), 0.02), np.random.default_rng(0)
    for _ in range(60):
        image, mask = _balls(random, 2)
        logits = network(torch.tensor((image[None, None] - 100) / 60, dtype=torch.float32))[:, 0]
        weight, target = torch.tensor(8.0), torch.tensor(mask[None], dtype=torch.float32)
        loss = functional.binary_cross_entropy_with_logits(logits, target, pos_weight=weight)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def _lively():
    """An untrained one whose probabilities differ from voxel to voxel."""
    network = _network().eval()
    with torch.no_grad():
        network.heads[0].weight.mul_(100)
    return network


def _write(folder, steps):
    """A folder with a volume of balls whose voxels have those sides in um, and its mask."""
    image, mask = _balls(np.random.default_rng(7), 3)
    along = [each for step, side in zip(steps, image.shape, strict=True) for each in (side // step, step)]
    image, mask = (each.reshape(along).mean((1, 3, 5)) for each in (image, mask))
    write_stack(folder / "images" / "a.tif", image.clip(0, 255), steps)
    write_stack(folder / "masks" / "a.tif", mask >= 0.5, steps)
    return folder


def _iou(model, folder, **options):
    result = unetzoo.evaluate(model, folder, resamples=10, **options)
    return result.classes[1]["IoU"].value


@pytest.mark.long
def test_a_volume_of_half_the_resolution_is_segmented_as_well_as_one_of_the_trainings(model, tmp_path):
    trained = _iou(model, _write(tmp_path / "trained", (1, 1, 1)))
    half = _write(tmp_path / "half", (2, 2, 2))
    said = r"a\.tif: its voxels are 2 um, those of the training 1 um: it is predicted at 48 x 48 x 48 voxels, and the"
    with pytest.warns(unetzoo.DataWarning, match=said):
        resampled = _iou(model, half)
    with pytest.warns(unetzoo.DataWarning, match="it is predicted as it is"):
        as_it_is = _iou(model, half, resample="never")
    thick = _write(tmp_path / "thick", (2, 1, 1))
    with pytest.warns(unetzoo.DataWarning, match="its voxels are 2 x 1 x 1 um, those of the training 1 um"):
        anisotropic = _iou(model, thick)
    assert trained > 0.9
    assert resampled > 0.7
    assert anisotropic > 0.7
    assert as_it_is < 0.4


@pytest.mark.long
def test_a_file_is_predicted_at_the_voxels_of_the_training_unless_it_never_is(model, tmp_path):
    folder = _write(tmp_path / "half", (2, 2, 2))
    image, target = folder / "images" / "a.tif", tmp_path / "mask.tif"
    (result,) = unetzoo.predict_files(model, image, target, options=PredictOptions(values="ids"))
    assert result.warnings == (
        "its voxels are 2 um, those of the training 1 um: it is predicted at 48 x 48 x 48 voxels, and the result "
        "brought back",
    )
    with open_volume(target) as stored, open_volume(image) as source, open_volume(folder / "masks" / "a.tif") as mask:
        assert [axis.step for axis in stored.grid.axes] == pytest.approx([2, 2, 2])
        assert stored.shape == source.shape
        found, truth = (raster.read(raster.whole)[..., 0] > 0 for raster in (stored, mask))
        with pytest.warns(unetzoo.DataWarning, match="its voxels are 2 um"):
            probabilities = unetzoo.predict_volume(model, source)
        np.testing.assert_array_equal(found, probabilities[0] > 0.5)
    assert (found & truth).sum() / (found | truth).sum() > 0.7
    never = PredictOptions(values="ids", resample="never")
    (result,) = unetzoo.predict_files(model, image, target, options=never)
    assert (result.state, result.reason) == ("predicted", "resample is never, was auto")
    with open_volume(target) as stored:
        assert (stored.read(stored.whole)[..., 0] != found).any()


def _raster(array, steps, affine=()):
    axes = tuple(Axis(name, step, "um") for name, step in zip("zyx", steps, strict=True))
    grid = Grid(axes=axes, affine=affine, crs="RAS" if affine else "")
    read = array[..., None].__getitem__
    return Raster(shape=(*array.shape, 1), dtype=array.dtype, read=read, grid=grid)


_DOUBT = "ignore:the volume. its voxels are:unetzoo.DataWarning"


@pytest.mark.filterwarnings(_DOUBT)
def test_finer_voxels_are_averaged_and_the_result_is_interpolated_between_their_centers():
    """NumPy's means of blocks and scipy's grid of centers; a shift of half a voxel would be seen."""
    network = _lively()
    array = np.random.default_rng(0).integers(0, 250, (12, 16, 20)).astype(np.uint16)
    means = np.rint(array.reshape(6, 2, 8, 2, 20).mean((1, 3))).astype(np.uint16)
    with torch.inference_mode():
        logits = network(torch.tensor((means[None, None] - 100.0) / 60, dtype=torch.float32))
    factors = (1, 2, 2, 1)
    expected = zoom(logits.sigmoid()[0].numpy(), factors, order=1, mode="nearest", grid_mode=True)
    result = unetzoo.predict_volume(network, _raster(array, (0.5, 0.5, 1)))
    np.testing.assert_allclose(result, expected, atol=1e-4)
    assert abs(result[:, :-1] - expected[:, 1:]).max() > 1e-3


@pytest.mark.filterwarnings(_DOUBT)
def test_a_volume_that_lies_otherwise_in_the_body_has_the_same_result():
    network = _lively()
    array = np.random.default_rng(0).integers(0, 250, (12, 10, 8)).astype(np.uint16)
    axes = ((0, 0, -1, 0), (0, -2, 0, 0), (-3, 0, 0, 0))  # head first, front first, right first
    expected = unetzoo.predict_volume(network, _raster(array, (3, 2, 1), axes))
    turned = array[::-1, ::-1].transpose(2, 1, 0)
    result = unetzoo.predict_volume(network, _raster(turned, (1, 2, 3), ((-1, 0, 0, 0), (0, 2, 0, 0), (0, 0, 3, 0))))
    np.testing.assert_allclose(result, expected[:, ::-1, ::-1].transpose(0, 3, 2, 1), atol=1e-6)
    assert expected.std() > 1e-3


@pytest.mark.filterwarnings(_DOUBT)
def test_voxels_without_data_have_no_result():
    network, array = _lively(), np.full((8, 8, 8), 100, np.float32)
    array[4:] = np.nan
    result = unetzoo.predict_volume(network, _raster(array, (2, 2, 2)))
    np.testing.assert_array_equal(np.isnan(result[0]), np.isnan(array))


@pytest.mark.parametrize(("steps", "unit"), [((1.05, 0.95, 1), "um"), ((2, 2, 2), ""), ((2, 2, 2), "degree")])
def test_voxels_of_nearly_the_same_size_or_of_no_known_one_are_left_as_they_are(steps, unit, recwarn):
    network, array = _lively(), np.random.default_rng(0).integers(0, 250, (6, 8, 10)).astype(np.uint16)
    raster = _raster(array, steps)
    axes = tuple(axis._replace(unit=unit) for axis in raster.grid.axes)
    raster = replace(raster, grid=Grid(axes=axes))
    np.testing.assert_array_equal(unetzoo.predict_volume(network, raster), unetzoo.predict(network, array))
    assert not recwarn.list


def test_a_volume_that_would_not_fit_in_memory_is_refused_before_it_is_predicted(monkeypatch):
    network, array = _lively(), np.zeros((300, 300, 300), np.uint16)
    monkeypatch.setattr(limits, "free_memory", lambda: 2**29)
    error = r"the volume, at 600 x 600 x 600 voxels of the size of the training, needs 369 MB|predict it as it is with"
    with pytest.raises(unetzoo.DataError, match=error):
        unetzoo.predict_volume(network, _raster(array, (4, 4, 4)))
    with pytest.raises(unetzoo.OptionError, match="resample must be one of auto, never; got 'no'"):
        unetzoo.predict_volume(network, array, resample="no")
