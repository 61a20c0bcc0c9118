import math
from math import log

import pytest
import torch
from loss_examples import KINDS, assert_same, example, monai_losses
from segmentation_models_pytorch.losses import DiceLoss as PeerDiceLoss
from segmentation_models_pytorch.losses import JaccardLoss as PeerJaccardLoss
from segmentation_models_pytorch.losses import TverskyLoss as PeerTverskyLoss
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.errors import OptionError
from unetzoo.losses.overlap import DiceLoss, FocalTverskyLoss, JaccardLoss, TverskyLoss

MODES = ["binary", "multiclass", "multilabel"]
every_mode = pytest.mark.parametrize("mode", MODES)
every_kind = pytest.mark.parametrize("kind", KINDS)

# sigmoid(0) = 1/2 and sigmoid(ln 3) = 3/4: sum p = 5/4, sum p^2 = 13/16
MASK_LOGITS = torch.tensor([[[[0.0, log(3)]]]])
# the softmax of (0, ln 2, ln 3) is (1/6, 1/3, 1/2); two pixels, of class 0 and class 2
CLASS_LOGITS = torch.tensor([0.0, log(2), log(3)]).reshape(1, 3, 1, 1).expand(1, 3, 1, 2)
CLASSES = torch.tensor([[[0, 2]]])


def _close(value, expected):
    assert value.item() == pytest.approx(float(expected), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(
    ("mask", "options", "expected"),
    [
        ([1, 0], {}, 1 - (2 * 1 / 2 + 1) / (5 / 4 + 1 + 1)),
        ([1, 0], {"smooth": 0}, 1 - (2 * 1 / 2) / (5 / 4 + 1)),
        ([1, 0], {"smooth": 0, "squared": True}, 1 - (2 * 1 / 2) / (13 / 16 + 1)),
        ([1, 1], {"smooth": 0.5}, 1 - (2 * 5 / 4 + 0.5) / (5 / 4 + 2 + 0.5)),
        ([1, 255], {"ignore_index": 255}, 1 - (2 * 1 / 2 + 1) / (1 / 2 + 1 + 1)),
    ],
)
def test_dice_of_two_pixels_of_a_mask(mask, options, expected):
    _close(DiceLoss(**options)(MASK_LOGITS, torch.tensor([[mask]])), expected)


# coefficients with smooth=1: (2/6 + 1) / (2/6 + 1 + 1) = 4/7, 1 / (2/3 + 1) = 3/5, (2/2 + 1) / (2/2 + 1 + 1) = 2/3
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (3 / 7 + 2 / 5 + 1 / 3) / 3),
        ({"class_weights": [1, 0, 3]}, (3 / 7 + 3 * 1 / 3) / 4),
        # without smooth, class 1, which is absent, is left out: (2/6) / (2/6 + 1) = 1/4 and (2/2) / (2/2 + 1) = 1/2
        ({"smooth": 0}, (3 / 4 + 1 / 2) / 2),
        ({"smooth": 0, "class_weights": [1, 5, 3]}, (3 / 4 + 3 * 1 / 2) / 4),
    ],
)
def test_dice_of_two_pixels_of_classes(options, expected):
    _close(DiceLoss(**options)(CLASS_LOGITS, CLASSES), expected)


def test_images_are_one_region_or_one_each():
    logits = MASK_LOGITS.expand(2, 1, 1, 2)
    mask = torch.tensor([[[1, 0]], [[1, 1]]])
    _close(DiceLoss(smooth=0)(logits, mask), 1 - 2 * (1 / 2 + 5 / 4) / (5 / 2 + 3))
    apart = (1 - 2 * (1 / 2) / (5 / 4 + 1) + 1 - 2 * (5 / 4) / (5 / 4 + 2)) / 2
    _close(DiceLoss(smooth=0, per_image=True)(logits, mask), apart)


def test_an_image_in_which_no_pixel_counts_is_left_out_of_the_mean():
    mask = torch.tensor([[[1, 0]], [[255, 255]]])
    loss = DiceLoss(per_image=True, ignore_index=255)
    _close(loss(MASK_LOGITS.expand(2, 1, 1, 2), mask), loss(MASK_LOGITS, mask[:1]))


def test_what_is_predicted_of_an_absent_class_costs_with_smooth_and_not_without():
    empty = torch.zeros(1, 1, 2).long()
    logits = MASK_LOGITS.clone().requires_grad_()
    loss = DiceLoss(smooth=1)(logits, empty)
    _close(loss, 1 - 1 / (5 / 4 + 1))
    loss.backward()
    assert (logits.grad > 0).all()
    assert DiceLoss(smooth=0)(MASK_LOGITS, empty) == 0


def test_an_absent_class_that_is_not_predicted_costs_nothing():
    assert DiceLoss()(torch.full((1, 1, 8, 8), -200.0), torch.zeros(1, 8, 8).long()) == 0


@pytest.mark.parametrize("mode", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("smooth", [0.0, 1.0])
@pytest.mark.parametrize("ignore_index", [None, 255])
def test_where_every_class_is_present_dice_is_that_of_smp_which_counts_half_of_smooth(mode, smooth, ignore_index):
    generator = torch.Generator().manual_seed(0)
    classes = 1 if mode == "binary" else 3
    logits = torch.randn(2, classes, 5, 6, generator=generator, dtype=torch.float64) * 3
    shape = logits.shape if mode == "multilabel" else (2, 5, 6)
    target = torch.randint(3 if mode == "multiclass" else 2, shape, generator=generator)
    if ignore_index is not None:
        target[..., 2] = ignore_index
    peer = PeerDiceLoss(mode, smooth=smooth / 2, ignore_index=ignore_index)
    _close(DiceLoss(smooth=smooth, ignore_index=ignore_index)(logits, target), peer(logits, target))


def test_class_weights_weigh_as_those_of_smp():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 5, 6, generator=generator, dtype=torch.float64)
    ids = torch.randint(3, (2, 5, 6), generator=generator)
    peer = PeerDiceLoss("multiclass", class_weights=[0.5, 1.0, 4.0])
    _close(DiceLoss(smooth=0, class_weights=[0.5, 1.0, 4.0])(logits, ids), peer(logits, ids))


def test_class_weights_must_be_as_many_as_classes():
    with pytest.raises(OptionError, match="class_weights must have one number for each of the 3 classes"):
        DiceLoss(class_weights=[1.0, 2.0])(CLASS_LOGITS, CLASSES)


# sum p = 5/4; the mask's own pixels have 1/2
@pytest.mark.parametrize(
    ("make", "options", "expected"),
    [
        (JaccardLoss, {}, 1 - (1 / 2 + 1) / (5 / 4 + 1 - 1 / 2 + 1)),
        (JaccardLoss, {"smooth": 0}, 1 - (1 / 2) / (5 / 4 + 1 - 1 / 2)),
        (TverskyLoss, {}, 1 - (1 / 2 + 1) / (1 / 2 + 0.3 * 3 / 4 + 0.7 * 1 / 2 + 1)),
        (TverskyLoss, {"alpha": 2, "beta": 0, "smooth": 0}, 1 - (1 / 2) / (1 / 2 + 2 * 3 / 4)),
        (FocalTverskyLoss, {"smooth": 0}, (1 - (1 / 2) / (1 / 2 + 0.3 * 3 / 4 + 0.7 * 1 / 2)) ** 0.75),
        (FocalTverskyLoss, {"gamma": 2, "alpha": 1, "beta": 1}, (1 - (1 / 2 + 1) / (1 / 2 + 5 / 4 + 1)) ** 0.5),
    ],
)
def test_other_overlaps_of_two_pixels_of_a_mask(make, options, expected):
    _close(make(**options)(MASK_LOGITS, torch.tensor([[[1, 0]]])), expected)


@every_mode
@every_kind
@pytest.mark.parametrize("smooth", [0.0, 1.0])
def test_dice_is_that_of_smp_which_counts_absent_classes_as_0_and_half_of_smooth(mode, kind, smooth):
    logits, target, ignore_index = example(mode, kind)
    peer = PeerDiceLoss(mode, smooth=smooth / 2, ignore_index=ignore_index)
    ours = DiceLoss(smooth=smooth, absent="zero", ignore_index=ignore_index)
    assert_same(lambda scores: ours(scores, target), lambda scores: peer(scores, target), logits)


@every_mode
@every_kind
@pytest.mark.parametrize("smooth", [0.0, 1.0])
def test_jaccard_is_that_of_smp_which_counts_absent_classes_as_0(mode, kind, smooth):
    logits, target, ignore_index = example(mode, kind)
    peer = PeerJaccardLoss(mode, smooth=smooth, ignore_index=ignore_index)
    ours = JaccardLoss(smooth=smooth, absent="zero", ignore_index=ignore_index)
    assert_same(lambda scores: ours(scores, target), lambda scores: peer(scores, target), logits)


@every_mode
@every_kind
@pytest.mark.parametrize("smooth", [0.0, 1.0])
def test_tversky_is_that_of_smp_which_counts_absent_classes_as_0(mode, kind, smooth):
    logits, target, ignore_index = example(mode, kind)
    peer = PeerTverskyLoss(mode, alpha=0.2, beta=0.9, smooth=smooth, ignore_index=ignore_index)
    ours = TverskyLoss(alpha=0.2, beta=0.9, smooth=smooth, absent="zero", ignore_index=ignore_index)
    assert_same(lambda scores: ours(scores, target), lambda scores: peer(scores, target), logits)


@pytest.mark.parametrize("kind", ["random", "empty", "one class", "one class absent"])
@every_mode
@pytest.mark.parametrize("per_image", [True, False])
def test_tversky_is_that_of_monai_which_counts_absent_classes(mode, kind, per_image):
    logits, target, _ = example(mode, kind)
    masks = F.one_hot(target, 3).movedim(3, 1) if mode == "multiclass" else target.reshape(logits.shape)
    activation = {"softmax": True} if mode == "multiclass" else {"sigmoid": True}
    peer = monai_losses().TverskyLoss(alpha=0.2, beta=0.9, batch=not per_image, **activation)
    ours = TverskyLoss(alpha=0.2, beta=0.9, smooth=1e-5, per_image=per_image)
    assert_same(lambda scores: ours(scores, target), lambda scores: peer(scores, masks.double()), logits)


@every_mode
def test_of_probabilities_jaccard_is_that_of_smp(mode):
    logits, target, _ = example(mode)
    probabilities = logits.softmax(1) if mode == "multiclass" else logits.sigmoid()
    peer, ours = PeerJaccardLoss(mode, from_logits=False), JaccardLoss(smooth=0, from_logits=False)
    assert_same(lambda scores: ours(scores, target), lambda scores: peer(scores, target), probabilities)


@pytest.mark.parametrize(("make", "peer"), [(JaccardLoss, PeerJaccardLoss), (TverskyLoss, PeerTverskyLoss)])
def test_class_weights_of_the_other_overlaps_weigh_as_those_of_smp(make, peer):
    logits, target, _ = example("multiclass")
    options = {"alpha": 0.3, "beta": 0.7} if make is TverskyLoss else {}
    theirs = peer("multiclass", class_weights=[0.5, 1.0, 4.0], **options)
    ours = make(smooth=0, class_weights=[0.5, 1.0, 4.0])
    _close(ours(logits, target), theirs(logits, target))


@every_mode
@pytest.mark.parametrize("smooth", [0.0, 1.0])
def test_tversky_of_one_half_is_dice_and_of_1_is_jaccard(mode, smooth):
    logits, target, _ = example(mode)
    _close(TverskyLoss(alpha=0.5, beta=0.5, smooth=smooth / 2)(logits, target), DiceLoss(smooth=smooth)(logits, target))
    _close(TverskyLoss(alpha=1, beta=1, smooth=smooth)(logits, target), JaccardLoss(smooth=smooth)(logits, target))


# class 1 is absent: 1/3 of each of two pixels is predicted of it; classes 0 and 2 as above
@pytest.mark.parametrize(
    ("absent", "smooth", "expected"),
    [
        ("count", 1, (3 / 7 + 2 / 5 + 1 / 3) / 3),
        ("zero", 1, (3 / 7 + 0 + 1 / 3) / 3),
        ("skip", 1, (3 / 7 + 1 / 3) / 2),
        ("count", 0, (3 / 4 + 1 + 1 / 2) / 3),
    ],
)
def test_an_absent_class_counts_or_is_0_or_is_left_out(absent, smooth, expected):
    _close(DiceLoss(smooth=smooth, absent=absent)(CLASS_LOGITS, CLASSES), expected)


def test_in_float32_the_errors_of_a_large_image_keep_their_digits():
    logits = torch.full((1, 1, 2048, 2048), -20.0)  # 2e-9 of each of 2 million pixels: 0.004 pixels
    logits[..., :1024, :] = 200.0
    target = logits[:, 0] > 0
    expected = 2 * 1024**2 * math.exp(-20) / (2 * 1024**2 + 1)
    assert JaccardLoss()(logits, target).item() == pytest.approx(expected, rel=1e-5)


def test_absent_is_one_of_four_words():
    with pytest.raises(OptionError, match="absent must be one of auto, count, zero, skip; got 'present'"):
        JaccardLoss(absent="present")


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (TverskyLoss, {"alpha": -0.1}, "alpha must be a finite number >= 0"),
        (TverskyLoss, {"beta": float("inf")}, "beta must be a finite number >= 0"),
        (FocalTverskyLoss, {"gamma": 0}, "gamma must be a finite number > 0, got 0"),
        (FocalTverskyLoss, {"alpha": -1}, "alpha must be a finite number >= 0"),
        (FocalTverskyLoss, {"beta": -1}, "beta must be a finite number >= 0"),
    ],
)
def test_weights_and_powers_outside_their_range_are_refused(make, options, message):
    with pytest.raises(OptionError, match=message):
        make(**options)
