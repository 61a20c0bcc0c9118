"""Metrics by name, for logits and targets as losses take them; each is torchmetrics'."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from unetzoo._utils.extras import need
from unetzoo.checks import check_count
from unetzoo.errors import OptionError, UnknownNameError, did_you_mean

if TYPE_CHECKING:
    from torchmetrics import Metric

_CLASSES = {
    "calibration_error": "CalibrationError",
    "cohen_kappa": "CohenKappa",
    "confusion_matrix": "ConfusionMatrix",
    "mcc": "MatthewsCorrCoef",
}
_OF_CLASSES = ("accuracy", "auroc", "average_precision", "dice", "iou", "precision", "recall", "specificity")
_WHOLE = ("calibration_error", "cohen_kappa", "confusion_matrix", "mcc")  # have no number for each class
_NOT_MULTILABEL = ("calibration_error", "cohen_kappa")


def list_metrics() -> list[str]:
    """The names that `create_metric` takes."""
    return sorted([*_CLASSES, *_OF_CLASSES])


def create_metric(
    name: str,
    *,
    classes: int = 1,
    multilabel: bool = False,
    per_class: bool = False,
    ignore_index: int | None = None,
) -> "Metric":
    """A metric of torchmetrics that takes logits (b, k, h, w), or (b, k, d, h, w), and a target, as losses do.

    Call `update(logits, target)` for each batch and `compute()` at the end; it counts the pixels of all batches
    together, also over several processes. Targets are as for losses: (b, h, w) of 0 and 1 for one logit, class ids
    (b, h, w) for several, or with `multilabel` masks (b, k, h, w). A pixel is of the class of its largest logit, or of
    a mask where the logit is above 0.

    A score that is 0 / 0 is NaN, as in `unetzoo.evaluate`: for a class that is neither in the target nor predicted, or
    an empty mask that was predicted empty. The mean is over the classes that the target has, whatever is predicted, and
    whose score is defined: a class that is never predicted has no precision; specificity, and the accuracy of a mask,
    are also defined for empty masks. Without any, the mean is NaN. The class with the id `ignore_index` has the score
    NaN; pixels that are predicted as it count as missed by their own class.

    Args:
        name: one of `list_metrics()`; `"dice"` is the F1 score, `"iou"` the Jaccard index.
        classes: logits; 1: binary.
        multilabel: whether the classes are masks that may overlap.
        per_class: a number for each class (k), where otherwise it is their mean; the accuracy of one class of several
            is its recall.
        ignore_index: target value of pixels that do not count.

    Returns:
        The metric; a scalar from 0 to 1 (mcc and cohen_kappa from -1), or a matrix of counts for
        `"confusion_matrix"`.

    Raises:
        UnknownNameError: there is no such metric.
        OptionError: for a value outside its range, or that the metric has no such form.
        MissingExtraError: torchmetrics is not installed.
    """
    if name not in list_metrics():
        message = f"no metric named {name!r}; {did_you_mean(name, list_metrics())}".rstrip("; ")
        raise UnknownNameError(f"{message} (there are {', '.join(list_metrics())})")
    classes = check_count("classes", classes)
    _check_form(name, classes, multilabel=multilabel, per_class=per_class)
    need("evaluate", "a metric", "torchmetrics")
    import torchmetrics.classification
    from torchmetrics.wrappers import LambdaInputTransformer

    task = "multilabel" if multilabel else "multiclass" if classes > 1 else "binary"
    if name in _OF_CLASSES:
        from unetzoo.evaluation.defined import defined_metric

        metric = defined_metric(name, task, classes=classes, per_class=per_class, ignore_index=ignore_index)
    else:
        sizes = {"num_labels" if multilabel else "num_classes": classes} if task != "binary" else {}
        metric = getattr(torchmetrics.classification, _CLASSES[name])(task=task, ignore_index=ignore_index, **sizes)
    if task == "multiclass":
        return LambdaInputTransformer(metric, _softmax)
    return LambdaInputTransformer(metric, _sigmoid, None if multilabel else _without_channel)


def _check_form(name: str, classes: int, *, multilabel: bool, per_class: bool) -> None:
    if multilabel and classes == 1:
        raise OptionError("multilabel=True is for several classes, got classes=1")
    if multilabel and name in _NOT_MULTILABEL:
        raise OptionError(f"torchmetrics has no {name!r} of masks that may overlap; measure each mask by itself")
    if per_class and (classes == 1 or name in _WHOLE):
        raise OptionError(f"{name!r} of {classes} classes is a single result; leave per_class out")


def _softmax(logits: Tensor) -> Tensor:
    """The probability of each class; torchmetrics would take logits that lie within 0 to 1 for probabilities."""
    return logits.float().softmax(1)


def _sigmoid(logits: Tensor) -> Tensor:
    """The probability of each mask (b, k, ...), of a single one (b, pixels)."""
    probability = logits.float().sigmoid()
    return probability.flatten(1) if logits.shape[1] == 1 else probability


def _without_channel(target: Tensor) -> Tensor:
    """A mask (b, h, w) or (b, 1, h, w), or of volumes, of any dtype as ids (b, pixels)."""
    return target.flatten(1).to(torch.int64)
