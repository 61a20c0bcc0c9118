from math import log

import pytest
import torch
from loss_examples import assert_same, example, monai_losses
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.errors import OptionError
from unetzoo.losses.generalized_dice import GeneralizedDiceLoss
from unetzoo.losses.overlap import DiceLoss

# the softmax of (0, ln 2, ln 3) is (1/6, 1/3, 1/2); three pixels, of the classes 0, 2 and 2
LOGITS = torch.tensor([0.0, log(2), log(3)]).reshape(1, 3, 1, 1).expand(1, 3, 1, 3)
IDS = torch.tensor([[[0, 2, 2]]])
# sum p is 1/2, 1 and 3/2; TP is 1/6, 0 and 1; pixels are 1, 0 and 2


def _expected(weights, smooth):
    """1 - the ratio, of weights with a sum of 1."""
    weights = [weight / sum(weights) for weight in weights]
    right = 2 * (weights[0] * 1 / 6 + weights[2] * 1)
    size = weights[0] * (1 / 2 + 1) + weights[1] * 1 + weights[2] * (3 / 2 + 2)
    return 1 - (right + smooth) / (size + smooth)


@pytest.mark.parametrize(
    ("options", "weights"),
    [
        ({}, [1, 1, 1 / 4]),  # the absent class 1 has the weight of the rarest
        ({"weights": "simple"}, [1, 1, 1 / 2]),
        ({"weights": "uniform"}, [1, 1, 1]),
        ({"class_weights": [2.0, 0.0, 1.0]}, [2, 0, 1 / 4]),
    ],
)
@pytest.mark.parametrize("smooth", [0.0, 1.0])
def test_generalized_dice_of_three_pixels(options, weights, smooth):
    actual = GeneralizedDiceLoss(smooth=smooth, **options)(LOGITS, IDS)
    assert actual.item() == pytest.approx(_expected(weights, smooth), rel=1e-6)


@pytest.mark.parametrize("mode", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("kind", ["random", "one class", "one class absent"])
@pytest.mark.parametrize("weights", ["square", "simple", "uniform"])
@pytest.mark.parametrize("per_image", [True, False])
def test_it_is_that_of_monai(mode, kind, weights, per_image):
    logits, target, _ = example(mode, kind)
    masks = F.one_hot(target, 3).movedim(3, 1) if mode == "multiclass" else target.reshape(logits.shape)
    activation = {"softmax": True} if mode == "multiclass" else {"sigmoid": True}
    peer = monai_losses().GeneralizedDiceLoss(
        w_type=weights, batch=not per_image, smooth_nr=0, smooth_dr=0, **activation
    )
    ours = GeneralizedDiceLoss(weights=weights, smooth=0, per_image=per_image)
    assert_same(lambda scores: ours(scores, target), lambda scores: peer(scores, masks.double()), logits)


def test_its_smooth_counts_pixels_whatever_their_number_where_that_of_monai_counts_more_in_larger_images():
    logits, ids, _ = example("multiclass")
    masks = F.one_hot(ids, 3).movedim(3, 1).double()
    unscaled = (1 / masks.sum((0, 2, 3)).square()).sum().item()
    ours = GeneralizedDiceLoss(smooth=0.01 / unscaled)
    peer = monai_losses().GeneralizedDiceLoss(softmax=True, batch=True, smooth_nr=0.01, smooth_dr=0.01)
    assert_same(lambda scores: ours(scores, ids), lambda scores: peer(scores, masks), logits)


def test_of_one_class_it_is_dice():
    logits, mask, _ = example("binary")
    torch.testing.assert_close(GeneralizedDiceLoss(smooth=1)(logits, mask), DiceLoss(smooth=1)(logits, mask))


def test_an_empty_mask_without_smooth_has_no_loss_where_monai_gives_nan():
    logits, mask, _ = example("binary", "empty")
    peer = monai_losses().GeneralizedDiceLoss(sigmoid=True, smooth_nr=0, smooth_dr=0)
    assert peer(logits, mask[:, None].double()).isnan()
    assert GeneralizedDiceLoss(smooth=0)(logits, mask) == 0


def test_what_is_predicted_of_an_empty_mask_costs_with_smooth_where_that_of_monai_is_0():
    logits, mask, _ = example("binary", "empty")
    assert monai_losses().GeneralizedDiceLoss(sigmoid=True)(logits, mask[:, None].double()) == 0
    predicted = logits.sigmoid().sum().item()
    assert GeneralizedDiceLoss()(logits, mask).item() == pytest.approx(predicted / (predicted + 1), rel=1e-9)


def test_a_class_in_which_nothing_counts_has_no_weight():
    logits, masks, _ = example("multilabel")
    masks[:, 1] = 255
    expected = GeneralizedDiceLoss()(logits[:, ::2], masks[:, ::2])
    torch.testing.assert_close(GeneralizedDiceLoss(ignore_index=255)(logits, masks), expected)


def test_weights_are_one_of_three_words():
    with pytest.raises(OptionError, match="weights must be one of square, simple, uniform; got 'cube'"):
        GeneralizedDiceLoss(weights="cube")
