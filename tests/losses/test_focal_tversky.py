from math import log

import pytest
import torch
from loss_examples import assert_same, example
from segmentation_models_pytorch.losses import TverskyLoss as PeerTverskyLoss

from unetzoo.losses.overlap import FocalTverskyLoss


def test_focal_tversky_raises_each_class_to_the_power_as_its_paper_and_not_their_mean():
    each = [1 - (1 / 6) / (1 / 6 + 0.3 * 1 / 6 + 0.7 * 5 / 6), 1 - (1 / 2) / (1 / 2 + 0.3 * 1 / 2 + 0.7 * 1 / 2)]
    # the softmax of (0, ln 2, ln 3) is (1/6, 1/3, 1/2); two pixels, of class 0 and class 2
    logits = torch.tensor([0.0, log(2), log(3)]).reshape(1, 3, 1, 1).expand(1, 3, 1, 2)
    loss = FocalTverskyLoss(smooth=0)(logits, torch.tensor([[[0, 2]]]))
    assert loss.item() == pytest.approx((each[0] ** 0.75 + each[1] ** 0.75) / 2, rel=1e-6)


@pytest.mark.parametrize("kind", ["random", "one class", "partly ignored"])
def test_focal_tversky_of_one_class_is_that_of_smp_whose_gamma_is_the_exponent(kind):
    logits, target, ignore_index = example("binary", kind)
    peer = PeerTverskyLoss("binary", alpha=0.3, beta=0.7, gamma=0.75, ignore_index=ignore_index)
    ours = FocalTverskyLoss(smooth=0, ignore_index=ignore_index)
    assert_same(lambda scores: ours(scores, target), lambda scores: peer(scores, target), logits)


@pytest.mark.parametrize("kind", ["empty", "wholly ignored"])
def test_focal_tversky_has_a_finite_gradient_also_where_that_of_smp_is_nan(kind):
    logits, target, ignore_index = example("binary", kind)
    peer = PeerTverskyLoss("binary", gamma=0.75, ignore_index=ignore_index)
    ours = FocalTverskyLoss(absent="zero", ignore_index=ignore_index)
    gradients = []
    for loss in (ours, peer):
        value = loss(logits.requires_grad_(), target)
        assert value < 1e-6
        gradients.append(torch.autograd.grad(value, logits)[0])
    assert not gradients[0].any()
    assert gradients[1].isnan().any()
