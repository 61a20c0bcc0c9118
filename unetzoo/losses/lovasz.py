"""The Lovász hinge and the Lovász softmax."""

from functools import partial

import torch
from torch import Tensor

from unetzoo.checks import check_choice
from unetzoo.losses.base import Loss, option, options
from unetzoo.losses.region import Absent, count, mean_of_classes, rule_of
from unetzoo.losses.target import Pair, as_masks
from unetzoo.losses.tracing import hidden


@options
class LovaszLoss(Loss):
    """The Lovász extension of the Jaccard loss (arXiv:1705.08790): convex and exact where predictions are 0 and 1.

    The softmax form (eq. 11) for a multiclass target: a pixel's error for a class is |g - p|, with the class's mask g
    and probability p. The hinge form (eq. 9) for a binary or multilabel target: its error is max(0, 1 - logit) in the
    mask and max(0, 1 + logit) elsewhere; given probabilities (`from_logits=False`) it is |g - p| there, too. The loss
    is the weighted mean over classes.

    segmentation_models_pytorch joins all masks of a multilabel target into one region, counts an image without counting
    pixels as a loss of 0 with `per_image`, and takes logits whatever `from_logits` is.

    Args:
        absent: what a class without pixels in the target (of the image, with `per_image`) adds to the mean over the
            classes: `"count"`: its loss, which is its largest error. `"zero"`: a loss of 0. `"skip"`: nothing.
            `"auto"`: skip in the softmax form, count in the hinge form, as in the paper's code.
        class_weights, per_image, ignore_index, from_logits: see `unetzoo.losses.base.Loss`, also for errors.
    """

    absent: Absent = option(default="auto", check=partial(check_choice, allowed=Absent))

    def of_pair(self, pair: Pair) -> Tensor:
        """The loss, a scalar >= 0."""
        truth = as_masks(pair, torch.bool)
        regions = count(pair, truth, per_image=self.per_image)
        absent = rule_of(self.absent, count=pair.mode != "multiclass")
        errors = self._errors(pair, truth)
        with torch.no_grad():
            gradient = _gradients(errors, truth, per_image=self.per_image, with_absent=absent == "count")
        losses = (errors * gradient).sum((2, 3) if self.per_image else (0, 2, 3)).reshape(regions.positives.shape)
        return mean_of_classes(losses, regions, self.weights_of("class_weights", pair), absent)

    def _errors(self, pair: Pair, truth: Tensor) -> Tensor:
        """The error of each class in each pixel (b, k, h, w), >= 0; 0 where a pixel does not count."""
        if self.from_logits and pair.mode != "multiclass":
            errors = torch.where(truth, 1 - pair.logits, 1 + pair.logits).relu()
        else:
            probability = self.probabilities(pair)
            errors = torch.where(truth, 1 - probability, probability)
        if pair.valid is None:
            return errors
        return errors.masked_fill(~(pair.valid[:, None] if pair.mode == "multiclass" else pair.valid), 0)


def _gradients(errors: Tensor, truth: Tensor, *, per_image: bool, with_absent: bool) -> Tensor:
    """The gradient of each class's loss by the errors (b, k, h, w); 0 for absent classes unless `with_absent`."""
    images = 1 if per_image else max(1, len(errors))
    gradient = torch.zeros_like(errors)
    for start in range(0, len(errors), images):
        for index in range(errors.shape[1]):
            part = slice(start, start + images), index
            if with_absent or hidden(truth) or truth[part].any():
                flat = lovasz_gradient(errors[part].reshape(-1), truth[part].reshape(-1))
                gradient[part] = flat.reshape(gradient[part].shape)
    return gradient


def lovasz_gradient(errors: Tensor, truth: Tensor) -> Tensor:
    """The gradient of the Lovász extension of the Jaccard loss by the errors (algorithm 1), of one class.

    In order of decreasing error each pixel adds to the Jaccard loss: 1 / (P + B) in the mask, and elsewhere (P - F) /
    ((P + B) (P + B + 1)), where the mask has P pixels, and F of them and B others have a larger error. This is the
    difference of the algorithm's neighboring Jaccard losses, without its cancellation in float32. Errors >= 0 have the
    order of their bits, which torch sorts as integers ten times as fast on a CPU.

    Args:
        errors: (n), >= 0, float32 or float64, n >= 1.
        truth: (n), bool, the mask.
    """
    order = errors.view(torch.int32 if errors.dtype == torch.float32 else torch.int64).sort().indices  # rising
    inside = truth.index_select(0, order)
    up_to_here = inside.cumsum(0, dtype=torch.int32)
    larger = torch.arange(len(errors) - 1, -1, -1, device=errors.device, dtype=errors.dtype)  # how many are
    union = (larger + up_to_here).clamp_min_(1)  # P + B; 0 for the largest error of an empty mask
    steps = (up_to_here / (union + 1)).masked_fill_(inside, 1).div_(union)
    steps[-1] = torch.where(up_to_here[-1] > 0, steps[-1], 1)  # an empty mask: all of the loss lies in it
    return torch.empty_like(steps).scatter_(0, order, steps)
