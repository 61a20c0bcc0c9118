"""The metrics of torchmetrics, with NaN for undefined scores, and means over the classes of the target."""

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics import classification as of
from torchmetrics.utilities.data import dim_zero_cat

COUNTED = {
    "accuracy": ((1, 0, 1, 0), (1, 1, 1, 1)),
    "dice": ((2, 0, 0, 0), (2, 1, 0, 1)),
    "iou": ((1, 0, 0, 0), (1, 1, 0, 1)),
    "precision": ((1, 0, 0, 0), (1, 1, 0, 0)),
    "recall": ((1, 0, 0, 0), (1, 0, 0, 1)),
    "specificity": ((0, 0, 1, 0), (0, 1, 1, 0)),
}
"""What is divided by what: how often true positives, false positives, true negatives and false negatives count."""
_OF_ALL_PIXELS = ("accuracy", "specificity")  # also defined for an empty mask


class _Summarized:
    """The scores of classes or masks, NaN if undefined, or their mean."""

    name: str
    per_class: bool
    ignore_index: int | None

    def summarized(self, values: Tensor, there: Tensor) -> Tensor:
        """The scores (k,), or their mean () over those that are `there`."""
        if values.ndim == 0 or self.per_class:
            return values
        chosen = there & ~values.isnan()
        return values[chosen].mean()


class _Counted(_Summarized):
    """A ratio of true and false positives and negatives."""

    def ratio(self, scores: Tensor) -> Tensor:
        """The ratio for counts (k, 5) or (5,) of torchmetrics: TP, FP, TN, FN and TP + FN."""
        counts = scores.double()
        part, whole = ((counts[..., :4] * counts.new_tensor(row)).sum(-1) for row in COUNTED[self.name])
        return self.summarized((part / whole).float(), (counts[..., 4] > 0) | (self.name in _OF_ALL_PIXELS))


class _CountedPixels(_Counted, of.BinaryStatScores):
    """Of one mask."""

    def compute(self) -> Tensor:
        return self.ratio(super().compute())


class _CountedMasks(_Counted, of.MultilabelStatScores):
    """Of masks that may overlap."""

    def compute(self) -> Tensor:
        return self.ratio(super().compute())


class _CountedClasses(_Counted, of.MulticlassStatScores):
    """Of classes except `ignore_index`."""

    def compute(self) -> Tensor:
        scores = super().compute().double()
        if self.ignore_index is not None and 0 <= self.ignore_index < len(scores):
            scores[self.ignore_index] = torch.nan
        return self.ratio(scores)


class _Ranked(_Summarized):
    """An area under a curve, which needs pixels of the class; the ROC curve also needs other pixels."""

    def area(self, values: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
        defined = (positives > 0) & ((negatives > 0) | (self.name != "auroc"))
        return self.summarized(torch.where(defined, values, torch.nan), defined)

    def quietly(self, compute: Callable[[], Any]) -> Tensor:
        """The result of torchmetrics, without its warnings about missing classes."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return torch.as_tensor(compute())


class _RankedMasks(_Ranked):
    def of_masks(self, compute: Callable[[], Any], target: Any) -> Tensor:  # noqa: ANN401 - torchmetrics' state
        whole = dim_zero_cat(target)
        counts = (
            whole != self.ignore_index if self.ignore_index is not None else torch.ones_like(whole, dtype=torch.bool)
        )
        positives, negatives = (((whole == value) & counts).sum(0) for value in (1, 0))
        return self.area(self.quietly(compute), positives, negatives)


class _RankedClasses(_Ranked):
    def of_classes(self, compute: Callable[[], Any], target: Any, classes: int) -> Tensor:  # noqa: ANN401 - torchmetrics' state
        positives = torch.bincount(dim_zero_cat(target), minlength=classes)
        return self.area(self.quietly(compute), positives, positives.sum() - positives)


class _BinaryROC(_RankedMasks, of.BinaryAUROC):
    """Of one mask."""

    def compute(self) -> Tensor:  # type: ignore[override] # as torchmetrics' own
        return self.of_masks(super().compute, self.target)


class _MasksROC(_RankedMasks, of.MultilabelAUROC):
    """Of masks that may overlap."""

    def compute(self) -> Tensor:  # type: ignore[override] # as torchmetrics' own
        return self.of_masks(super().compute, self.target)


class _ClassesROC(_RankedClasses, of.MulticlassAUROC):
    """Of classes."""

    def compute(self) -> Tensor:  # type: ignore[override] # as torchmetrics' own
        return self.of_classes(super().compute, self.target, self.num_classes)


class _BinaryPrecision(_RankedMasks, of.BinaryAveragePrecision):
    """Of one mask."""

    def compute(self) -> Tensor:  # type: ignore[override] # as torchmetrics' own
        return self.of_masks(super().compute, self.target)


class _MasksPrecision(_RankedMasks, of.MultilabelAveragePrecision):
    """Of masks that may overlap."""

    def compute(self) -> Tensor:  # type: ignore[override] # as torchmetrics' own
        return self.of_masks(super().compute, self.target)


class _ClassesPrecision(_RankedClasses, of.MulticlassAveragePrecision):
    """Of classes."""

    def compute(self) -> Tensor:  # type: ignore[override] # as torchmetrics' own
        return self.of_classes(super().compute, self.target, self.num_classes)


_FORMS: dict[str, dict[str, type[Metric]]] = {
    **{
        name: {"binary": _CountedPixels, "multilabel": _CountedMasks, "multiclass": _CountedClasses} for name in COUNTED
    },
    "auroc": {"binary": _BinaryROC, "multilabel": _MasksROC, "multiclass": _ClassesROC},
    "average_precision": {"binary": _BinaryPrecision, "multilabel": _MasksPrecision, "multiclass": _ClassesPrecision},
}


def defined_metric(name: str, task: str, *, classes: int, per_class: bool, ignore_index: int | None) -> Metric:
    """The metric of `_FORMS` for a task: binary, multilabel or multiclass.

    The accuracy of a class among others is its recall, as torchmetrics has it, since nearly all pixels are rightly not
    of it.
    """
    sizes = {"binary": {}, "multilabel": {"num_labels": classes}, "multiclass": {"num_classes": classes}}
    averages = {} if task == "binary" else {"average": "none"}
    metric = _FORMS[name][task](**sizes[task], **averages, ignore_index=ignore_index)
    assert isinstance(metric, _Summarized)  # noqa: S101 - each of `_FORMS` is
    metric.name = "recall" if name == "accuracy" and task == "multiclass" else name
    metric.per_class = per_class
    return metric
