"""What the end of a curve says of a longer training."""

import numpy as np
import pytest

from unetzoo import Epoch
from unetzoo.training.outlook import outlook_of


def _epochs(scores, precision=False):
    return [
        Epoch(n, n, 1.0, 0.1, 0.5 if precision else score, (), True, score if precision else None)
        for n, score in enumerate(scores, 1)
    ]


@pytest.mark.parametrize(
    ("scores", "text"),
    [
        (np.linspace(0.5, 0.77, 10), "the mean IoU of validation still rises, by 0.1200 in the last 5 epochs"),
        (np.r_[np.linspace(0.2, 0.8, 8), 0.81, 0.8, 0.81, 0.8, 0.8, 0.81, 0.8, 0.8], "is level over the last 8 epochs"),
        (np.linspace(0.9, 0.6, 16), "falls, by 0.1400 in the last 8 epochs"),
        (np.full(8, 0.7), "is level over the last 4 epochs"),
    ],
    ids=["rising", "level", "falling", "the same"],
)
def test_the_trend_of_the_second_half_is_said(scores, text):
    assert text in outlook_of(_epochs(map(float, scores)))


def test_noise_is_not_a_trend():
    random = np.random.default_rng(0)
    texts = [outlook_of(_epochs(random.normal(0.8, 0.01, 24).tolist())) for _ in range(200)]
    assert sum("is level" in text for text in texts) > 170  # two standard errors of twelve epochs


def test_objects_are_judged_by_their_precision():
    assert outlook_of(_epochs([n / 20 for n in range(10)], precision=True)).startswith(
        "the AP of validation still rises"
    )


@pytest.mark.parametrize("scores", [[], [0.5] * 6, [None] * 20])
def test_few_epochs_or_none_with_a_score_say_nothing(scores):
    assert outlook_of(_epochs(scores)) == ""
