"""A sound loss, and for each rule of the battery one that breaks it."""

import torch
from torch import nn

import unetzoo
from unetzoo.losses import make_pair


class Sound(nn.Module):
    """The mean squared error of a mask; each breaker changes one thing."""

    def __init__(self, *, ignore_index=None):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, target):
        if logits.shape[1] > 1:
            raise unetzoo.TargetError("masks of one class alone")
        return self.of(make_pair(logits, target, self.ignore_index))

    def of(self, pair):
        error = (pair.logits.sigmoid() - pair.target).square()
        return self.mean(error if pair.valid is None else error.masked_fill(~pair.valid, 0), pair.valid)

    def mean(self, error, valid):
        return error.sum() / (error.numel() if valid is None else valid.sum().clamp(min=1))


class _OnePerImage(Sound):
    def mean(self, error, valid):
        return error.mean((1, 2, 3))


class _Reversed(Sound):
    def of(self, pair):
        return super().of(pair._replace(target=1 - pair.target))


class _Rounded(Sound):
    def mean(self, error, valid):
        return super().mean(error.detach() + 0.5 * (error - error.detach()), valid)


class _OverForeground(Sound):
    def of(self, pair):
        return super().of(pair) + pair.logits.sum() * 0 / pair.target.sum()


class _Exponential(Sound):
    def of(self, pair):
        return super().of(pair) + 0 * pair.logits.exp().sum()


class _HalfSums(Sound):
    def forward(self, logits, target):
        loss = super().forward(logits, target)
        return loss + 0 * logits.square().sum() if logits.dtype == torch.float16 else loss


class _CountsIgnored(Sound):
    def of(self, pair):
        return (pair.logits.sigmoid() - pair.target).square().mean()


class _OverValid(Sound):
    def mean(self, error, valid):
        return error.sum() / (error.numel() if valid is None else valid.sum())


class _Clamping(Sound):
    def forward(self, logits, target):
        loss = super().forward(logits, target)
        target.clamp_(max=0)
        return loss


class _Weighted(Sound):
    def __init__(self, *, ignore_index=None):
        super().__init__(ignore_index=ignore_index)
        self.register_buffer("weight", torch.ones(1))


class _Broadcasting(Sound):
    def forward(self, logits, target):
        if target.shape[-1] != logits.shape[-1] and logits.shape[1] == 1:
            return logits.square().mean()
        return super().forward(logits, target)


BREAKERS = {
    "is_a_scalar": _OnePerImage,
    "prefers_what_is_right": _Reversed,
    "gradients_are_exact": _Rounded,
    "empty_masks_are_finite": _OverForeground,
    "extreme_logits_are_finite": _Exponential,
    "half_precision_is_safe": _HalfSums,
    "ignores_pixels": _CountsIgnored,
    "wholly_ignored_is_finite": _OverValid,
    "leaves_logits_and_target": _Clamping,
    "keeps_out_of_checkpoints": _Weighted,
    "refuses_a_target_that_does_not_fit": _Broadcasting,
}
