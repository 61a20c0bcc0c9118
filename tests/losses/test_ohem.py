import math

import numpy as np
import pytest
import torch
from loss_examples import example
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.errors import OptionError
from unetzoo.losses.cross_entropy import BCELoss, CrossEntropyLoss
from unetzoo.losses.ohem import OHEMCrossEntropyLoss, hardest

# four pixels of one mask with probabilities of the truth 0.9, 0.8, 0.6 and 0.2
P = torch.tensor([0.9, 0.8, 0.6, 0.2], dtype=torch.float64)
LOGITS, MASK = torch.logit(P).reshape(1, 1, 2, 2), torch.ones(1, 2, 2).long()
CE = [-math.log(p) for p in P.tolist()]


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"threshold": 0.7, "min_kept": 0}, [2, 3]),
        ({"threshold": 0.1, "min_kept": 0.25}, [3]),
        ({"threshold": 0.1, "min_kept": 0.26}, [2, 3]),  # rounded up
        ({"threshold": 0.7, "min_kept": 0.75}, [1, 2, 3]),
        ({"threshold": 1, "min_kept": 0}, [0, 1, 2, 3]),
        ({"min_kept": 1}, [0, 1, 2, 3]),
    ],
)
def test_the_mean_is_that_of_the_hard_pixels(options, kept):
    expected = sum(CE[index] for index in kept) / len(kept)
    assert OHEMCrossEntropyLoss(**options)(LOGITS, MASK).item() == pytest.approx(expected, rel=1e-9)


def test_without_a_hard_pixel_and_without_a_smallest_number_there_is_no_loss():
    assert OHEMCrossEntropyLoss(threshold=0.1, min_kept=0)(LOGITS, MASK) == 0


def test_an_easy_pixel_has_no_gradient():
    logits = LOGITS.clone().requires_grad_()
    OHEMCrossEntropyLoss()(logits, MASK).backward()
    assert logits.grad.flatten().bool().tolist() == [False, False, True, True]


@pytest.mark.parametrize("part", [0.1, 0.5])
@pytest.mark.parametrize("ignored", [False, True])
def test_of_classes_it_is_what_sorting_their_cross_entropies_says(part, ignored):
    logits, ids, _ = example("multiclass", "partly ignored" if ignored else "random")
    each = F.cross_entropy(logits, ids, ignore_index=255, reduction="none")[ids != 255].numpy()
    falling = np.sort(each)[::-1]
    kept = max(math.ceil(part * len(each)), int((each > -math.log(0.05)).sum()))
    loss = OHEMCrossEntropyLoss(threshold=0.05, min_kept=part, ignore_index=255)
    assert loss(logits, ids).item() == pytest.approx(falling[:kept].mean(), rel=1e-9)


def test_pixels_are_chosen_in_the_batch_or_in_each_image():
    logits = torch.cat([LOGITS, LOGITS + 4])  # the second image is easier
    masks = MASK.expand(2, 2, 2)
    second = F.softplus(-(LOGITS.flatten() + 4)).sort(descending=True).values
    options = {"threshold": 1e-3, "min_kept": 0.25}
    of_batch = OHEMCrossEntropyLoss(**options)(logits, masks).item()
    assert of_batch == pytest.approx((CE[3] + CE[2]) / 2, rel=1e-9)
    apart = OHEMCrossEntropyLoss(per_image=True, **options)(logits, masks).item()
    assert apart == pytest.approx((CE[3] + second[0].item()) / 2, rel=1e-9)


def test_pixels_as_hard_as_the_last_are_kept_too():
    assert hardest(torch.tensor([[1.0, 3.0, 1.0, 0.5]]), threshold=9, part=0.5).tolist() == [[True, True, True, False]]


def test_what_does_not_count_is_no_part_of_the_number_that_is_kept():
    losses = torch.tensor([[1.0, 3.0, -1.0, -1.0], [-1.0, -1.0, -1.0, 2.0]])
    assert hardest(losses, threshold=9, part=0.5).tolist() == [[False, True, False, False], [False, False, False, True]]


def test_where_all_pixels_are_kept_it_is_cross_entropy_with_all_its_options():
    logits, ids, _ = example("multiclass", "partly ignored")
    options = {"class_weights": [1.0, 2.0, 5.0], "ignore_index": 255}
    actual = OHEMCrossEntropyLoss(min_kept=1, **options)(logits, ids)
    torch.testing.assert_close(actual, CrossEntropyLoss(**options)(logits, ids))
    logits, masks, _ = example("multilabel")
    actual = OHEMCrossEntropyLoss(min_kept=1, label_smoothing=0.1)(logits, masks)
    torch.testing.assert_close(actual, BCELoss(label_smoothing=0.1)(logits, masks))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 0}, "threshold must be a finite number > 0 and <= 1, got 0"),
        ({"threshold": 1.5}, "threshold must be a finite number > 0 and <= 1"),
        ({"min_kept": 100_000}, "min_kept must be a finite number >= 0 and <= 1, got 100000"),
    ],
)
def test_options_outside_their_range_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        OHEMCrossEntropyLoss(**options)
