"""Whether a longer training would give more, by the curve of the validation."""

from collections.abc import Sequence
from statistics import fmean, linear_regression

from unetzoo.training.progress import Epoch

_FEWEST = 4  # epochs of a trend
_ERRORS = 2  # standard errors of a slope that is not 0
_SMALLEST = 0.002  # change of the score that matters


def outlook_of(epochs: Sequence[Epoch]) -> str:
    """What the second half of the validation says of a longer training; empty for too few epochs.

    The score rises or falls if its least-squares slope is more than two standard errors from 0.
    """
    scores = [epoch.score for epoch in epochs if epoch.score is not None]
    half = scores[len(scores) // 2 :]
    if len(half) < _FEWEST:
        return ""
    change = _trend(half) * (len(half) - 1)
    name, count = epochs[-1].score_name, len(half)
    if change > _SMALLEST:
        return (
            f"the {name} of validation still rises, by {change:.4f} in the last {count} epochs: train longer for more"
        )
    if change < -_SMALLEST:
        return f"the {name} of validation falls, by {-change:.4f} in the last {count} epochs: longer would not help"
    return f"the {name} of validation is level over the last {count} epochs: longer would give little more"


def _trend(scores: Sequence[float]) -> float:
    """The slope by epoch; 0 where it is less than two standard errors."""
    places = range(len(scores))
    slope, intercept = linear_regression(places, scores)
    residuals = [score - intercept - slope * place for place, score in zip(places, scores, strict=True)]
    spread = sum((place - fmean(places)) ** 2 for place in places)
    error = (sum(value**2 for value in residuals) / (len(scores) - 2) / spread) ** 0.5
    return slope if abs(slope) > _ERRORS * error else 0.0
