import numpy as np
import pytest
import torch
from drawn_objects import drawn, ellipses
from torch.nn import functional as F  # noqa: N812 - the field's name for it

import unetzoo
from unetzoo.objects.boundary import Boundary
from unetzoo.objects.components import Components
from unetzoo.objects.distance import Distance
from unetzoo.objects.flows import Flows
from unetzoo.objects.loss import object_loss
from unetzoo.objects.target import all_maps, make_target
from unetzoo.objects.weighted import Weighted

IDS = ellipses(6, 32)


def _batch(coding, ids=IDS):
    target = torch.from_numpy(make_target(coding, ids))[None]
    channels = target.shape[1] - len(coding.maps)
    logits = torch.randn(1, channels, *ids.shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
    return logits, target


def test_the_weight_map_weights_the_cross_entropy_of_each_pixel():
    logits, target = _batch(Weighted())
    losses = F.binary_cross_entropy_with_logits(logits[:, 0], target[:, 0], reduction="none")
    expected = (losses * target[:, 1]).sum() / target[:, 1].sum()
    torch.testing.assert_close(object_loss(Weighted().maps, unetzoo.create_loss)(logits, target), expected)


def test_distances_are_compared_in_objects_alone():
    logits, target = _batch(Distance())
    inside = target[:, 0] == 1
    parts = object_loss(Distance().maps, unetzoo.create_loss).parts(logits, target)
    for channel, name in ((1, "edge"), (2, "center")):
        torch.testing.assert_close(
            parts[name], F.l1_loss(logits[:, channel].sigmoid()[inside], target[:, channel][inside])
        )


def test_the_foreground_has_bce_and_dice():
    logits, target = _batch(Components())
    expected = unetzoo.create_loss("bce + dice")(logits, target[:, 0])
    torch.testing.assert_close(object_loss(Components().maps, unetzoo.create_loss)(logits, target), expected)


def test_flows_have_half_the_squared_error_of_five_times_the_flow():
    logits, target = _batch(Flows())
    flow = F.mse_loss(5 * logits[:, :2], 5 * target[:, :2]) / 2
    expected = flow + F.binary_cross_entropy_with_logits(logits[:, 2], target[:, 2])
    torch.testing.assert_close(object_loss(Flows().maps, unetzoo.create_loss)(logits, target), expected)


def test_edges_weigh_more_in_the_cross_entropy_of_three_classes():
    logits, target = _batch(Boundary(edge_weight=4))
    classes = target[:, :3].argmax(1)
    ce = F.cross_entropy(logits, classes, torch.tensor([1.0, 1.0, 4.0]))
    expected = ce + unetzoo.create_loss("dice")(logits, classes)
    torch.testing.assert_close(object_loss(Boundary().maps, unetzoo.create_loss)(logits, target), expected)


def test_an_expression_replaces_the_losses_of_masks_and_classes_alone():
    logits, target = _batch(Distance())
    loss = object_loss(Distance().maps, unetzoo.create_loss, expression="2*focal(gamma=1.5)")
    expected = 2 * unetzoo.create_loss("focal(gamma=1.5)")(logits[:, :1], target[:, 0])
    torch.testing.assert_close(loss.parts(logits, target)["foreground"], expected)
    own = object_loss(Distance().maps, unetzoo.create_loss).parts(logits, target)
    torch.testing.assert_close(loss.parts(logits, target)["edge"], own["edge"])


@pytest.mark.parametrize(
    "coding", [Components(), Weighted(), Boundary(), Distance(), Flows()], ids=lambda c: type(c).__name__
)
def test_unknown_pixels_have_no_gradient(coding):
    ids = IDS.copy()
    ids[:, 20:] = -1
    logits, target = _batch(coding, ids)
    object_loss(coding.maps, unetzoo.create_loss)(logits, target).backward()
    assert not logits.grad[..., 20:].any()
    assert logits.grad[..., :20].any()


@pytest.mark.parametrize(
    "coding", [Components(), Weighted(), Boundary(), Distance(), Flows()], ids=lambda c: type(c).__name__
)
def test_crops_in_which_all_or_nothing_is_known_have_a_finite_loss(coding):
    for value in (-1, 0, 1):
        logits, target = _batch(coding, np.full((16, 16), value))
        loss = object_loss(coding.maps, unetzoo.create_loss)(logits, target)
        loss.backward()
        assert loss.isfinite()
        assert logits.grad.isfinite().all()


def test_smaller_outputs_meet_the_middle_of_each_block():
    logits, target = _batch(Flows())
    small = logits[..., ::2, ::2].detach()
    loss = object_loss(Flows().maps, unetzoo.create_loss, output_weights=(1, 3))
    alone = object_loss(Flows().maps, unetzoo.create_loss)
    expected = (alone(small, target[..., 1::2, 1::2]) + 3 * alone(logits, target)) / 4
    torch.testing.assert_close(loss([small, logits], target), expected)


def test_classes_of_objects_count_in_objects_alone():
    ids, classes = drawn("11.2", "11.2"), drawn("1100", "1111")
    maps = all_maps(Components(), ("round", "long"))
    target = torch.from_numpy(make_target(Components(), ids, classes, 2))[None]
    logits = torch.randn(1, 3, 2, 4)
    inside = torch.from_numpy(ids > 0)[None]
    labels = torch.from_numpy(classes)[None][inside]
    expected = F.cross_entropy(logits[:, 1:].movedim(1, -1)[inside], labels)
    torch.testing.assert_close(object_loss(maps, unetzoo.create_loss).parts(logits, target)["class"], expected)


def test_a_loss_that_does_not_suit_a_map_is_refused():
    with pytest.raises(
        unetzoo.OptionError, match="ce needs a map of activation softmax; 'foreground' has sigmoid, use bce"
    ):
        object_loss(Components().maps, unetzoo.create_loss, expression="ce")


@pytest.mark.parametrize("shape", [(1, 2, 32, 31), (1, 3, 32, 32), (2, 2, 32, 32), (1, 32, 32)])
def test_a_target_that_does_not_fit_is_refused(shape):
    with pytest.raises(unetzoo.TargetError, match=r"must be \(b, 2, h, w\), as make_target gives it"):
        object_loss(Components().maps, unetzoo.create_loss)(torch.zeros(1, 1, 32, 32), torch.zeros(shape))
