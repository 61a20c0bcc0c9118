"""Pairs of true and predicted objects, on which scores are compared with those of other libraries."""

import numpy as np
from drawn_objects import drawn, ellipses

from unetzoo.objects import renumber

_EMPTY = drawn("......", "......", "......")
_TWO = drawn("111222", "111222", "111222")
_ONE = drawn("111111", "111111", "111111")

BY_HAND = {  # true, predicted
    "equal": (_TWO, _TWO),
    "other numbers": (_TWO, np.where(_TWO > 0, 3 - _TWO, 0)),
    "merged": (_TWO, _ONE),
    "split": (_ONE, _TWO),
    "unevenly split": (_ONE, drawn("111112", "111112", "111112")),
    "touching, one too large": (_TWO, drawn("111122", "111122", "111122")),
    "one missed": (_TWO, drawn("111...", "111...", "111...")),
    "one false": (drawn("111...", "111...", "111..."), _TWO),
    "nothing predicted": (_TWO, _EMPTY),
    "nothing true": (_EMPTY, _TWO),
}


def random_pair(seed):
    """True objects of many sizes and predicted ones: moved, some missed, merged or split, and others that are false."""
    random = np.random.default_rng(seed)
    truth = ellipses(random.integers(5, 30), 96, seed=seed)
    predicted = np.roll(truth, random.integers(-2, 3, 2), (0, 1))
    for number in np.unique(truth[truth > 0]):
        where, fate = predicted == number, random.integers(8)
        if fate == 0:
            predicted[where] = 0
        elif fate == 1:
            predicted[where] = 1
        elif fate == 2:
            predicted[where & (np.indices(where.shape)[1] > np.nonzero(where)[1].mean())] = 100 + number
    others = ellipses(3, 96, seed=seed + 1000)
    predicted = np.where((predicted == 0) & (others > 0), others + 200, predicted)
    return renumber(truth), renumber(predicted)
