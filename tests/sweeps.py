"""Cases of which a fixed sample is always tried, and the others by `pytest -m slow` alone."""

import pytest


def sweep(cases, sample):
    """The cases as parameters of a test; those outside of the sample are marked slow.

    Args:
        cases: A value each, or a tuple for several names.
        sample: Some of them, as they stand there.
    """
    cases, sample = list(cases), list(sample)
    assert all(case in cases for case in sample), "a sample holds some of the cases"
    values = [case if isinstance(case, tuple) else (case,) for case in cases]
    marks = [() if case in sample else pytest.mark.slow for case in cases]
    return [pytest.param(*each, marks=mark) for each, mark in zip(values, marks, strict=True)]
