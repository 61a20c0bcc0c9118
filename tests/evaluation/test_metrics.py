"""Metrics by name: counted by hand, and beside scikit-learn's definitions where a hand is not enough."""

import pickle

import pytest
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

import unetzoo

IDS = torch.tensor([[[0, 0, 1], [1, 2, 2]]])
SEEN = torch.tensor([[[0, 1, 1], [1, 2, 0]]])  # IoU 1/3, 2/3, 1/2; Dice 1/2, 4/5, 2/3


def _logits(ids, classes):
    return torch.nn.functional.one_hot(ids, classes).movedim(-1, 1) * 0.9  # all within 0 to 1, like probabilities


def _value(name, logits, target, **options):
    metric = unetzoo.create_metric(name, **options)
    metric.update(logits, target)
    return metric.compute()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("iou", [1 / 3, 2 / 3, 1 / 2]),
        ("dice", [1 / 2, 4 / 5, 2 / 3]),
        ("precision", [1 / 2, 2 / 3, 1]),
        ("recall", [1 / 2, 1, 1 / 2]),
        ("specificity", [3 / 4, 3 / 4, 1]),
    ],
)
def test_of_classes_it_is_what_a_count_by_hand_gives(name, expected):
    each = _value(name, _logits(SEEN, 3), IDS, classes=3, per_class=True)
    torch.testing.assert_close(each, torch.tensor(expected))
    torch.testing.assert_close(_value(name, _logits(SEEN, 3), IDS, classes=3), torch.tensor(expected).mean())


@pytest.mark.parametrize("target_of", [lambda mask: mask, lambda mask: mask[:, None].float(), lambda mask: mask.bool()])
def test_of_one_logit_a_pixel_counts_above_0_also_where_all_logits_look_like_probabilities(target_of):
    mask = torch.tensor([[[0, 1, 1, 1]]])
    logits = torch.tensor([[[[-0.5, 0.2, 0.4, -0.1]]]])
    assert _value("iou", logits, target_of(mask)).item() == pytest.approx(2 / 3)
    assert _value("iou", logits + 0.6, target_of(mask)).item() == pytest.approx(3 / 4)  # all lie within 0 to 1


def test_of_masks_each_is_counted_by_itself():
    logits = torch.tensor([[[[1.0, -1.0]], [[1.0, 1.0]]]])
    masks = torch.tensor([[[[1, 1]], [[1, 0]]]])
    each = _value("iou", logits, masks, classes=2, multilabel=True, per_class=True)
    torch.testing.assert_close(each, torch.tensor([0.5, 0.5]))


def test_pixels_that_do_not_count_change_nothing():
    torch.manual_seed(0)
    logits, ids = torch.randn(2, 3, 8, 8), torch.randint(3, (2, 8, 8))
    ignored = ids.clone()
    ignored[:, :4] = 255
    for name in ("iou", "mcc", "auroc"):
        actual = _value(name, logits, ignored, classes=3, ignore_index=255)
        torch.testing.assert_close(actual, _value(name, logits[:, :, 4:], ids[:, 4:], classes=3))


def test_batches_count_together():
    torch.manual_seed(0)
    logits, ids = torch.randn(4, 3, 8, 8), torch.randint(3, (4, 8, 8))
    metric = unetzoo.create_metric("iou", classes=3)
    for image in range(4):
        metric.update(logits[[image]], ids[[image]])
    torch.testing.assert_close(metric.compute(), _value("iou", logits, ids, classes=3))


@pytest.mark.parametrize("name", unetzoo.list_metrics())
@pytest.mark.parametrize("classes", [1, 3])
def test_a_perfect_prediction_is_the_best_there_is(name, classes):
    torch.manual_seed(0)
    ids = torch.randint(max(2, classes), (2, 8, 8))
    logits = (_logits(ids, 3) if classes == 3 else ids[:, None]) * 40.0 - 20
    actual = _value(name, logits, ids, classes=classes)
    if name == "confusion_matrix":
        torch.testing.assert_close(actual, torch.diag(ids.flatten().bincount()))
    else:
        assert actual.item() == pytest.approx(0 if name == "calibration_error" else 1, abs=1e-4)


def test_it_can_be_pickled_for_other_processes():
    metric = pickle.loads(pickle.dumps(unetzoo.create_metric("iou", classes=3)))
    metric.update(_logits(SEEN, 3), IDS)
    assert metric.compute().item() == pytest.approx(0.5)


def test_an_unknown_name_is_answered_with_what_is_near():
    with pytest.raises(unetzoo.UnknownNameError, match="no metric named 'Recal'; did you mean 'recall'"):
        unetzoo.create_metric("Recal")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("iou", {"classes": 0}, "classes"),
        ("iou", {"multilabel": True}, "several classes"),
        ("cohen_kappa", {"multilabel": True, "classes": 3}, "cohen_kappa"),
        ("iou", {"per_class": True}, "per_class"),
        ("mcc", {"per_class": True, "classes": 3}, "per_class"),
    ],
)
def test_what_a_metric_does_not_have_is_refused(name, options, message):
    with pytest.raises(unetzoo.OptionError, match=message):
        unetzoo.create_metric(name, **options)


def _by_hand(name, counts):
    """The number of TP, FP, TN, FN; NaN for 0 / 0."""
    tp, fp, tn, fn = counts
    part, whole = {
        "iou": (tp, tp + fp + fn),
        "dice": (2 * tp, 2 * tp + fp + fn),
        "precision": (tp, tp + fp),
        "recall": (tp, tp + fn),
        "specificity": (tn, tn + fp),
    }[name]
    return part / whole if whole else float("nan")


def _counts(seen, there, valid):
    return [
        int((valid & (seen == of_seen) & (there == of_there)).sum())
        for of_seen, of_there in ((True, True), (True, False), (False, False), (False, True))
    ]


COUNTED = ["iou", "dice", "precision", "recall", "specificity"]


@pytest.mark.parametrize("name", COUNTED)
@pytest.mark.parametrize("ignore_index", [None, 0, 255])
def test_of_classes_the_mean_is_over_those_that_the_target_has_whatever_is_predicted(name, ignore_index):
    torch.manual_seed(0)
    logits, ids = torch.randn(3, 5, 16, 16), torch.randint(3, (3, 16, 16))
    logits[:, 4] = -9  # class 3 is predicted and never there, class 4 neither
    ids[0, :3] = 255 if ignore_index == 255 else 1
    seen, valid = logits.argmax(1), ids != ignore_index if ignore_index is not None else ids >= 0
    expected = [_by_hand(name, _counts(seen == k, ids == k, valid)) for k in range(5)]
    expected = [float("nan") if k == ignore_index else value for k, value in enumerate(expected)]
    each = _value(name, logits, ids, classes=5, per_class=True, ignore_index=ignore_index)
    torch.testing.assert_close(each, torch.tensor(expected), equal_nan=True)
    there = each if name == "specificity" else each[:3]
    torch.testing.assert_close(_value(name, logits, ids, classes=5, ignore_index=ignore_index), there.nanmean())


@pytest.mark.parametrize("name", COUNTED)
def test_of_masks_one_that_is_nowhere_is_left_out_of_the_mean(name):
    torch.manual_seed(0)
    logits, masks = torch.randn(2, 3, 8, 8), torch.randint(2, (2, 3, 8, 8))
    masks[:, 2], masks[0, 0, :2] = 0, 255
    valid = masks != 255
    expected = torch.tensor(
        [_by_hand(name, _counts(logits[:, k] > 0, masks[:, k] == 1, valid[:, k])) for k in range(3)]
    )
    each = _value(name, logits, masks, classes=3, multilabel=True, per_class=True, ignore_index=255)
    torch.testing.assert_close(each, expected, equal_nan=True)
    there = expected if name == "specificity" else expected[:2]
    actual = _value(name, logits, masks, classes=3, multilabel=True, ignore_index=255)
    torch.testing.assert_close(actual, there.mean())


@pytest.mark.parametrize("name", ["iou", "dice", "precision", "recall", "auroc", "average_precision"])
def test_an_empty_mask_that_is_predicted_empty_has_no_number(name):
    metric = unetzoo.create_metric(name)
    metric.update(torch.full((1, 1, 4, 4), -9.0), torch.zeros(1, 4, 4, dtype=torch.long))
    assert metric.compute().isnan()


@pytest.mark.parametrize("name", ["auroc", "average_precision"])
@pytest.mark.parametrize("multilabel", [False, True])
def test_areas_of_classes_that_are_nowhere_are_left_out_of_the_mean(name, multilabel):
    torch.manual_seed(0)
    logits, ids = torch.randn(2, 3, 8, 8), torch.randint(2, (2, 8, 8))
    ids[0, :2] = 255
    target = torch.stack([ids, 1 - ids, 0 * ids], 1).where((ids != 255)[:, None], 255) if multilabel else ids
    options = {"classes": 3, "multilabel": multilabel, "ignore_index": 255}
    score = {"auroc": roc_auc_score, "average_precision": average_precision_score}[name]
    likely = logits.sigmoid() if multilabel else logits.softmax(1)
    there = ids != 255
    masks = target if multilabel else torch.stack([ids == 0, ids == 1], 1)
    expected = [score(masks[:, k][there].numpy(), likely[:, k][there].numpy()) for k in range(2)]
    each = _value(name, logits, target, per_class=True, **options)
    assert each.tolist() == pytest.approx([*expected, float("nan")], abs=1e-5, nan_ok=True)
    assert _value(name, logits, target, **options).item() == pytest.approx(sum(expected) / 2, abs=1e-5)


def test_a_class_that_is_seen_where_there_is_none_costs_its_pixels_and_no_share_of_the_mean():
    ids = torch.zeros(1, 100, 100, dtype=torch.long)
    ids[:, 50:] = 1
    stray = ids.clone()
    stray[0, 0, 0] = 2
    assert _value("iou", _logits(stray, 3), ids, classes=3).item() == pytest.approx((4999 / 5000 + 1) / 2)
    assert _value("iou", _logits(stray, 3), ids, classes=3, per_class=True).tolist()[2] == 0
