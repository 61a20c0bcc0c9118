"""Networks whose normalization is a word or a clip: what they see is known by hand, however an image is read."""

from dataclasses import replace

import numpy as np
import pytest
import stacks
import tifffile
from PIL import Image
from scipy.special import expit

import unetzoo
from unetzoo.evaluation.tune import tune

CLIP = unetzoo.ClipNormalization(low=-50, high=150, mean=80, std=20)


def _network(*normalization, channels=1, spatial_dims=2, **info):
    """A network with a single logit: the normalized value in the middle channel."""
    options = {"encoder_options": {"widths": (4, 8)}, "in_channels": channels, "spatial_dims": spatial_dims}
    model = unetzoo.create("unet", encoder="plain", classes=1, **options).eval()
    known = {"value_range": (-1000, 3000), "image_dtypes": ["int16"], "mean": [0.3], "std": [0.1]} | info
    model.config = replace(model.config, info=unetzoo.ModelInfo(normalization=normalization, **known))
    model.forward = lambda images: images[:, channels // 2, None]
    return model


def _image(shape=(300, 280), dtype=np.int16):
    """Values that differ much from part to part."""
    random = np.random.default_rng(0)
    image = random.normal(40, 60, shape)
    image[: shape[0] // 3] += 500
    return image.clip(-900, 2900).astype(dtype)


def _z(image, axes=None):
    values = image.astype(np.float64)
    return (values - values.mean(axes)) / values.std(axes)


def _by_hand(image, normalization):
    if normalization == "z-score":
        return _z(image)
    if normalization == "to 0..1":
        return (image - image.min()) / np.float64(np.ptp(image))
    return image if normalization == "none" else (np.clip(image, -50, 150) - 80) / 20


@pytest.mark.parametrize("normalization", ["z-score", "to 0..1", "none", CLIP], ids=str)
@pytest.mark.parametrize("tile", [None, 128])
def test_a_network_sees_the_values_of_the_whole_image(normalization, tile):
    image = _image() if normalization != "none" else (_image() / 1000).astype(np.float32)
    model = _network(normalization, value_range=(image.min(), image.max()), image_dtypes=[image.dtype.name])
    seen = unetzoo.predict(model, image, tile=tile)[0]
    np.testing.assert_allclose(seen, expit(_by_hand(image, normalization)), atol=1e-5)


def test_each_channel_has_its_own():
    image = np.stack([_image(), _image()[::-1] * 2, _image()], -1)
    clipped, scored = _network("none", CLIP, "none", channels=3), _network("none", "z-score", "none", channels=3)
    expected = expit((np.clip(image[..., 1], -50, 150) - 80) / 20)
    np.testing.assert_allclose(unetzoo.predict(clipped, image)[0], expected, atol=1e-5)
    np.testing.assert_allclose(unetzoo.predict(scored, image)[0], expit(_z(image[..., 1])), atol=1e-5)


@pytest.mark.parametrize("axes", [2, 3])
def test_zeros_in_all_channels_stay_0_where_they_do_not_count(axes):
    shape = (150, 140, 2) if axes == 2 else (20, 24, 26, 2)
    image = np.random.default_rng(0).normal(100, 20, shape).astype(np.float32)
    image[:8], image[9, :5, ..., 1] = 0, 0
    model = _network("z-score of nonzero", channels=2, spatial_dims=axes)
    inside = image.any(-1)
    values = image[inside][:, 1].astype(float)
    expected = np.where(inside, (image[..., 1] - values.mean()) / values.std(), 0)
    np.testing.assert_allclose(unetzoo.predict(model, image)[0], expit(expected), atol=1e-5)


def test_pixels_without_data_count_neither_for_the_mean_nor_as_zeros():
    image = _image(dtype=np.float32)
    image[:100] = np.nan
    model = _network("z-score", nodata=[-9999])
    image[100, 0] = -9999
    known = ~np.isnan(image) & (image != -9999)
    expected = expit((image[known] - image[known].mean(dtype=float)) / image[known].std(dtype=float))
    seen = unetzoo.predict(model, image)[0]
    np.testing.assert_allclose(seen[known], expected, atol=1e-5)
    assert np.isnan(seen[~known]).all()


@pytest.mark.filterwarnings("error")
def test_the_unit_of_values_does_not_matter_to_z_scores():
    model, image = _network("z-score"), _image()
    scaled = (image.astype(np.float64) * 1e4 + 7e6).astype(np.float32)
    np.testing.assert_allclose(unetzoo.predict(model, scaled), unetzoo.predict(model, image), atol=1e-4)


def test_a_clip_converts_values_of_another_type_first():
    clip = unetzoo.ClipNormalization(low=20, high=200, mean=100, std=30)
    model = _network(clip, value_range=(0, 255), image_dtypes=["uint8"])
    image = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    same = unetzoo.predict(model, image.astype(np.uint16) * 257)
    np.testing.assert_allclose(same, unetzoo.predict(model, image), atol=1e-5)


def test_the_networks_of_an_ensemble_have_their_own():
    image = _image()
    both = unetzoo.Ensemble([_network("z-score"), _network(CLIP)])
    expected = (expit(_z(image)) + expit(_by_hand(image, CLIP))) / 2
    np.testing.assert_allclose(unetzoo.predict(both, image, tile=128)[0], expected, atol=1e-5)


@pytest.mark.parametrize("normalization", ["z-score", CLIP], ids=str)
def test_files_are_predicted_as_images_in_memory(normalization, tmp_path):
    image, model = _image(), _network(normalization)
    (tmp_path / "in").mkdir()
    tifffile.imwrite(tmp_path / "in" / "a.tif", image)
    unetzoo.predict_files(model, tmp_path / "in", tmp_path / "out", options=unetzoo.PredictOptions(tile=128))
    stored = np.asarray(Image.open(tmp_path / "out" / "a.png"))
    values = _by_hand(image, normalization)
    sure = abs(values) > 1e-4
    np.testing.assert_array_equal(stored[sure] == 1, values[sure] > 0)


@pytest.mark.parametrize(("axis", "slices"), [("z", 1), ("y", 3)])
def test_slices_have_the_z_score_of_their_volume(axis, slices):
    volume = _image((30, 40, 36))
    model = _network("z-score", channels=slices, slices=slices, slice_axis=axis)
    seen = unetzoo.predict_volume(model, volume)[0]
    np.testing.assert_allclose(seen, expit(_z(volume)), atol=1e-5)


@pytest.mark.parametrize("normalization", ["z-score", CLIP], ids=str)
def test_volumes_are_seen_whole_by_a_network_over_three_axes(normalization):
    volume = _image((40, 44, 36))
    seen = unetzoo.predict_volume(_network(normalization, spatial_dims=3), volume, tile=32)[0]
    np.testing.assert_allclose(seen, expit(_by_hand(volume, normalization)), atol=1e-5)


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_scores_and_thresholds_of_volumes_are_those_of_what_predict_sees(spatial_dims, tmp_path):
    """The foreground is above 300 and takes another share of each case: thresholds of the z-score differ."""
    folder = stacks.write_cases(tmp_path / "cases", 2)
    names = {"class_names": ("background", "foreground"), "image_dtypes": ["uint16"], "value_range": (0, 65535)}
    axis = {"slices": 1, "slice_axis": "z"} if spatial_dims == 2 else {}
    model = _network("z-score", spatial_dims=spatial_dims, **names, **axis)
    result = unetzoo.evaluate(model, folder, split="all")
    squares = []
    for number in range(2):
        volume, mask = stacks.volume(number)
        squares.append((expit(_z(volume)) - mask) ** 2)
    assert result.calibration.classes[1].brier.value == pytest.approx(np.mean(squares), rel=1e-4)
    tuned = tune(model, folder, split="all")
    seen = [(expit(_z(volume)) > 0.5, mask == 1) for volume, mask in map(stacks.volume, range(2))]
    both, either = (sum(int(join(*pair).sum()) for pair in seen) for join in (np.logical_and, np.add))
    assert tuned.before == pytest.approx(2 * both / (either + both), abs=1e-6)


def test_numbers_of_channels_that_do_not_fit_are_refused():
    with pytest.raises(unetzoo.OptionError, match="normalization must be one for each of its 3 channels"):
        unetzoo.predict(_network("z-score", CLIP, channels=3), np.zeros((64, 64, 3), np.int16))
