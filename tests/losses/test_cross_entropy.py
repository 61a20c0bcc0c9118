from math import log

import pytest
import torch
from loss_examples import IGNORED, KINDS, assert_same, example
from segmentation_models_pytorch.losses import SoftBCEWithLogitsLoss
from segmentation_models_pytorch.losses import SoftCrossEntropyLoss as PeerSoftCrossEntropyLoss
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.errors import OptionError, TargetError
from unetzoo.losses.cross_entropy import BCELoss, CrossEntropyLoss, SoftBCELoss, SoftCrossEntropyLoss

# sigmoid(0) = 1/2 and sigmoid(ln 3) = 3/4
MASK_LOGITS, MASK = torch.tensor([[[[0.0, log(3)]]]]), torch.tensor([[[1, 0]]])
# the softmax of (0, ln 2, ln 3) is (1/6, 1/3, 1/2); two pixels, of class 0 and class 2
CLASS_LOGITS = torch.tensor([0.0, log(2), log(3)]).reshape(1, 3, 1, 1).expand(1, 3, 1, 2)
CLASSES = torch.tensor([[[0, 2]]])


@pytest.fixture
def random():
    """Logits (2, 3, 5, 6), class ids and masks for them."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 5, 6, generator=generator, dtype=torch.float64) * 3
    return (
        logits,
        torch.randint(3, (2, 5, 6), generator=generator),
        torch.randint(2, (2, 3, 5, 6), generator=generator),
    )


def _close(value, expected):
    assert value.item() == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (log(2) + log(4)) / 2),
        ({"pos_weight": 3.0}, (3 * log(2) + log(4)) / 2),
        ({"pos_weight": [3.0]}, (3 * log(2) + log(4)) / 2),
        # the targets become 0.9 and 0.1
        ({"label_smoothing": 0.2}, (log(2) + 0.1 * log(4 / 3) + 0.9 * log(4)) / 2),
        ({"ignore_index": 0}, log(2)),
    ],
)
def test_bce_of_two_pixels(options, expected):
    _close(BCELoss(**options)(MASK_LOGITS, MASK), expected)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (log(6) + log(2)) / 2),
        ({"class_weights": [2.0, 5.0, 1.0]}, (2 * log(6) + log(2)) / (2 + 1)),
        # a pixel's class gets 0.8, each other 0.1
        (
            {"label_smoothing": 0.3},
            (0.8 * log(6) + 0.1 * log(3) + 0.1 * log(2) + 0.1 * log(6) + 0.1 * log(3) + 0.8 * log(2)) / 2,
        ),
        ({"ignore_index": 0}, log(2)),
        ({"class_weights": [1.0, 0.0, 0.0], "ignore_index": 0}, 0),
        ({"class_weights": [0.0, 1.0, 0.0]}, 0),
    ],
)
def test_cross_entropy_of_two_pixels(options, expected):
    _close(CrossEntropyLoss(**options)(CLASS_LOGITS, CLASSES), expected)


@pytest.mark.parametrize("pos_weight", [None, [0.5, 1.0, 7.0]])
def test_bce_is_that_of_torch(random, pos_weight):
    logits, _, masks = random
    weight = None if pos_weight is None else torch.tensor(pos_weight).reshape(3, 1, 1)
    expected = F.binary_cross_entropy_with_logits(logits, masks.double(), pos_weight=weight)
    _close(BCELoss(pos_weight=pos_weight)(logits, masks), expected)


@pytest.mark.parametrize("class_weights", [None, [0.5, 1.0, 7.0]])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
@pytest.mark.parametrize("ignore_index", [None, 2, 255])
def test_cross_entropy_is_that_of_torch(random, class_weights, label_smoothing, ignore_index):
    logits, ids, _ = random
    if ignore_index is not None:
        ids[:, 2] = ignore_index
    weight = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float64)
    expected = F.cross_entropy(
        logits,
        ids,
        weight,
        ignore_index=-100 if ignore_index is None else ignore_index,
        label_smoothing=label_smoothing,
    )
    loss = CrossEntropyLoss(class_weights=class_weights, label_smoothing=label_smoothing, ignore_index=ignore_index)
    _close(loss(logits, ids), expected)


def test_bce_with_smoothing_is_that_of_smp_which_counts_half_of_it(random):
    logits, _, masks = random
    _close(
        BCELoss(label_smoothing=0.2)(logits, masks),
        SoftBCEWithLogitsLoss(smooth_factor=0.1)(logits, masks.double()),
    )


def test_cross_entropy_with_smoothing_is_that_of_smp(random):
    logits, ids, _ = random
    expected = PeerSoftCrossEntropyLoss(smooth_factor=0.1)(logits, ids[:, None])
    _close(CrossEntropyLoss(label_smoothing=0.1)(logits, ids), expected)


def test_bce_refuses_class_ids_whatever_their_values():
    with pytest.raises(
        TargetError, match=r"bce needs one mask for each class, \(b, k, h, w\); got class ids .*: use ce"
    ):
        BCELoss()(torch.zeros(1, 3, 4, 4), torch.full((1, 4, 4), 9))


@pytest.mark.parametrize(
    ("logits", "target", "message"),
    [
        ((1, 1, 4, 4), (1, 4, 4), r"got a binary target \(1, 4, 4\) .*: use bce for one class"),
        ((1, 2, 4, 4), (1, 2, 4, 4), r"got a multilabel target .*: use bce, or target\.argmax\(1\) if it is one-hot"),
    ],
)
def test_cross_entropy_refuses_masks(logits, target, message):
    with pytest.raises(TargetError, match=message):
        CrossEntropyLoss()(torch.zeros(logits), torch.zeros(target).long())


def test_pos_weight_must_be_one_for_all_or_one_for_each():
    with pytest.raises(OptionError, match="pos_weight must have one number for each of the 1 classes"):
        BCELoss(pos_weight=[1.0, 2.0])(MASK_LOGITS, MASK)


@pytest.mark.parametrize("mode", ["binary", "multilabel"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_soft_bce_is_that_of_smp_which_divides_by_ignored_pixels_too(mode, kind, smoothing):
    logits, target, ignore_index = example(mode, kind)
    target = target.reshape(logits.shape)
    peer = SoftBCEWithLogitsLoss(smooth_factor=smoothing / 2, ignore_index=ignore_index)
    counted = (target != IGNORED).double().mean()
    ours = SoftBCELoss(label_smoothing=smoothing, ignore_index=ignore_index)
    assert_same(lambda scores: ours(scores, target) * counted, lambda scores: peer(scores, target.double()), logits)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_soft_ce_of_class_ids_is_that_of_smp_which_divides_by_ignored_pixels_too(kind, smoothing):
    logits, ids, ignore_index = example("multiclass", kind)
    peer = PeerSoftCrossEntropyLoss(smooth_factor=smoothing, ignore_index=ignore_index)
    counted = (ids != IGNORED).double().mean()
    ours = SoftCrossEntropyLoss(label_smoothing=smoothing, ignore_index=ignore_index)
    assert_same(lambda scores: ours(scores, ids) * counted, lambda scores: peer(scores, ids[:, None]), logits)


def test_soft_bce_of_soft_masks_is_that_of_smp():
    logits, _, _ = example("multilabel")
    soft = torch.rand(logits.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    _close(SoftBCELoss()(logits, soft), SoftBCEWithLogitsLoss()(logits, soft))


@pytest.mark.parametrize("class_weights", [None, [0.5, 1.0, 7.0]])
def test_soft_ce_of_probabilities_of_classes_is_the_mean_of_the_hard_losses_that_they_mix(random, class_weights):
    logits, ids, _ = random
    others = ids.roll(1, dims=2)
    one, other = (F.one_hot(classes, 3).movedim(3, 1).double() for classes in (ids, others))
    loss = SoftCrossEntropyLoss(class_weights=class_weights)
    weights = torch.ones(3).double() if class_weights is None else torch.tensor(class_weights).double()
    hard = [F.cross_entropy(logits, classes, weights, reduction="none").double() for classes in (ids, others)]
    mixed = (0.25 * hard[0] + 0.75 * hard[1]).sum() / (0.25 * weights[ids] + 0.75 * weights[others]).sum()
    _close(loss(logits, 0.25 * one + 0.75 * other), mixed)
    _close(loss(logits, one), loss(logits, ids))


def test_a_pixel_of_which_any_probability_is_ignored_does_not_count_in_soft_ce(random):
    logits, ids, _ = random
    soft = F.one_hot(ids, 3).movedim(3, 1).float()
    soft[:, 1, 2] = -1
    counted = torch.tensor([0, 1, 3, 4])
    loss = SoftCrossEntropyLoss(ignore_index=-1)
    _close(loss(logits, soft), CrossEntropyLoss()(logits[:, :, counted], ids[:, counted]))
    assert loss(logits, torch.full_like(soft, -1)) == 0


def test_soft_ce_refuses_probabilities_whose_sum_is_not_1():
    soft = torch.full((1, 3, 4, 4), 0.5)
    with pytest.raises(TargetError, match=r"whose sum is 1 .*; in 16 of 16 pixels it is not, such as 1\.5: .*soft_bce"):
        SoftCrossEntropyLoss()(torch.zeros(1, 3, 4, 4), soft)


def test_soft_ce_refuses_logits_of_one_class():
    with pytest.raises(TargetError, match=r"needs logits of at least 2 classes, .*: use soft_bce"):
        SoftCrossEntropyLoss()(MASK_LOGITS, MASK)


def test_soft_bce_refuses_class_ids_in_its_own_name():
    with pytest.raises(TargetError, match=r"soft_bce needs one mask for each class.*: use soft_ce"):
        SoftBCELoss()(CLASS_LOGITS, CLASSES)


def test_class_weights_of_masks_weigh_their_cross_entropy(random):
    logits, _, masks = random
    weights = [1.0, 2.0, 5.0]
    each = [BCELoss()(logits[:, [index]], masks[:, [index]]) for index in range(3)]
    expected = sum(weight * loss for weight, loss in zip(weights, each, strict=True)) / 8
    _close(BCELoss(class_weights=weights)(logits, masks), expected)
