from math import log

import pytest
import torch
from segmentation_models_pytorch.losses import FocalLoss as PeerFocalLoss
from segmentation_models_pytorch.losses import SoftBCEWithLogitsLoss, SoftCrossEntropyLoss
from segmentation_models_pytorch.losses._functional import softmax_focal_loss_with_logits
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.errors import OptionError, TargetError
from unetzoo.losses.pixel import BCELoss, CrossEntropyLoss, FocalLoss

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


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ((1 / 2) ** 2 * log(2) + (3 / 4) ** 2 * log(4)) / 2),
        ({"gamma": 0}, (log(2) + log(4)) / 2),
        ({"gamma": 1, "alpha": 0.25}, (0.25 * (1 / 2) * log(2) + 0.75 * (3 / 4) * log(4)) / 2),
        ({"gamma": 0.5, "ignore_index": 1}, (3 / 4) ** 0.5 * log(4)),
        ({"alpha": 1}, ((1 / 2) ** 2 * log(2)) / 2),
    ],
)
def test_focal_of_two_pixels_of_a_mask(options, expected):
    _close(FocalLoss(**options)(MASK_LOGITS, MASK), expected)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ((5 / 6) ** 2 * log(6) + (1 / 2) ** 2 * log(2)) / 2),
        ({"gamma": 0}, (log(6) + log(2)) / 2),
        ({"gamma": 1, "alpha": [3.0, 1.0, 0.5]}, (3 * (5 / 6) * log(6) + 0.5 * (1 / 2) * log(2)) / 2),
        ({"gamma": 0.5, "ignore_index": 2}, (5 / 6) ** 0.5 * log(6)),
    ],
)
def test_focal_of_two_pixels_of_classes(options, expected):
    _close(FocalLoss(**options)(CLASS_LOGITS, CLASSES), expected)


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
    expected = SoftCrossEntropyLoss(smooth_factor=0.1)(logits, ids[:, None])
    _close(CrossEntropyLoss(label_smoothing=0.1)(logits, ids), expected)


@pytest.mark.parametrize("gamma", [1.5, 2.0])
@pytest.mark.parametrize("alpha", [None, 0.25])
@pytest.mark.parametrize("ignore_index", [None, 255])
def test_focal_of_masks_is_that_of_smp(random, gamma, alpha, ignore_index):
    logits, _, masks = random
    masks = masks[:, :1]
    if ignore_index is not None:
        masks[:, :, 2] = ignore_index
    peer = PeerFocalLoss("binary", alpha=alpha, gamma=gamma, ignore_index=ignore_index)
    loss = FocalLoss(gamma=gamma, alpha=alpha, ignore_index=ignore_index)
    _close(loss(logits[:, :1], masks), peer(logits[:, :1], masks))


@pytest.mark.parametrize("gamma", [1.5, 2.0])
def test_focal_of_classes_is_the_softmax_focal_of_smp(random, gamma):
    logits, ids, _ = random
    _close(FocalLoss(gamma=gamma)(logits, ids), softmax_focal_loss_with_logits(logits, ids, gamma=gamma))


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0])
def test_the_gradient_of_focal_is_finite_where_the_prediction_is_perfect(classes, gamma):
    logits = torch.full((1, classes, 2, 2), -200.0)
    logits[:, 0] = 200.0
    logits.requires_grad_()
    target = torch.ones(1, 2, 2).long() if classes == 1 else torch.zeros(1, 2, 2).long()
    FocalLoss(gamma=gamma)(logits, target).backward()
    assert logits.grad.abs().max() < 1e-6


def test_bce_refuses_class_ids_whatever_their_values():
    with pytest.raises(
        TargetError, match=r"bce needs one mask for each class, \(b, k, h, w\); got class ids .*: use ce"
    ):
        BCELoss()(torch.zeros(1, 3, 4, 4), torch.full((1, 4, 4), 9))


@pytest.mark.parametrize(
    ("logits", "target", "told"),
    [
        ((1, 1, 4, 4), (1, 4, 4), r"got a binary target \(1, 4, 4\) .*: use bce for one class"),
        ((1, 2, 4, 4), (1, 2, 4, 4), r"got a multilabel target .*: use bce, or target\.argmax\(1\) if it is one-hot"),
    ],
)
def test_cross_entropy_refuses_masks(logits, target, told):
    with pytest.raises(TargetError, match=told):
        CrossEntropyLoss()(torch.zeros(logits), torch.zeros(target).long())


@pytest.mark.parametrize("shape", [(1, 1, 1, 2), (1, 2, 1, 2)])
def test_focal_wants_one_number_as_alpha_for_masks(shape):
    with pytest.raises(OptionError, match=r"target needs one number in \[0, 1\] as alpha"):
        FocalLoss(alpha=[1.0, 2.0])(torch.zeros(shape), torch.zeros(shape))


def test_focal_wants_an_alpha_for_each_class():
    with pytest.raises(
        OptionError, match="a multiclass target needs one weight for each class as alpha, not one number"
    ):
        FocalLoss(alpha=0.25)(CLASS_LOGITS, CLASSES)
    with pytest.raises(OptionError, match="alpha must have one number for each of the 3 classes"):
        FocalLoss(alpha=[1.0, 2.0])(CLASS_LOGITS, CLASSES)


def test_pos_weight_must_be_one_for_all_or_one_for_each():
    with pytest.raises(OptionError, match="pos_weight must have one number for each of the 1 classes"):
        BCELoss(pos_weight=[1.0, 2.0])(MASK_LOGITS, MASK)
