"""Nothing to count, no image, certainty, huge logits and half precision: losses and gradients stay right."""

from math import log, sqrt

import pytest
import torch
from loss_cases import case_example, every_case, with_option

from unetzoo.assembly import create_loss


@every_case
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_where_nothing_counts_loss_and_gradient_are_zero(expression, mode, dtype):
    logits, target = case_example(mode, dtype=torch.float32)
    logits = logits.to(dtype).requires_grad_()
    loss = create_loss(expression, ignore_index=255)(logits, torch.full_like(target, 255))
    loss.backward()
    assert loss == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


@every_case
def test_a_batch_of_no_images_has_no_loss(expression, mode):
    assert create_loss(expression)(*case_example(mode, (0, 4, 5))) == 0


@every_case
@pytest.mark.parametrize("ignore_index", [None, 255])
def test_an_empty_mask_has_a_finite_loss_and_gradient(expression, mode, ignore_index):
    logits, target = case_example(mode)
    loss = create_loss(expression, ignore_index=ignore_index)(logits.requires_grad_(), torch.zeros_like(target))
    loss.backward()
    assert loss.isfinite()
    assert logits.grad.isfinite().all()


@every_case
@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_extreme_logits_have_a_finite_loss_and_gradient(expression, mode, scale):
    logits, target = case_example(mode, dtype=torch.float32)
    logits = (logits * scale).requires_grad_()
    loss = create_loss(expression)(logits, target)
    loss.backward()
    assert loss.isfinite()
    assert logits.grad.isfinite().all()


# Every logit is 0 and every pixel foreground, so that p = 1/2 for a mask and 1/3 for one of three classes;
# n is the number of pixels, 4,194,304.
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    ("expression", "classes", "expected"),
    [
        ("bce", 1, lambda n: log(2)),
        ("ce", 3, lambda n: log(3)),
        ("focal", 1, lambda n: log(2) / 4),
        ("focal", 3, lambda n: log(3) * 4 / 9),
        ("dice", 1, lambda n: 1 - (n + 1) / (1.5 * n + 1)),
        ("dice(squared=True)", 1, lambda n: 1 - (n + 1) / (1.25 * n + 1)),
        ("dice(smooth=0)", 3, lambda n: 1 - 2 / 3 / (1 / 3 + 1)),
        ("jaccard", 1, lambda n: 1 - (n / 2 + 1) / (n + 1)),
        ("tversky", 1, lambda n: 1 - (n / 2 + 1) / (n / 2 + 0.7 * n / 2 + 1)),
        ("focal_tversky(smooth=0)", 3, lambda n: (0.7 * 2 / 3 / (1 / 3 + 0.7 * 2 / 3)) ** 0.75),
        ("generalized_dice", 1, lambda n: 1 - (n + 1) / (1.5 * n + 1)),
        ("mcc", 1, lambda n: 1 - 1 / sqrt(n + 1)),
        ("lovasz", 1, lambda n: 1),
        ("lovasz", 3, lambda n: 2 / 3),
        ("soft_bce", 1, lambda n: log(2)),
        ("soft_ce", 3, lambda n: log(3)),
        ("ohem_ce", 3, lambda n: log(3)),
        ("poly", 3, lambda n: log(3) + 2 / 3),
        # 0.7 log 2, and as regions 1 for the background, that is absent, and 0.7 / 1.7 to the power of 1/2
        ("unified_focal(smooth=1e-3)", 1, lambda n: (0.7 * log(2) + (1 + sqrt(0.7 / 1.7)) / 2) / 2),
    ],
)
def test_half_precision_is_exact_enough_for_2048_pixels_squared(dtype, expression, classes, expected):
    logits = torch.zeros(1, classes, 2048, 2048, dtype=dtype, requires_grad=True)
    loss = create_loss(expression)(logits, torch.ones(1, 2048, 2048, dtype=torch.uint8))
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(expected(2048**2), rel=1e-5)
    assert logits.grad.dtype == dtype
    assert logits.grad.isfinite().all()


@every_case
def test_probabilities_of_0_and_1_have_a_finite_loss_and_gradient(expression, mode):
    logits, target = case_example(mode)
    loss = create_loss(with_option(expression, "from_logits=False"))
    for certain in ((logits == logits.amax(1, keepdim=True)).double(), (logits > 0).double()):
        value = loss(certain.requires_grad_(), target)
        value.backward()
        assert value.isfinite()
        assert certain.grad.isfinite().all()
