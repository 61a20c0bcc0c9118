"""Each step of the format against its formula, by hand on a few numbers."""

import numpy as np
import pytest

from unetzoo.inference.packages.steps import Named, Step

VALUES = np.array([[[[0.0, 2.0], [4.0, 6.0]], [[1.0, 1.0], [1.0, 5.0]]]], np.float32)  # (1, 2, 2, 2)
AXES = ("batch", "channel", "y", "x")
WHOLE_MEAN, WHOLE_STD = 2.5, 4.25**0.5  # of 0 2 4 6 1 1 1 5


def _after(name, originals=None, values=VALUES, **arguments):
    return Step(name, arguments)(Named(values, AXES), originals or {}).values


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("binarize", {"threshold": 1.0}, VALUES > 1),
        ("binarize", {"threshold": [1.0, 4.0], "axis": "channel"}, np.stack([VALUES[:, 0] > 1, VALUES[:, 1] > 4], 1)),
        ("clip", {"min": 1.0, "max": 4.0}, np.clip(VALUES, 1, 4)),
        ("clip", {"max_percentile": 50.0}, np.minimum(VALUES, 1)),  # the fourth of 0 1 1 1 2 4 5 6
        ("ensure_dtype", {"dtype": "uint8"}, VALUES.astype(np.uint8)),
        ("fixed_zero_mean_unit_variance", {"mean": 1.0, "std": 2.0}, (VALUES - 1) / 2),
        (
            "fixed_zero_mean_unit_variance",
            {"mean": [1.0, 2.0], "std": [2.0, 4.0], "axis": "channel"},
            np.stack([(VALUES[:, 0] - 1) / 2, (VALUES[:, 1] - 2) / 4], 1),
        ),
        ("scale_linear", {"gain": 2.0, "offset": 1.0}, 2 * VALUES + 1),
        (
            "scale_linear",
            {"gain": [2.0, 3.0], "offset": [0.0, 1.0], "axis": "channel"},
            np.stack([2 * VALUES[:, 0], 3 * VALUES[:, 1] + 1], 1),
        ),
        ("scale_range", {"eps": 1e-6}, VALUES / 6),
        (
            "scale_range",
            {"axes": ["y", "x"], "min_percentile": 0.0, "max_percentile": 50.0, "eps": 1e-6},
            np.stack([VALUES[:, 0] / 3, (VALUES[:, 1] - 1) / 1e-6], 1),  # medians 3, and 1 as the smallest
        ),
        ("sigmoid", {}, 1 / (1 + np.exp(-VALUES))),
        ("zero_mean_unit_variance", {"eps": 1e-6}, (VALUES - WHOLE_MEAN) / WHOLE_STD),
        (
            "zero_mean_unit_variance",
            {"axes": ["y", "x"], "eps": 1e-6},
            np.stack([(VALUES[:, 0] - 3) / 5**0.5, (VALUES[:, 1] - 2) / 3**0.5], 1),
        ),
    ],
)
def test_a_step_is_its_formula(name, arguments, expected):
    actual = _after(name, **arguments)
    assert actual.dtype in (expected.dtype, np.float32)
    np.testing.assert_allclose(actual, expected, rtol=2e-5, atol=1e-5)


def test_the_softmax_adds_up_to_one_along_its_axis_whatever_the_values():
    actual = _after("softmax", values=VALUES * 1000, axis="channel")
    np.testing.assert_allclose(actual.sum(1), 1)
    np.testing.assert_allclose(actual[0, :, 0, 0], [0, 1], atol=1e-6)


def test_statistics_of_a_reference_are_those_of_that_tensor_before_any_step():
    other = np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2) + 10  # mean 13.5, variance 5.25
    originals = {"raw": Named(other, AXES)}
    actual = _after("scale_mean_variance", originals, reference_tensor="raw", eps=1e-6)
    assert actual.mean() == pytest.approx(13.5, rel=1e-5)
    assert actual.var() == pytest.approx(5.25, rel=1e-4)
    actual = _after("scale_range", originals, reference_tensor="raw")
    np.testing.assert_allclose(actual, (VALUES - 10) / 7, rtol=1e-5)
