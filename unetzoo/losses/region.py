"""Shared by losses of regions: four sums for each class, and the mean over classes."""

from abc import abstractmethod
from functools import partial
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from unetzoo.checks import check_choice
from unetzoo.losses.base import Loss, option, options
from unetzoo.losses.checks import check_not_negative
from unetzoo.losses.pixel import parts
from unetzoo.losses.target import Pair, as_masks
from unetzoo.losses.tracing import by_formula, is_transformed

Rule = Literal["count", "zero", "skip"]
Absent = Literal["auto", "count", "zero", "skip"]


class Extent(NamedTuple):
    """The target of each class in pixels, (r, k): r is b for each image, or 1 for the whole batch.

    Attributes:
        positives: the class's pixels.
        counted: pixels that count.
    """

    positives: Tensor
    counted: Tensor


class Regions(NamedTuple):
    """Prediction and target of each class in pixels, (r, k).

    Attributes:
        inside: sum of p over the class's pixels, the true positives.
        outside: sum of p over the others, the false positives.
        missing: sum of 1 - p over the class's pixels, the false negatives.
        positives: as of `Extent`.
        counted: as of `Extent`.
    """

    inside: Tensor
    outside: Tensor
    missing: Tensor
    positives: Tensor
    counted: Tensor


def count(pair: Pair, truth: Tensor, *, per_image: bool) -> Extent:
    """The extent of each class, of the batch or of each image, for the masks `truth` (b, k, h, w) of a pair."""
    batch, classes, height, width = truth.shape
    axes, rows = ((2, 3), batch) if per_image else ((0, 2, 3), 1)
    numbers = truth.view(torch.uint8) if truth.dtype == torch.bool else truth
    positives = numbers.to(pair.logits.dtype).sum(axes).reshape(rows, classes)  # sums of bools are slow
    valid = _counting(pair)
    if valid is None:
        return Extent(positives, torch.full_like(positives, batch // max(1, rows) * height * width))
    return Extent(positives, valid.sum(axes).reshape(rows, -1).expand(rows, classes).to(positives.dtype))


def measure(pair: Pair, probability: Tensor, *, per_image: bool, squared: bool = False) -> Regions:
    """The sums of a prediction.

    Each error is summed by itself, since a difference of two sums over a large image has few correct digits of a small
    error. Without squares the gradient is explicit: autograd would keep several maps and create more.

    Args:
        pair: logits and target.
        probability: (b, k, h, w).
        per_image: sums of each image instead of the batch.
        squared: sum p^2 and (1 - p)^2 instead of p and 1 - p.
    """
    if squared or by_formula(probability):
        return _measure(pair, probability, per_image=per_image, squared=squared)
    truth = as_masks(pair, torch.uint8 if pair.mode == "multiclass" else None)
    extent = count(pair, truth, per_image=per_image)
    sums = _Errors.apply(probability, truth, _counting(pair))
    outside, missing = (each if per_image else each.sum(0, keepdim=True) for each in sums)
    return Regions(extent.positives - missing, outside, missing, *extent)


def _measure(pair: Pair, probability: Tensor, *, per_image: bool, squared: bool) -> Regions:
    truth = as_masks(pair)
    extent = count(pair, truth, per_image=per_image)
    right = probability * truth
    wrong = probability - right  # exactly p or 0
    valid = _counting(pair)
    if valid is not None:
        wrong = wrong.masked_fill(~valid, 0)

    def total(values: Tensor) -> Tensor:
        values = values.square() if squared else values
        return values.sum((2, 3) if per_image else (0, 2, 3)).reshape(extent.positives.shape)

    missing = total(truth - right)
    inside = total(right) if squared else extent.positives - missing
    return Regions(inside, total(wrong), missing, *extent)


class _Errors(torch.autograd.Function):
    """The sums of p outside each mask and of 1 - p inside, for each image and class: two of (b, k).

    Their gradients by p are 1 outside and -1 inside.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(probability: Tensor, truth: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
        outside, missing = [], []
        for part in parts(probability):
            errors = probability[part] - truth[part].to(probability.dtype)  # p, but p - 1 inside
            if valid is not None:
                errors.masked_fill_(~valid[part], 0)
            outside.append(errors.clamp(min=0).sum((2, 3)))
            missing.append(errors.clamp_(max=0).sum((2, 3)).neg_())
        return torch.cat(outside), torch.cat(missing)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor | None], output: object) -> None:  # noqa: ANN401, ARG004 - torch's
        probability, truth, valid = inputs
        ctx.save_for_backward(truth, valid)
        ctx.dtype = probability.dtype

    @staticmethod
    def backward(ctx: Any, outside: Tensor, missing: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401 - torch's
        truth, valid = ctx.saved_tensors
        outside, missing = outside[..., None, None], missing[..., None, None]
        inside, difference = truth.to(ctx.dtype, copy=True), -(outside + missing)
        if torch.is_grad_enabled() or is_transformed(difference):
            gradient = inside * difference + outside
        else:
            gradient = inside.mul_(difference).add_(outside)
        return gradient if valid is None else gradient.masked_fill(~valid, 0), None, None


def _counting(pair: Pair) -> Tensor | None:
    """A mask of the probabilities that count, bool (b, k or 1, h, w); None: all."""
    if pair.valid is None or pair.mode != "multiclass":
        return pair.valid
    return pair.valid[:, None]


def mean_of_classes(losses: Tensor, regions: Regions | Extent, class_weights: Tensor | None, absent: Rule) -> Tensor:
    """The weighted mean over the classes of each row, then over the rows that have a class; 0 without such rows.

    Args:
        losses: (r, k).
        regions: the regions of these losses.
        class_weights: (k); None: all 1.
        absent: what a class without pixels adds: its loss, a loss of 0, or nothing, not even to the divisor.
    """
    weights = torch.ones_like(losses) if class_weights is None else class_weights.expand_as(losses)
    if absent == "zero":
        losses = losses * (regions.positives > 0)
        weights = weights * (regions.counted.sum(1, keepdim=True) > 0)
    else:
        weights = weights * ((regions.positives if absent == "skip" else regions.counted) > 0)
    mass = weights.sum(1)
    rows = (weights * losses).sum(1) / torch.where(mass > 0, mass, 1)
    return rows.sum() / (mass > 0).sum().clamp(min=1)


def rule_of(absent: Absent, *, count: bool) -> Rule:
    """What absent classes add; for `"auto"` their loss if `count`, else nothing."""
    if absent != "auto":
        return absent
    return "count" if count else "skip"


def divided(part: Tensor, whole: Tensor) -> Tensor:
    """Part / whole; 0, with gradient 0, where both are 0."""
    return part / torch.where(whole > 0, whole, 1)


@options
class RegionLoss(Loss):
    """A loss of each class's sums, and its mean over the classes; the options of every such loss.

    Args:
        smooth: pixels that are added as if they were classified correctly, >= 0.
        absent: what a class without pixels in the target (of the image, with `per_image`) adds to the mean over the
            classes: `"count"`: its loss, which grows with its prediction. `"zero"`: a loss of 0, as in
            segmentation_models_pytorch. `"skip"`: nothing, the mean is that of the others. `"auto"`: count, but skip
            with `smooth=0`, where its loss would be 1 for any prediction.
        class_weights, per_image, ignore_index, from_logits: see `unetzoo.losses.base.Loss`, also for errors.
    """

    smooth: float = option(default=1.0, check=check_not_negative)
    absent: Absent = option(default="auto", check=partial(check_choice, allowed=Absent))

    squared = False  # whether the sums are those of squares; an option of `DiceLoss`

    @abstractmethod
    def compare(self, regions: Regions) -> Tensor:
        """The loss of each class (r, k), each >= 0."""

    def of_pair(self, pair: Pair) -> Tensor:
        """The weighted mean over the classes."""
        regions = measure(pair, self.probabilities(pair), per_image=self.per_image, squared=self.squared)
        absent = rule_of(self.absent, count=self.smooth > 0)
        return mean_of_classes(self.compare(regions), regions, self.weights_of("class_weights", pair), absent)
