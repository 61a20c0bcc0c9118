import numpy as np
import pytest
import torch

from unetzoo.errors import OptionError
from unetzoo.losses.checks import as_weights, weights_for
from unetzoo.losses.cross_entropy import BCELoss, CrossEntropyLoss
from unetzoo.losses.focal import FocalLoss
from unetzoo.losses.overlap import DiceLoss

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("weights", [[1, 3], (1.0, 3.0), torch.tensor([1, 3]), np.array([1.0, 3.0])])
def test_weights_may_come_as_any_sequence_of_numbers(weights):
    assert torch.equal(as_weights("class_weights", weights), torch.tensor([1.0, 3.0]))


def test_weights_are_a_copy():
    weights = torch.ones(2)
    copied = as_weights("class_weights", weights)
    weights.zero_()
    assert copied.tolist() == [1, 1]


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [1, NAN], [1, INF], [[1, 2]], 3.0, "ab", [1, "a"], {"a": 1}])
def test_other_weights_are_refused_by_value(weights):
    with pytest.raises(OptionError, match="class_weights must be finite numbers >= 0, one for each class") as caught:
        CrossEntropyLoss(class_weights=weights)
    assert str(caught.value).endswith(f"got {weights!r}")


def test_weights_take_the_dtype_of_the_logits_and_must_be_as_many_as_its_classes():
    weights = torch.tensor([1.0, 2.0])
    assert weights_for(torch.zeros(1, 2, 3, 3, dtype=torch.float64), "class_weights", weights).dtype == torch.float64
    with pytest.raises(OptionError, match=r"each of the 3 classes of logits \(1, 3, 4, 4\), but has 2"):
        weights_for(torch.zeros(1, 3, 4, 4), "class_weights", weights)


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (BCELoss, {"label_smoothing": 1.0}, r"label_smoothing must be a finite number >= 0 and < 1, got 1\.0"),
        (BCELoss, {"pos_weight": -1.0}, r"pos_weight must be finite numbers >= 0"),
        (
            CrossEntropyLoss,
            {"label_smoothing": -0.1},
            r"label_smoothing must be a finite number >= 0 and < 1, got -0\.1",
        ),
        (CrossEntropyLoss, {"label_smoothing": NAN}, r"label_smoothing must be a finite number >= 0 and < 1, got nan"),
        (FocalLoss, {"gamma": -1}, r"gamma must be a finite number >= 0, got -1"),
        (FocalLoss, {"gamma": "2"}, r"gamma must be a finite number >= 0, got '2'"),
        (FocalLoss, {"alpha": 1.5}, r"alpha must be a number in \[0, 1\], or one weight for each class; got 1\.5"),
        (FocalLoss, {"alpha": NAN}, r"alpha must be a number in \[0, 1\]"),
        (DiceLoss, {"smooth": -1}, r"smooth must be a finite number >= 0, got -1"),
        (DiceLoss, {"smooth": True}, r"smooth must be a finite number >= 0, got True"),
        (DiceLoss, {"per_image": 1}, r"per_image must be True or False, got 1"),
        (DiceLoss, {"squared": "yes"}, r"squared must be True or False, got 'yes'"),
    ],
)
def test_an_option_outside_its_range_is_refused_by_value(make, options, message):
    with pytest.raises(OptionError, match=message):
        make(**options)


@pytest.mark.parametrize("make", [BCELoss, CrossEntropyLoss, FocalLoss, DiceLoss])
@pytest.mark.parametrize("ignore_index", [255.0, True, "255"])
def test_every_loss_wants_a_whole_number_as_ignore_index(make, ignore_index):
    with pytest.raises(OptionError, match="ignore_index must be a whole number or None"):
        make(ignore_index=ignore_index)
