"""Losses. Plugins may build theirs upon what is named here: it checks a target, and says what is wrong with it."""

from unetzoo.losses.target import Pair, as_masks, make_pair, masked_mean

__all__ = ["Pair", "as_masks", "make_pair", "masked_mean"]
