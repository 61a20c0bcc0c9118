"""What every loss promises, in every mode that it takes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_cases import CASES, CLASSES, case_example, every_case
from sweeps import sweep

from unetzoo.assembly import create_loss
from unetzoo.catalog import describe, list_losses


def test_every_loss_has_a_case():
    ours = {name for name in list_losses() if describe("loss", name).provider.startswith("unetzoo ")}
    assert {expression.partition("(")[0] for expression, _ in CASES} == ours


@every_case
@pytest.mark.parametrize("ignore_index", [None, 255])
def test_the_gradient_is_that_of_finite_differences(expression, mode, ignore_index):
    logits, target = case_example(mode, (2, 2, 3))
    if ignore_index is not None:
        target[..., 1] = ignore_index
    loss = create_loss(expression, ignore_index=ignore_index)
    assert torch.autograd.gradcheck(lambda values: loss(values, target), logits.requires_grad_(), fast_mode=False)


@every_case
def test_the_second_derivative_is_that_of_finite_differences(expression, mode):
    logits, target = case_example(mode, (2, 2, 3))
    target[..., 1] = 255
    loss = create_loss(expression, ignore_index=255)
    assert torch.autograd.gradgradcheck(lambda values: loss(values, target), logits.requires_grad_())


@every_case
def test_the_functional_gradient_is_that_of_the_backward_pass(expression, mode):
    logits, target = case_example(mode)
    loss = create_loss(expression)
    functional = torch.func.grad(lambda values: loss(values, target))(logits)
    torch.testing.assert_close(functional, torch.autograd.grad(loss(logits.requires_grad_(), target), logits)[0])


# in maps of the logits' size, 8 bytes an element, beside the logits and the target; masks as bytes are an eighth
@pytest.mark.parametrize(
    ("expression", "mode", "maps"),
    [
        ("bce", "binary", 1),  # the mask as numbers
        ("ce", "multiclass", 1),  # the probabilities, as torch keeps their logarithms
        ("ce(label_smoothing=0.1)", "multiclass", 1),
        ("dice", "binary", 2),  # the mask as numbers, and the probabilities
        ("dice", "multiclass", 1 + 1 / 8),
        ("generalized_dice", "multiclass", 1 + 1 / 8),
    ],
)
def test_few_maps_are_kept_for_the_backward_pass(expression, mode, maps):
    logits, target = case_example(mode, (2, 16, 16))
    logits.requires_grad_()
    inputs = {tensor.untyped_storage().data_ptr() for tensor in (logits, target)}
    saved = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in inputs:
            saved[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        create_loss(expression)(logits, target)
    count = sum(storage.nbytes() for storage in saved.values()) / (8 * logits.numel())
    assert count == pytest.approx(maps, abs=0.1)


@every_case
def test_ignored_pixels_count_as_much_as_pixels_that_are_not_there(expression, mode):
    logits, target = case_example(mode, (1, 4, 6))
    target[..., 2:4] = 255
    counted = torch.tensor([0, 1, 4, 5])
    loss = create_loss(expression, ignore_index=255)
    torch.testing.assert_close(
        loss(logits, target), create_loss(expression)(logits[..., counted], target[..., counted])
    )


@every_case
def test_the_gradient_of_an_ignored_pixel_is_zero(expression, mode):
    logits, target = case_example(mode)
    target[..., 2] = 255
    create_loss(expression, ignore_index=255)(logits.requires_grad_(), target).backward()
    assert not logits.grad[..., 2].any()
    assert logits.grad[..., [0, 1, 3, 4]].any()


@every_case
@given(seed=st.integers(0, 2**32), scale=st.floats(0, 50))
@settings(max_examples=10, deadline=None)
def test_it_is_never_negative(expression, mode, seed, scale):
    logits, target = case_example(mode, seed=seed, dtype=torch.float32)
    assert create_loss(expression)(logits * scale, target) >= 0


@every_case
@given(seed=st.integers(0, 2**32))
@settings(max_examples=5, deadline=None)
def test_the_order_of_pixels_does_not_matter(expression, mode, seed):
    logits, target = case_example(mode, seed=seed)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(seed))

    def permuted(values):
        return values.flatten(-2)[..., order].unflatten(-1, (4, 5))

    loss = create_loss(expression)
    torch.testing.assert_close(loss(permuted(logits), permuted(target)), loss(logits, target))


@pytest.mark.parametrize(("expression", "mode"), [case for case in CASES if "label_smoothing" not in case[0]])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=5, deadline=None)
def test_a_perfect_prediction_costs_nearly_nothing_and_its_opposite_much(expression, mode, seed):
    _, target = case_example(mode, seed=seed)
    masks = torch.nn.functional.one_hot(target, 3).movedim(3, 1) if mode == "multiclass" else target
    logits = (masks.reshape(2, CLASSES[mode], 4, 5) * 2.0 - 1) * 60
    loss = create_loss(expression)
    assert loss(logits, target) < 1e-9
    assert loss(-logits, target) > 0.5


@pytest.mark.parametrize(
    ("expression", "mode"),
    [case for case in CASES if case[1] != "binary" and "[" not in case[0] and case[0][:7] != "unified"],
)
def test_the_order_of_classes_does_not_matter(expression, mode):
    logits, target = case_example(mode)
    order = torch.tensor([2, 0, 1])
    permuted = target[:, order] if mode == "multilabel" else order.argsort()[target]
    loss = create_loss(expression)
    torch.testing.assert_close(loss(logits[:, order], permuted), loss(logits, target))


@every_case
def test_autocast_changes_nothing(expression, mode):
    logits, target = case_example(mode, dtype=torch.bfloat16)
    loss = create_loss(expression)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = loss(logits, target)
    assert cast.dtype == torch.float32
    assert torch.equal(cast, loss(logits, target))


@every_case
def test_weights_are_no_part_of_a_checkpoint(expression, mode):
    assert not create_loss(expression).state_dict()


COMPILED = [  # several outputs; test_functional.py compiles more terms for one, and their gradients
    ("bce(label_smoothing=0.1)", "binary"),
    ("ce(class_weights=[1.0, 2.0, 5.0])", "multiclass"),
    ("0.5*dice(smooth=0) + 2*focal", "multilabel"),
    ("focal(alpha=[1.0, 2.0, 5.0])", "multiclass"),
    ("jaccard + tversky + focal_tversky + generalized_dice + mcc + unified_focal", "multiclass"),
    ("lovasz + ohem_ce + soft_ce + poly", "multiclass"),
    ("lovasz(per_image=True) + ohem_ce(per_image=True) + soft_bce + mcc(smooth=0)", "multilabel"),
]


@pytest.mark.parametrize(("expression", "mode"), sweep(COMPILED, COMPILED[:4]))
def test_it_compiles_to_one_graph_also_for_several_outputs(expression, mode):
    logits, target = case_example(mode)
    target[..., 2] = 255
    loss = create_loss(expression, ignore_index=255, output_weights=(1, 3))
    compiled = torch.compile(loss, backend="eager", fullgraph=True)
    outputs = [logits, logits[..., ::2, ::2] * 2]
    torch.testing.assert_close(compiled(outputs, target), loss(outputs, target))
