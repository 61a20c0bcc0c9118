from math import log, sqrt

import pytest
import torch
from loss_examples import assert_same, example, monai_losses
from segmentation_models_pytorch.losses import MCCLoss as PeerMCCLoss
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.losses.mcc import MCCLoss

# probabilities 1/2, 3/4, 1/4 of a mask of 1, 1, 0: TP = 5/4, FN = 3/4, FP = 1/4, TN = 3/4
LOGITS, MASK = torch.tensor([[[[0.0, log(3), -log(3)]]]]), torch.tensor([[[1, 1, 0]]])


def _one_minus(tp, tn, fp, fn):
    return 1 - (tp * tn - fp * fn) / sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"smooth": 0}, _one_minus(5 / 4, 3 / 4, 1 / 4, 3 / 4)),
        ({}, _one_minus(9 / 4, 7 / 4, 1 / 4, 3 / 4)),
        ({"smooth": 0.1}, _one_minus(1.35, 0.85, 1 / 4, 3 / 4)),
        # without the second pixel: TP = 1/2, FN = 1/2
        ({"smooth": 0, "ignore_index": 255}, _one_minus(1 / 2, 3 / 4, 1 / 4, 1 / 2)),
    ],
)
def test_mcc_of_three_pixels(options, expected):
    mask = MASK.clone()
    if "ignore_index" in options:
        mask[..., 1] = 255
    assert MCCLoss(**options)(LOGITS, mask).item() == pytest.approx(expected, rel=1e-6)


def test_mcc_of_a_wrong_prediction_is_above_1():
    assert MCCLoss(smooth=0)(LOGITS, 1 - MASK).item() == pytest.approx(_one_minus(1 / 4, 3 / 4, 5 / 4, 3 / 4), rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("sign", [1, -1])
def test_of_a_mask_it_is_that_of_smp_without_what_it_adds_and_which_takes_probabilities(seed, sign):
    logits, mask, _ = example("binary", seed=seed)
    ours, peer = MCCLoss(smooth=0), PeerMCCLoss(eps=0)
    logits = (logits + 3 * (2 * mask[:, None] - 1)) * sign  # the coefficient is well above 0, or below
    assert_same(lambda scores: ours(scores, mask), lambda scores: peer(scores.sigmoid(), mask.double()), logits)
    of_probabilities = MCCLoss(smooth=0, from_logits=False)
    assert_same(
        lambda scores: of_probabilities(scores, mask), lambda scores: peer(scores, mask.double()), logits.sigmoid()
    )


@pytest.mark.parametrize("per_image", [True, False])
@pytest.mark.parametrize("mode", ["binary", "multiclass", "multilabel"])
def test_of_classes_it_is_that_of_monai(mode, per_image):
    logits, target, _ = example(mode)
    masks = F.one_hot(target, 3).movedim(3, 1) if mode == "multiclass" else target.reshape(logits.shape)
    activation = {"softmax": True} if mode == "multiclass" else {"sigmoid": True}
    peer = monai_losses().MCCLoss(smooth_dr=0, batch=not per_image, **activation)
    ours = MCCLoss(smooth=0, per_image=per_image)
    assert_same(lambda scores: ours(scores, target), lambda scores: peer(scores, masks.double()), logits)


@pytest.mark.parametrize("value", [0, 1])
def test_a_perfect_prediction_of_an_empty_or_a_full_mask_costs_nothing_where_smp_says_one_half(value):
    target = torch.full((1, 4, 4), value)
    assert MCCLoss()(torch.full((1, 1, 4, 4), 200.0 * (2 * value - 1)), target) == 0
    assert PeerMCCLoss(eps=1e-3)(target.double(), target.double()).item() == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize("value", [0, 1])
def test_without_smooth_an_empty_or_a_full_mask_has_no_loss_where_smp_gives_nan(value):
    logits, target, _ = example("binary")
    target = torch.full_like(target, value)
    loss = MCCLoss(smooth=0)(logits.requires_grad_(), target)
    loss.backward()
    assert loss == 0
    assert not logits.grad.any()
    assert PeerMCCLoss(eps=0)(logits.sigmoid(), target.double()).isnan()


def test_what_is_predicted_of_an_empty_mask_costs_with_smooth():
    # TP = 1, TN = 3/2 + 1, FP = 3/2, FN = 0
    assert MCCLoss()(LOGITS, torch.zeros_like(MASK)).item() == pytest.approx(_one_minus(1, 5 / 2, 3 / 2, 0), rel=1e-6)


def test_a_prediction_of_nothing_has_a_coefficient_of_0():
    assert MCCLoss(smooth=0)(torch.full((1, 1, 1, 3), -1e4), MASK) == 1


def test_in_float32_a_good_prediction_keeps_its_digits():
    logits = torch.full((1, 1, 1000, 1000), -15.0)
    logits[..., :500, :] = 200.0
    mask = logits[:, 0] > 0
    wrong = 500_000 / (1 + torch.tensor(15.0).double().exp().item())  # 0.15 pixels of a million
    expected = _one_minus_small(500_000, wrong)
    assert MCCLoss(smooth=0)(logits, mask).item() == pytest.approx(expected, rel=1e-4)


def _one_minus_small(half, wrong):
    """1 - coefficient of TP = half, TN = half - wrong, FP = wrong, FN = 0: 1 - sqrt(half (half - wrong) / ...)."""
    # (TP TN)^2 / ((TP + FP) TP (TN + FP) TN) = TP TN / ((TP + FP) (TN + FP)), and TN + FP = TP
    ratio = wrong * 2 / (half + wrong)  # 1 - TN / (TP + FP)
    return ratio / (1 + sqrt(1 - ratio))
