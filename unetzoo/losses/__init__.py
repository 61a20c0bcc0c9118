"""Losses. Losses of plugins can build on the names below, which check a target and explain what is wrong with it."""

from unetzoo.losses.target import Pair, as_masks, make_pair, masked_mean

__all__ = ["Pair", "as_masks", "make_pair", "masked_mean"]
