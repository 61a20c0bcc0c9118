"""Metrics by name: counted by hand, and beside scikit-learn's definitions where a hand is not enough."""

import pickle

import pytest
import torch

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
    ("name", "wanted"),
    [
        ("iou", [1 / 3, 2 / 3, 1 / 2]),
        ("dice", [1 / 2, 4 / 5, 2 / 3]),
        ("precision", [1 / 2, 2 / 3, 1]),
        ("recall", [1 / 2, 1, 1 / 2]),
        ("specificity", [3 / 4, 3 / 4, 1]),
    ],
)
def test_of_classes_it_is_what_a_count_by_hand_gives(name, wanted):
    each = _value(name, _logits(SEEN, 3), IDS, classes=3, per_class=True)
    torch.testing.assert_close(each, torch.tensor(wanted))
    torch.testing.assert_close(_value(name, _logits(SEEN, 3), IDS, classes=3), torch.tensor(wanted).mean())


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
        found = _value(name, logits, ignored, classes=3, ignore_index=255)
        torch.testing.assert_close(found, _value(name, logits[:, :, 4:], ids[:, 4:], classes=3))


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
    found = _value(name, logits, ids, classes=classes)
    if name == "confusion_matrix":
        torch.testing.assert_close(found, torch.diag(ids.flatten().bincount()))
    else:
        assert found.item() == pytest.approx(0 if name == "calibration_error" else 1, abs=1e-4)


def test_it_can_be_pickled_for_other_processes():
    metric = pickle.loads(pickle.dumps(unetzoo.create_metric("iou", classes=3)))
    metric.update(_logits(SEEN, 3), IDS)
    assert metric.compute().item() == pytest.approx(0.5)


def test_an_unknown_name_is_answered_with_what_is_near():
    with pytest.raises(unetzoo.UnknownNameError, match="no metric named 'Recal'; did you mean 'recall'"):
        unetzoo.create_metric("Recal")


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("iou", {"classes": 0}, "classes"),
        ("iou", {"multilabel": True}, "several classes"),
        ("cohen_kappa", {"multilabel": True, "classes": 3}, "cohen_kappa"),
        ("iou", {"per_class": True}, "per_class"),
        ("mcc", {"per_class": True, "classes": 3}, "per_class"),
    ],
)
def test_what_a_metric_does_not_have_is_refused(name, options, told):
    with pytest.raises(unetzoo.OptionError, match=told):
        unetzoo.create_metric(name, **options)
