import math

import numpy as np
import pytest

import unetzoo
from unetzoo.data.formats.moments import moments_of
from unetzoo.nn.normalization import Moments, check_normalization, read_normalization, steps_of

CLIP = unetzoo.ClipNormalization(low=-50, high=150, mean=80, std=20)


def _through(values, normalization, moments=None, **options):
    """Values (n, channels) after the steps."""
    low, high, shift, scale = steps_of(normalization, moments, **options)
    return (np.clip(values, low, high) - shift) * scale


def test_values_are_cut_then_the_mean_is_taken_off_then_they_are_divided():
    values = np.array([[-1000.0], [-50.0], [80.0], [100.0], [3000.0]])
    np.testing.assert_allclose(_through(values, [CLIP])[:, 0], [-6.5, -6.5, 0, 1, 3.5])
    np.testing.assert_allclose(_through(values / 2, [CLIP], factor=2.0)[:, 0], [-6.5, -6.5, 0, 1, 3.5])


def test_z_scores_and_extremes_are_those_of_each_channel():
    moments = Moments(mean=(10.0, -2.0, 6.0), std=(2.0, 4.0, 1.0), low=(5.0, -9.0, 2.0), high=(15.0, 1.0, 10.0))
    steps = steps_of(["z-score", "none", "to 0..1"], moments)
    values = np.array([[12.0, -2.0, 4.0]])
    np.testing.assert_allclose((values - steps.shift) * steps.scale, [[1, -2, 0.25]])
    assert not steps.clips
    assert steps_of(["z-score", "none", CLIP], moments).clips


def test_the_z_score_of_nonzero_leaves_out_pixels_that_are_0_in_all_channels():
    random = np.random.default_rng(0)
    image = random.normal(100, 20, (40, 30, 2))
    image[:25] = 0
    image[30, :, 1] = 0  # 0 in one channel alone counts
    inside = image[25:].reshape(-1, 2)
    expected = (inside - inside.mean(0)) / inside.std(0)
    np.testing.assert_allclose(_through(inside, ["z-score of nonzero"], moments_of(image)), expected, atol=1e-9)


def test_a_constant_image_becomes_0():
    moments = moments_of(np.full((4, 5), 0.1, np.float32))
    for word in ("z-score", "z-score of nonzero", "to 0..1"):
        np.testing.assert_array_equal(_through(np.float32([[0.1]]).astype(float), [word], moments), 0)


def test_neighboring_slices_are_channels_with_the_moments_of_their_volume():
    moments = Moments(mean=(1.0, 5.0), std=(1.0, 2.0), low=(0.0, 0.0), high=(9.0, 9.0))
    np.testing.assert_array_equal(steps_of(["z-score"] * 6, moments).shift, [1, 5, 1, 5, 1, 5])


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("z-score", ("z-score",)),
        (["to 0..1", "none"], ("to 0..1", "none")),
        (CLIP, (CLIP,)),
        ([{"low": -50, "high": np.float32(150), "mean": 80, "std": 20}], (CLIP,)),
        ([], ()),
    ],
)
def test_words_and_tables_are_read(said, value):
    assert check_normalization(said) == value
    assert unetzoo.Recipe.from_dict({"data": {"normalization": said}}).data.normalization == value


@pytest.mark.parametrize(
    "said", ["z", 3, [None], [["z-score"]], {"low": 1, "high": 2}, [{"low": 1, "high": 2, "mean": 0, "std": 1, "x": 1}]]
)
def test_anything_else_is_refused(said):
    with pytest.raises(unetzoo.OptionError, match="normalization must be z-score, z-score of nonzero, "):
        check_normalization(said)
    with pytest.raises(unetzoo.ConfigError, match="normalization must be"):
        unetzoo.ModelInfo(normalization=said)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"high": -50}, "low must be less than high"),
        ({"std": 0}, "std > 0"),
        ({"mean": math.nan}, "mean must be a finite number, got nan"),
        ({"low": "1"}, "low must be a finite number, got '1'"),
    ],
)
def test_numbers_that_cannot_be_are_refused(values, message):
    with pytest.raises(unetzoo.OptionError, match=message):
        unetzoo.ClipNormalization(**{"low": -50, "high": 150, "mean": 80, "std": 20} | values)


def test_the_command_line_has_words_or_four_numbers():
    assert read_normalization("z-score of nonzero") == "z-score of nonzero"
    assert read_normalization("-50,150, 80,20") == CLIP
    with pytest.raises(unetzoo.OptionError, match="got '-50,150,80'"):
        read_normalization("-50,150,80")


def test_a_configuration_keeps_it_and_has_no_key_without_it():
    info = unetzoo.ModelInfo(normalization=["z-score", CLIP])
    config = unetzoo.ModelConfig(decoder="unet", encoder="plain", info=info, in_channels=2)
    written = config.to_dict()
    assert unetzoo.ModelConfig.from_dict(written) == config
    assert written["info"]["normalization"][1] == {"low": -50, "high": 150, "mean": 80, "std": 20}
    assert "normalization" not in unetzoo.ModelConfig(decoder="unet", encoder="plain").to_dict()["info"]
