"""Losses that are a mean over pixels."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.errors import OptionError, TargetError
from unetzoo.losses.checks import (
    Weights,
    as_weights,
    check_ignore_index,
    check_not_negative,
    check_smoothing,
    weights_for,
)
from unetzoo.losses.target import IGNORED, Pair, make_pair, masked_mean, mode_of


class BCELoss(nn.Module):
    """Binary cross-entropy of the sigmoid of each logit; the mean over all that count.

    -(w y log p + (1 - y) log(1 - p)), with p = sigmoid(logit) and w = `pos_weight`.

    Args:
        pos_weight: how much more a 1 counts than a 0: one number, or one for each class; e.g. background pixels per
            foreground pixel.
        label_smoothing: s in [0, 1); targets become s / 2 and 1 - s / 2 (arXiv:1512.00567, section 7, two classes).
        ignore_index: target value of pixels that do not count.

    Raises:
        OptionError: for a value outside its range.
    """

    pos_weight: Tensor | None

    def __init__(
        self,
        *,
        pos_weight: float | Weights | None = None,
        label_smoothing: float = 0.0,
        ignore_index: int | None = None,
    ) -> None:
        super().__init__()
        check_smoothing(label_smoothing)
        check_ignore_index(ignore_index)
        self.label_smoothing = label_smoothing
        self.ignore_index = ignore_index
        self._same_for_all = isinstance(pos_weight, (int, float))
        weights = as_weights("pos_weight", [pos_weight] if isinstance(pos_weight, (int, float)) else pos_weight)
        self.register_buffer("pos_weight", weights, persistent=False)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss, a scalar >= 0.

        Args:
            logits: (b, k, h, w).
            target: 0 and 1; (b, h, w) for k = 1, else (b, k, h, w).

        Raises:
            TargetError: for a target that does not fit, or class ids.
            OptionError: when `pos_weight` has another number of classes.
        """
        if mode_of(logits, target) == "multiclass":
            raise TargetError(
                f"bce needs one mask for each class, (b, k, h, w); got class ids {tuple(target.shape)} for logits "
                f"{tuple(logits.shape)}: use ce, or logits of one channel for two classes"
            )
        pair = make_pair(logits, target, self.ignore_index)
        expected = pair.target * (1 - self.label_smoothing) + self.label_smoothing / 2
        weight = self._weight(pair.logits)
        losses = F.binary_cross_entropy_with_logits(pair.logits, expected, pos_weight=weight, reduction="none")
        return masked_mean(losses, pair.valid)

    def _weight(self, logits: Tensor) -> Tensor | None:
        """`pos_weight` as (1, 1, 1) or (k, 1, 1)."""
        if self.pos_weight is None:
            return None
        if self._same_for_all:
            return self.pos_weight.to(logits.device, logits.dtype)[:, None, None]
        return weights_for(logits, "pos_weight", self.pos_weight)[:, None, None]


class CrossEntropyLoss(nn.Module):
    """Cross-entropy of the softmax over classes (arXiv:1505.04597, eq. 1), with a weight for each class.

    -sum w[y] log p[y] / sum w[y], over the pixels that count: y is a pixel's class and p the softmax of its logits.

    Args:
        class_weights: one for each class, >= 0; None: all equal.
        label_smoothing: s in [0, 1); a pixel's class gets 1 - s + s / k, every other s / k (arXiv:1512.00567, section
            7).
        ignore_index: target value of pixels that do not count.

    Raises:
        OptionError: for a value outside its range.
    """

    class_weights: Tensor | None

    def __init__(
        self, *, class_weights: Weights | None = None, label_smoothing: float = 0.0, ignore_index: int | None = None
    ) -> None:
        super().__init__()
        check_smoothing(label_smoothing)
        check_ignore_index(ignore_index)
        self.label_smoothing = label_smoothing
        self.ignore_index = ignore_index
        self.register_buffer("class_weights", as_weights("class_weights", class_weights), persistent=False)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss, a scalar >= 0.

        Args:
            logits: (b, k, h, w), k >= 2.
            target: class ids (b, h, w), 0 to k - 1.

        Raises:
            TargetError: for a target that does not fit, masks, or logits of one class.
            OptionError: when `class_weights` has another number of classes.
        """
        mode = mode_of(logits, target)
        if mode != "multiclass":
            other = "bce for one class" if mode == "binary" else "bce, or target.argmax(1) if it is one-hot"
            raise TargetError(
                f"ce needs class ids (b, h, w) and logits of at least 2 classes; got a {mode} target "
                f"{tuple(target.shape)} for logits {tuple(logits.shape)}: use {other}"
            )
        pair = make_pair(logits, target, self.ignore_index)
        weights = None if self.class_weights is None else weights_for(pair.logits, "class_weights", self.class_weights)
        total = F.cross_entropy(
            pair.logits,
            pair.target,
            weights,
            ignore_index=IGNORED,
            label_smoothing=self.label_smoothing,
            reduction="sum",  # torch's own mean is 0 / 0 where no pixel counts
        )
        mass = _mass(pair, weights)
        return total / torch.where(mass > 0, mass, 1)


class FocalLoss(nn.Module):
    """Focal loss (arXiv:1708.02002, eq. 5): cross-entropy in which pixels count less the better they are classified.

    -a (1 - p)^gamma log p, the mean over all that count (the paper, which is about boxes, divides by the number of
    objects); p is the probability given to the truth: by the sigmoid for a binary or multilabel target, by the softmax
    for a multiclass one.

    Args:
        gamma: >= 0; 0 is cross-entropy.
        alpha: for a binary or multilabel target one number in [0, 1], the weight of a 1, and 1 - alpha that of a 0; for
            a multiclass one a weight for each class. None: 1 for all.
        ignore_index: target value of pixels that do not count.

    Raises:
        OptionError: for a value outside its range.
    """

    alpha: Tensor | None

    def __init__(
        self, *, gamma: float = 2.0, alpha: float | Weights | None = None, ignore_index: int | None = None
    ) -> None:
        super().__init__()
        check_not_negative("gamma", gamma)
        check_ignore_index(ignore_index)
        self.gamma = gamma
        self.ignore_index = ignore_index
        self._positive_weight: float | None = None
        weights = None
        if isinstance(alpha, (int, float)):
            if not 0 <= alpha <= 1:
                raise OptionError(f"alpha must be a number in [0, 1], or one weight for each class; got {alpha!r}")
            self._positive_weight = float(alpha)
        else:
            weights = as_weights("alpha", alpha)
        self.register_buffer("alpha", weights, persistent=False)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss, a scalar >= 0.

        Args:
            logits: (b, k, h, w).
            target: (b, h, w) for binary (k = 1) and multiclass, (b, k, h, w) for multilabel.

        Raises:
            TargetError: for a target that does not fit.
            OptionError: when `alpha` is of the other kind, or has another number of classes.
        """
        pair = make_pair(logits, target, self.ignore_index)
        losses = self._of_classes(pair) if pair.mode == "multiclass" else self._of_masks(pair)
        return masked_mean(losses, pair.valid)

    def _of_masks(self, pair: Pair) -> Tensor:
        """The loss of each logit (b, k, h, w)."""
        if self.alpha is not None:
            raise OptionError(f"a {pair.mode} target needs one number in [0, 1] as alpha, not a weight for each class")
        margin = pair.logits * (2 * pair.target - 1)  # p = sigmoid(margin), 1 - p = sigmoid(-margin)
        losses = -(self.gamma * F.logsigmoid(-margin)).exp() * F.logsigmoid(margin)
        if self._positive_weight is None:
            return losses
        return losses * torch.where(pair.target > 0, self._positive_weight, 1 - self._positive_weight)

    def _of_classes(self, pair: Pair) -> Tensor:
        """The loss of each pixel (b, h, w)."""
        if self._positive_weight is not None:
            raise OptionError("a multiclass target needs one weight for each class as alpha, not one number")
        log_p = -F.cross_entropy(pair.logits, pair.target, ignore_index=IGNORED, reduction="none")
        missing = (-torch.expm1(log_p)).clamp_min(torch.finfo(log_p.dtype).tiny)  # 0 to a power < 1 has no gradient
        losses = -missing.pow(self.gamma) * log_p
        if self.alpha is None:
            return losses
        return losses * weights_for(pair.logits, "alpha", self.alpha)[pair.target.clamp(min=0)]


def _mass(pair: Pair, weights: Tensor | None) -> Tensor:
    """The sum of the weights of the pixels' classes, over the pixels that count."""
    counts = pair.target != IGNORED
    if weights is None:
        return counts.sum()
    return weights[pair.target.clamp(min=0)].masked_fill(~counts, 0).sum()
