"""What every loss promises, in every mode that it takes."""

from math import log

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unetzoo.assembly import create_loss, describe, list_losses

CLASSES = {"binary": 1, "multiclass": 3, "multilabel": 3}
CASES = [
    ("bce", "binary"),
    ("bce(pos_weight=[1.0, 2.0, 5.0], label_smoothing=0.1)", "multilabel"),
    ("ce", "multiclass"),
    ("ce(class_weights=[1.0, 2.0, 5.0], label_smoothing=0.1)", "multiclass"),
    ("focal(alpha=0.25)", "binary"),
    ("focal(gamma=1.5, alpha=[1.0, 2.0, 5.0])", "multiclass"),
    ("focal(gamma=0.5)", "multilabel"),
    ("dice", "binary"),
    ("dice(per_image=True, squared=True)", "binary"),
    ("dice(smooth=0, class_weights=[1.0, 2.0, 5.0])", "multiclass"),
    ("dice(squared=True)", "multiclass"),
    ("dice(per_image=True)", "multilabel"),
]
every_case = pytest.mark.parametrize(("expression", "mode"), CASES)


def _example(mode, shape=(2, 4, 5), seed=0, dtype=torch.float64):
    """Logits and a target for images of a shape (b, h, w)."""
    generator = torch.Generator().manual_seed(seed)
    batch, height, width = shape
    logits = torch.randn(batch, CLASSES[mode], height, width, generator=generator, dtype=dtype) * 2
    if mode == "multiclass":
        return logits, torch.randint(3, shape, generator=generator)
    return logits, torch.randint(2, logits.shape if mode == "multilabel" else shape, generator=generator)


def test_every_loss_has_a_case():
    ours = {name for name in list_losses() if describe("loss", name).provider.startswith("unetzoo ")}
    assert {expression.partition("(")[0] for expression, _ in CASES} == ours


@every_case
@pytest.mark.parametrize("ignore_index", [None, 255])
def test_the_gradient_is_that_of_finite_differences(expression, mode, ignore_index):
    logits, target = _example(mode, (2, 2, 3))
    if ignore_index is not None:
        target[..., 1] = ignore_index
    loss = create_loss(expression, ignore_index=ignore_index)
    assert torch.autograd.gradcheck(lambda values: loss(values, target), logits.requires_grad_(), fast_mode=False)


@every_case
def test_ignored_pixels_count_as_much_as_pixels_that_are_not_there(expression, mode):
    logits, target = _example(mode, (1, 4, 6))
    target[..., 2:4] = 255
    kept = torch.tensor([0, 1, 4, 5])
    loss = create_loss(expression, ignore_index=255)
    torch.testing.assert_close(loss(logits, target), create_loss(expression)(logits[..., kept], target[..., kept]))


@every_case
def test_the_gradient_of_an_ignored_pixel_is_zero(expression, mode):
    logits, target = _example(mode)
    target[..., 2] = 255
    create_loss(expression, ignore_index=255)(logits.requires_grad_(), target).backward()
    assert not logits.grad[..., 2].any()
    assert logits.grad[..., [0, 1, 3, 4]].any()


@every_case
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_where_nothing_counts_loss_and_gradient_are_zero(expression, mode, dtype):
    logits, target = _example(mode, dtype=torch.float32)
    logits = logits.to(dtype).requires_grad_()
    loss = create_loss(expression, ignore_index=255)(logits, torch.full_like(target, 255))
    loss.backward()
    assert loss == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


@every_case
def test_a_batch_of_no_images_has_no_loss(expression, mode):
    assert create_loss(expression)(*_example(mode, (0, 4, 5))) == 0


@every_case
@pytest.mark.parametrize("ignore_index", [None, 255])
def test_an_empty_mask_has_a_finite_loss_and_gradient(expression, mode, ignore_index):
    logits, target = _example(mode)
    loss = create_loss(expression, ignore_index=ignore_index)(logits.requires_grad_(), torch.zeros_like(target))
    loss.backward()
    assert loss.isfinite()
    assert logits.grad.isfinite().all()


@every_case
@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_extreme_logits_have_a_finite_loss_and_gradient(expression, mode, scale):
    logits, target = _example(mode, dtype=torch.float32)
    logits = (logits * scale).requires_grad_()
    loss = create_loss(expression)(logits, target)
    loss.backward()
    assert loss.isfinite()
    assert logits.grad.isfinite().all()


@every_case
@given(seed=st.integers(0, 2**32), scale=st.floats(0, 50))
@settings(max_examples=10, deadline=None)
def test_it_is_never_negative(expression, mode, seed, scale):
    logits, target = _example(mode, seed=seed, dtype=torch.float32)
    assert create_loss(expression)(logits * scale, target) >= 0


@every_case
@given(seed=st.integers(0, 2**32))
@settings(max_examples=5, deadline=None)
def test_the_order_of_pixels_does_not_matter(expression, mode, seed):
    logits, target = _example(mode, seed=seed)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(seed))

    def permuted(values):
        return values.flatten(-2)[..., order].unflatten(-1, (4, 5))

    loss = create_loss(expression)
    torch.testing.assert_close(loss(permuted(logits), permuted(target)), loss(logits, target))


@pytest.mark.parametrize(("expression", "mode"), [case for case in CASES if "label_smoothing" not in case[0]])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=5, deadline=None)
def test_a_perfect_prediction_costs_nearly_nothing_and_its_opposite_much(expression, mode, seed):
    _, target = _example(mode, seed=seed)
    masks = torch.nn.functional.one_hot(target, 3).movedim(3, 1) if mode == "multiclass" else target
    logits = (masks.reshape(2, CLASSES[mode], 4, 5) * 2.0 - 1) * 30
    loss = create_loss(expression)
    assert loss(logits, target) < 1e-9
    assert loss(-logits, target) > 0.5


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
def test_autocast_changes_nothing(expression, mode):
    logits, target = _example(mode, dtype=torch.bfloat16)
    loss = create_loss(expression)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = loss(logits, target)
    assert cast.dtype == torch.float32
    assert torch.equal(cast, loss(logits, target))


@every_case
def test_weights_are_no_part_of_a_checkpoint(expression, mode):
    assert not create_loss(expression).state_dict()


@pytest.mark.parametrize(
    ("expression", "mode"),
    [
        ("bce(label_smoothing=0.1)", "binary"),
        ("ce(class_weights=[1.0, 2.0, 5.0])", "multiclass"),
        ("focal(alpha=[1.0, 2.0, 5.0])", "multiclass"),
        ("0.5*dice(smooth=0) + 2*focal", "multilabel"),
    ],
)
def test_it_compiles_to_one_graph_also_for_several_outputs(expression, mode):
    logits, target = _example(mode)
    target[..., 2] = 255
    loss = create_loss(expression, ignore_index=255, output_weights=(1, 3))
    compiled = torch.compile(loss, backend="eager", fullgraph=True)
    outputs = [logits, logits[..., ::2, ::2] * 2]
    torch.testing.assert_close(compiled(outputs, target), loss(outputs, target))
