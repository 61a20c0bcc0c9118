"""Cross-entropies of masks and of classes, for hard and soft targets."""

from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.errors import TargetError
from unetzoo.losses.base import Loss, option, options
from unetzoo.losses.checks import Weights, check_smoothing
from unetzoo.losses.pixel import cross_entropy, mean_over, pixel_weights
from unetzoo.losses.target import Mode, Pair
from unetzoo.losses.tracing import hidden

_SUM_TOLERANCE = 0.01  # of a sum of class probabilities, which may be rounded to half precision


@options
class _MaskCrossEntropy(Loss):
    """Cross-entropy of sigmoids; its subclasses take different targets."""

    name: ClassVar[str]

    pos_weight: float | Weights | None = None
    label_smoothing: float = option(default=0.0, check=check_smoothing)

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        self._same_for_all = isinstance(self.pos_weight, (int, float))
        self.keep_weights(
            "pos_weight", [self.pos_weight] if isinstance(self.pos_weight, (int, float)) else self.pos_weight
        )

    def check_mode(self, mode: Mode, logits: Tensor, target: Tensor) -> None:
        """Raise TargetError for class ids."""
        if mode == "multiclass":
            raise TargetError(
                f"{self.name} needs one mask for each class, (b, k, h, w); got class ids {tuple(target.shape)} for "
                f"logits {tuple(logits.shape)}: use {self.name.replace('bce', 'ce')}, or logits of one channel for two "
                "classes"
            )

    def of_pair(self, pair: Pair) -> Tensor:
        """The weighted mean over the masks' pixels."""
        pair = self.with_logits(pair)
        class_weights = self.weights_of("class_weights", pair)
        losses = cross_entropy(
            pair,
            label_smoothing=self.label_smoothing,
            class_weights=class_weights,
            pos_weight=self._pos_weight(pair),
        )
        return mean_over(losses, pixel_weights(pair, class_weights), per_image=self.per_image)

    def _pos_weight(self, pair: Pair) -> Tensor | None:
        """`pos_weight` as (1) or (k)."""
        if self._same_for_all:
            return self.get_buffer("pos_weight").to(pair.logits.device, pair.logits.dtype)
        return self.weights_of("pos_weight", pair)


@options
class BCELoss(_MaskCrossEntropy):
    """Binary cross-entropy of the sigmoid of each logit, for masks of 0 and 1; the mean over all pixels that count.

    -(w y log p + (1 - y) log(1 - p)), with p = sigmoid(logit) and w = `pos_weight`.

    Args:
        pos_weight: weight of 1 relative to 0, one number or one per class, e.g. background pixels per foreground pixel.
        label_smoothing: s in [0, 1); targets become s / 2 and 1 - s / 2 (arXiv:1512.00567, section 7, two classes).
        class_weights, per_image, ignore_index, from_logits: see `unetzoo.losses.base.Loss`, also for errors.
    """

    name = "bce"


@options
class SoftBCELoss(_MaskCrossEntropy):
    """Binary cross-entropy for soft masks with values from 0 to 1; for masks of 0 and 1 it equals `BCELoss`.

    For annotations of several people, mixed images and the probabilities of a teacher. segmentation_models_pytorch's
    `SoftBCEWithLogitsLoss(smooth_factor=s)` is this one with `label_smoothing=2 * s`, except that its divisor includes
    the pixels that do not count.

    Args:
        pos_weight: as in `BCELoss`.
        label_smoothing: s in [0, 1); targets y become y (1 - s) + s / 2.
        class_weights, per_image, ignore_index, from_logits: see `unetzoo.losses.base.Loss`, also for errors.
    """

    name = "soft_bce"
    soft = True


@options
class _ClassCrossEntropy(Loss):
    """Cross-entropy of a softmax; its subclasses take different targets."""

    class_weights: Weights | None = None
    label_smoothing: float = option(default=0.0, check=check_smoothing)

    def of_pair(self, pair: Pair) -> Tensor:
        """The weighted mean over the pixels; masks of the classes are soft targets."""
        return self._of_ids(pair) if pair.mode == "multiclass" else self._of_probabilities(pair)

    def _of_ids(self, pair: Pair) -> Tensor:
        pair = self.with_logits(pair)
        weights = self.weights_of("class_weights", pair)
        losses = cross_entropy(pair, label_smoothing=self.label_smoothing, class_weights=weights)
        return mean_over(losses, pixel_weights(pair, weights), per_image=self.per_image)

    def _of_probabilities(self, pair: Pair) -> Tensor:
        counts = None if pair.valid is None else pair.valid.all(1)
        _check_sums(pair.target, counts)
        pair = self.with_logits(pair._replace(mode="multiclass"))
        expected = pair.target if counts is None else pair.target.masked_fill(~counts[:, None], 0)
        weights = self.weights_of("class_weights", pair)
        losses = F.cross_entropy(pair.logits, expected, weights, label_smoothing=self.label_smoothing, reduction="none")
        if counts is not None:
            losses = losses.masked_fill(~counts, 0)
        mass = counts if weights is None else (expected * weights[:, None, None]).sum(1)
        return mean_over(losses, mass, per_image=self.per_image)


@options
class CrossEntropyLoss(_ClassCrossEntropy):
    """Cross-entropy of the softmax over classes (arXiv:1505.04597, eq. 1), with a weight for each class.

    -sum w[y] log p[y] / sum w[y], over the pixels that count: y is a pixel's class and p the softmax of its logits.

    Args:
        class_weights: one per class, >= 0; None: all equal. A pixel of a class with weight 0 does not count; for other
            pixels, label smoothing adds s / k of each class times that class's weight, as in torch.
        label_smoothing: s in [0, 1); a pixel's class gets 1 - s + s / k, every other s / k (arXiv:1512.00567, section
            7).
        per_image, ignore_index, from_logits: see `unetzoo.losses.base.Loss`, also for errors.
    """

    def check_mode(self, mode: Mode, logits: Tensor, target: Tensor) -> None:
        """Raise TargetError for masks, or logits of one class."""
        if mode != "multiclass":
            other = "bce for one class" if mode == "binary" else "bce, or target.argmax(1) if it is one-hot"
            raise TargetError(
                f"ce needs class ids (b, h, w) and logits of at least 2 classes; got a {mode} target "
                f"{tuple(target.shape)} for logits {tuple(logits.shape)}: use {other}"
            )


@options
class SoftCrossEntropyLoss(_ClassCrossEntropy):
    """Cross-entropy of the softmax for class probabilities as targets; for class ids it equals `CrossEntropyLoss`.

    -sum w[c] t[c] log p[c] / sum w[c] t[c], over classes c and the pixels that count: t are the target's probabilities.
    segmentation_models_pytorch's `SoftCrossEntropyLoss(smooth_factor=s)` is this one with `label_smoothing=s`, except
    that its divisor includes the pixels that do not count.

    Args:
        class_weights: one per class, >= 0; None: all equal. A pixel whose classes all have weight 0 does not count.
        label_smoothing: s in [0, 1); t becomes t (1 - s) + s / k.
        per_image, from_logits: see `unetzoo.losses.base.Loss`, also for errors.
        ignore_index: target value of pixels that do not count; one such probability is enough.
    """

    soft = True

    def check_mode(self, mode: Mode, logits: Tensor, target: Tensor) -> None:  # noqa: ARG002 - as the base has it
        """Raise TargetError for logits of one class."""
        if mode == "binary":
            raise TargetError(f"soft_ce needs logits of at least 2 classes, got {tuple(logits.shape)}: use soft_bce")


def _check_sums(expected: Tensor, counts: Tensor | None) -> None:
    """Raise TargetError unless the probabilities (b, k, h, w) of each pixel that counts (b, h, w) have a sum of 1."""
    if hidden(expected):
        return
    wrong = (expected.sum(1) - 1).abs() > _SUM_TOLERANCE
    if counts is not None:
        wrong = wrong & counts
    if wrong.any():
        example = expected.sum(1)[wrong][0].item()
        raise TargetError(
            f"soft_ce takes probabilities of the classes, whose sum is 1 in each pixel; in {int(wrong.sum()):,} of "
            f"{wrong.numel():,} pixels it is not, such as {example:.3g}: use soft_bce for masks that overlap"
        )
