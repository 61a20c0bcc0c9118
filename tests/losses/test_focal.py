from math import log

import pytest
import torch
from segmentation_models_pytorch.losses import FocalLoss as PeerFocalLoss
from segmentation_models_pytorch.losses._functional import softmax_focal_loss_with_logits
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.errors import OptionError
from unetzoo.losses.cross_entropy import BCELoss, CrossEntropyLoss
from unetzoo.losses.focal import FocalLoss, PolyLoss

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


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (log(2) + 1 / 2 + log(4) + 3 / 4) / 2),
        ({"epsilon": -1}, (log(2) - 1 / 2 + log(4) - 3 / 4) / 2),
        ({"epsilon": 3, "ignore_index": 1}, log(4) + 3 * 3 / 4),
        # the targets become 0.9 and 0.1
        (
            {"epsilon": 2, "label_smoothing": 0.2},
            (log(2) + 2 * (1 / 2) + 0.1 * log(4 / 3) + 0.9 * log(4) + 2 * (0.1 * (1 / 4) + 0.9 * (3 / 4))) / 2,
        ),
    ],
)
def test_poly_of_two_pixels_of_a_mask(options, expected):
    _close(PolyLoss(**options)(MASK_LOGITS, MASK), expected)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (log(6) + 5 / 6 + log(2) + 1 / 2) / 2),
        ({"epsilon": 2, "class_weights": [3.0, 1.0, 1.0]}, (3 * (log(6) + 2 * 5 / 6) + log(2) + 2 * 1 / 2) / (3 + 1)),
    ],
)
def test_poly_of_two_pixels_of_classes(options, expected):
    _close(PolyLoss(**options)(CLASS_LOGITS, CLASSES), expected)


def test_poly_with_smoothed_labels_is_the_program_of_the_paper(random):
    logits, ids, _ = random
    smooth = F.one_hot(ids, 3).movedim(3, 1) * (1 - 0.1) + 0.1 / 3
    missing = (smooth * (1 - logits.softmax(1))).sum(1)
    expected = (F.cross_entropy(logits, ids, label_smoothing=0.1, reduction="none") + 2 * missing).mean()
    _close(PolyLoss(epsilon=2, label_smoothing=0.1)(logits, ids), expected)


def test_poly_without_its_term_is_cross_entropy(random):
    logits, ids, masks = random
    _close(PolyLoss(epsilon=0)(logits, ids), CrossEntropyLoss()(logits, ids))
    _close(PolyLoss(epsilon=0)(logits, masks), BCELoss()(logits, masks))


@pytest.mark.parametrize("epsilon", [-1.5, float("inf"), "1"])
def test_poly_wants_an_epsilon_with_which_it_is_not_negative(epsilon):
    with pytest.raises(OptionError, match="epsilon must be a finite number >= -1, got"):
        PolyLoss(epsilon=epsilon)


def test_class_weights_weigh_the_focal_losses_of_the_pixels():
    # as above: (5/6)^2 log 6 for class 0, (1/2)^2 log 2 for class 2
    expected = (2 * (5 / 6) ** 2 * log(6) + 6 * (1 / 2) ** 2 * log(2)) / (2 + 6)
    _close(FocalLoss(class_weights=[2.0, 1.0, 6.0])(CLASS_LOGITS, CLASSES), expected)
