from math import log, sqrt

import pytest
import torch
from loss_examples import assert_same, example, monai_losses

from unetzoo.errors import OptionError
from unetzoo.losses.unified_focal import UnifiedFocalLoss

# sigmoid(0) = 1/2 and sigmoid(ln 3) = 3/4
MASK_LOGITS, MASK = torch.tensor([[[[0.0, log(3)]]]]), torch.tensor([[[1, 0]]])


def _both(probability):
    """Those of background and foreground, as MONAI takes them."""
    return torch.cat([1 - probability, probability], dim=1)


def test_unified_focal_of_two_pixels_of_a_mask():
    pixels = (0.7 * log(2) + 0.3 * sqrt(3 / 4) * log(4)) / 2
    # TP = 1/2, FN = 1/2, FP = 3/4 of the foreground; 1/4, 3/4 and 1/2 of the background
    foreground = 1 - (1 / 2 + 1) / (1 / 2 + 0.7 * 1 / 2 + 0.3 * 3 / 4 + 1)
    background = 1 - (1 / 4 + 1) / (1 / 4 + 0.7 * 3 / 4 + 0.3 * 1 / 2 + 1)
    expected = 0.4 * pixels + 0.6 * (background + sqrt(foreground)) / 2
    assert UnifiedFocalLoss(weight=0.4)(MASK_LOGITS, MASK).item() == pytest.approx(expected, rel=1e-6)


def test_of_classes_the_first_is_the_background_and_all_others_are_foregrounds():
    # the softmax of (0, ln 2, ln 3) is (1/6, 1/3, 1/2); three pixels, one of each class
    logits = torch.tensor([0.0, log(2), log(3)]).reshape(1, 3, 1, 1).expand(1, 3, 1, 3)
    pixels = (0.3 * sqrt(5 / 6) * log(6) + 0.7 * log(3) + 0.7 * log(2)) / 3
    indices = [(p + 1) / (p + 0.7 * (1 - p) + 0.3 * 2 * p + 1) for p in (1 / 6, 1 / 3, 1 / 2)]
    regions = (1 - indices[0] + sqrt(1 - indices[1]) + sqrt(1 - indices[2])) / 3
    actual = UnifiedFocalLoss()(logits, torch.tensor([[[0, 1, 2]]]))
    assert actual.item() == pytest.approx((pixels + regions) / 2, rel=1e-6)


@pytest.mark.parametrize("kind", ["random", "empty", "one class"])
@pytest.mark.parametrize("options", [{}, {"weight": 0.3, "delta": 0.6, "gamma": 0.2}])
def test_of_a_mask_it_is_that_of_monai_which_takes_probabilities(kind, options):
    logits, mask, _ = example("binary", kind)
    peer = monai_losses().AsymmetricUnifiedFocalLoss(**options)
    ours = UnifiedFocalLoss(smooth=1e-7, per_image=True, **options)
    masks = torch.cat([1 - mask[:, None], mask[:, None]], dim=1)
    assert_same(lambda scores: ours(scores, mask), lambda scores: peer(_both(scores.sigmoid()), masks), logits)


@pytest.mark.parametrize("kind", ["random", "one class"])
def test_of_two_classes_it_is_that_of_monai(kind):
    logits, mask, _ = example("binary", kind)
    logits = torch.cat([logits, logits.flip(0)], dim=1)
    peer = monai_losses().AsymmetricUnifiedFocalLoss()
    ours = UnifiedFocalLoss(smooth=1e-7, per_image=True)
    masks = torch.cat([1 - mask[:, None], mask[:, None]], dim=1)
    assert_same(lambda scores: ours(scores, mask), lambda scores: peer(scores.softmax(1), masks), logits)


def test_of_several_masks_it_is_the_mean_of_their_losses():
    logits, masks, _ = example("multilabel")
    each = [UnifiedFocalLoss()(logits[:, [index]], masks[:, [index]]) for index in range(3)]
    torch.testing.assert_close(UnifiedFocalLoss()(logits, masks), torch.stack(each).mean())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight": 1.1}, "weight must be a finite number >= 0 and <= 1, got 1.1"),
        ({"delta": -0.1}, "delta must be a finite number >= 0 and <= 1, got -0.1"),
        ({"gamma": 1}, "gamma must be a finite number >= 0 and < 1, got 1"),
        ({"smooth": -1}, "smooth must be a finite number >= 0"),
    ],
)
def test_options_outside_their_range_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        UnifiedFocalLoss(**options)
