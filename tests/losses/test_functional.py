"""Losses inside of `torch.func`, under compilation, and of tensors of other libraries' classes."""

import warnings

import pytest
import torch
from loss_cases import case_example, every_case
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import forward_ad
from torch.func import grad, hessian, jvp, vmap
from torchvision.tv_tensors import Image, Mask

from unetzoo.assembly import create_loss
from unetzoo.errors import TargetError

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # MONAI imports what warns of itself
    from monai.data import MetaTensor

SHAPE = (2, 2, 3)
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:FutureWarning"),  # of torch's own rules for tangents
    pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning"),  # of its rules for batches
]


@pytest.fixture
def prepared(expression, mode):
    """A loss, logits, and three targets."""
    targets = torch.stack([case_example(mode, SHAPE, seed=seed)[1] for seed in range(3)])
    if "per_image" not in expression:  # so that all pixels count elsewhere
        targets[..., 1] = 255
    return create_loss(expression, ignore_index=255), case_example(mode, SHAPE)[0], targets


def _gradient(loss, logits, target):
    scores = logits.detach().clone().requires_grad_()
    return torch.autograd.grad(loss(scores, target), scores)[0]


@every_case
def test_vmap_over_targets_is_the_loss_of_each(expression, mode, prepared):
    loss, logits, targets = prepared
    expected = torch.stack([loss(logits, target) for target in targets])
    torch.testing.assert_close(vmap(lambda target: loss(logits, target))(targets), expected)


@every_case
def test_vmap_over_logits_is_the_loss_of_each(expression, mode, prepared):
    loss, logits, targets = prepared
    several = torch.stack([logits, 2 * logits, -logits])
    expected = torch.stack([loss(one, targets[0]) for one in several])
    torch.testing.assert_close(vmap(lambda one: loss(one, targets[0]))(several), expected)


@every_case
def test_vmap_of_gradients_gives_the_gradient_of_each(expression, mode, prepared):
    loss, logits, targets = prepared
    expected = torch.stack([_gradient(loss, logits, target) for target in targets])
    torch.testing.assert_close(vmap(grad(loss), (None, 0))(logits, targets), expected)
    summed = grad(lambda values: vmap(lambda target: loss(values, target))(targets).sum())(logits)
    torch.testing.assert_close(summed, expected.sum(0))


@every_case
def test_the_hessian_is_that_of_two_backward_passes(expression, mode, prepared):
    loss, logits, targets = prepared
    expected = torch.autograd.functional.hessian(lambda values: loss(values, targets[0]), logits)
    torch.testing.assert_close(hessian(lambda values: loss(values, targets[0]))(logits), expected)


@every_case
def test_tangents_are_carried_forward(expression, mode, prepared):
    loss, logits, targets = prepared
    direction = torch.linspace(-1, 1, logits.numel(), dtype=logits.dtype).reshape(logits.shape)
    expected = (_gradient(loss, logits, targets[0]) * direction).sum()
    _, tangent = jvp(lambda values: loss(values, targets[0]), (logits,), (direction,))
    torch.testing.assert_close(tangent, expected)
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(logits.clone().requires_grad_(), direction)
        torch.testing.assert_close(forward_ad.unpack_dual(loss(dual, targets[0])).tangent, expected)


@every_case
def test_a_batch_of_gradients_passes_backward_at_once(expression, mode, prepared):
    loss, logits, targets = prepared
    expected = _gradient(loss, logits, targets[0])
    scores, factors = logits.clone().requires_grad_(), torch.tensor([1.0, 3.0], dtype=logits.dtype)
    (actual,) = torch.autograd.grad(loss(scores, targets[0]), scores, factors, is_grads_batched=True)
    torch.testing.assert_close(actual, torch.stack([expected, 3 * expected]))


@every_case
@pytest.mark.parametrize(("of_logits", "of_target"), [(MetaTensor, MetaTensor), (Image, Mask)])
def test_tensors_of_other_libraries_count_as_their_values(expression, mode, prepared, of_logits, of_target):
    loss, logits, targets = prepared
    scores = of_logits(logits.clone()).requires_grad_()
    value = loss(scores, of_target(targets[0]))
    assert type(value) is torch.Tensor
    torch.testing.assert_close(value, loss(logits, targets[0]))
    value.backward()
    torch.testing.assert_close(scores.grad.as_subclass(torch.Tensor), _gradient(loss, logits, targets[0]))


def test_the_values_of_tensors_of_other_libraries_are_checked():
    with pytest.raises(TargetError, match="the target holds 7"):
        create_loss("ce")(MetaTensor(torch.zeros(1, 3, 2, 2)), MetaTensor(torch.full((1, 2, 2), 7)))


def test_a_fake_tensor_has_a_fake_loss():
    logits, target = case_example("multiclass")
    with FakeTensorMode() as fake:
        loss = create_loss("ce + focal + dice + lovasz + mcc + ohem_ce + generalized_dice + unified_focal + poly")
        value = loss(fake.from_tensor(logits).requires_grad_(), fake.from_tensor(target))
        value.backward()
    assert value.shape == ()


@pytest.mark.parametrize(
    ("expression", "mode"),
    [
        ("ce(label_smoothing=0.1, class_weights=[0, 1, 2]) + focal + dice + lovasz + ohem_ce", "multiclass"),
        ("poly + generalized_dice + unified_focal + soft_ce + mcc + focal_tversky + jaccard", "multiclass"),
        ("soft_bce + focal(gamma=0.5) + dice(squared=True) + lovasz(per_image=True) + ohem_ce", "multilabel"),
    ],
)
def test_compiled_it_has_the_same_gradient(expression, mode):
    logits, target = case_example(mode)
    target[..., 1] = 255
    loss = create_loss(expression, ignore_index=255)
    torch._dynamo.reset()  # what other tests compiled counts for its limit
    compiled = torch.compile(loss, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(_gradient(compiled, logits, target), _gradient(loss, logits, target))
