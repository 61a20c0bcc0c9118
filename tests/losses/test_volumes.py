"""Losses and metrics of volumes are those of an image with the same pixels."""

import pytest
import torch

import unetzoo
from unetzoo.losses.target import make_pair

BINARY = (
    "bce",
    "focal",
    "dice",
    "jaccard",
    "tversky",
    "focal_tversky",
    "generalized_dice",
    "mcc",
    "lovasz",
    "soft_bce",
)
MULTICLASS = ("ce", "focal", "dice", "mcc", "lovasz", "soft_ce", "ohem_ce", "poly", "unified_focal")
CASES = [
    *((name, 1, "binary") for name in BINARY),
    *((name, 3, "multiclass") for name in MULTICLASS),
    *((name, 3, "multilabel") for name in ("bce", "dice", "lovasz")),
]


def _volume(classes, mode):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, classes, 3, 4, 5, generator=generator, requires_grad=True)
    shape = (2, classes, 3, 4, 5) if mode == "multilabel" else (2, 3, 4, 5)
    return logits, torch.randint(0, max(2, classes) if mode == "multiclass" else 2, shape, generator=generator)


def _as_image(values):
    return values.flatten(-3, -2)


@pytest.mark.parametrize("ignore_index", [None, 1])
@pytest.mark.parametrize(("name", "classes", "mode"), CASES, ids=str)
def test_value_and_gradient_are_those_of_the_slices_below_one_another(name, classes, mode, ignore_index):
    loss = unetzoo.create_loss(name, ignore_index=ignore_index)
    logits, target = _volume(classes, mode)
    own, expected = loss(logits, target), loss(_as_image(logits), _as_image(target))
    torch.testing.assert_close(own, expected)
    gradients = [torch.autograd.grad(value, logits)[0] for value in (own, expected)]
    torch.testing.assert_close(*gradients)


def test_an_output_of_low_resolution_compares_with_the_middle_voxels():
    logits, target = torch.randn(1, 3, 2, 2, 3), torch.randint(0, 3, (1, 4, 4, 9))
    loss = unetzoo.create_loss("ce")
    small = target[:, 1::2, 1::2, 2::4]  # the middle of the last block lies beyond the border
    assert loss([logits], target) == loss(logits[..., :2], small)


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 5, 4), (2, 1, 3, 4, 5)])
def test_a_target_of_another_shape_is_refused(shape):
    with pytest.raises(unetzoo.TargetError, match="does not fit"):
        unetzoo.create_loss("ce")(torch.randn(2, 3, 3, 4, 5), torch.zeros(shape, dtype=torch.long))


def test_what_looks_at_neighbors_in_an_image_refuses_a_volume():
    with pytest.raises(unetzoo.TargetError, match=r"for images: logits must be \(b, k, h, w\), got \(2, 3, 3, 4, 5\)"):
        make_pair(torch.randn(2, 3, 3, 4, 5), torch.zeros(2, 3, 4, 5, dtype=torch.long), None)


@pytest.mark.parametrize(("classes", "mode"), [(1, "binary"), (3, "multiclass"), (3, "multilabel")])
@pytest.mark.parametrize("depth", [1, 3])
def test_metrics_count_voxels(classes, mode, depth):
    logits, target = _volume(classes, mode)
    logits = logits.detach()[:, :, :depth]
    target = target[:, :, :depth] if mode == "multilabel" else target[:, :depth]
    for name in ("iou", "dice", "accuracy"):
        metrics = [unetzoo.create_metric(name, classes=classes, multilabel=mode == "multilabel") for _ in range(2)]
        metrics[0].update(logits, target)
        metrics[1].update(_as_image(logits), _as_image(target))
        assert metrics[0].compute() == metrics[1].compute()
