"""What every loss promises, in every mode that it takes."""

from math import log, sqrt

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unetzoo.assembly import create_loss, describe, list_losses
from unetzoo.errors import TargetError

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
    ("jaccard", "binary"),
    ("jaccard(smooth=0, absent='zero')", "multiclass"),
    ("jaccard(per_image=True)", "multilabel"),
    ("tversky", "binary"),
    ("tversky(alpha=0.5, beta=0.5, smooth=0)", "multiclass"),
    ("tversky(absent='skip', class_weights=[1.0, 2.0, 5.0])", "multilabel"),
    ("focal_tversky", "binary"),
    ("focal_tversky(per_image=True)", "multiclass"),
    ("focal_tversky(gamma=2)", "multilabel"),
    ("generalized_dice(smooth=0)", "binary"),
    ("generalized_dice", "multiclass"),
    ("generalized_dice(weights='simple', per_image=True)", "multilabel"),
    ("mcc(smooth=0)", "binary"),
    ("mcc(per_image=True)", "multiclass"),
    ("mcc", "multilabel"),
    ("lovasz", "binary"),
    ("lovasz(per_image=True)", "multiclass"),
    ("lovasz(absent='count')", "multiclass"),
    ("lovasz(class_weights=[1.0, 2.0, 5.0])", "multilabel"),
    ("soft_bce", "binary"),
    ("soft_bce(pos_weight=2.0, label_smoothing=0.1)", "multilabel"),
    ("soft_ce", "multiclass"),
    ("ohem_ce(threshold=0.5, min_kept=0.9)", "binary"),
    ("ohem_ce(per_image=True)", "multiclass"),
    ("ohem_ce(min_kept=0, label_smoothing=0.1)", "multilabel"),
    ("poly", "binary"),
    ("poly(epsilon=-1, class_weights=[1.0, 2.0, 5.0])", "multiclass"),
    ("poly(epsilon=2, label_smoothing=0.1)", "multilabel"),
    ("unified_focal", "binary"),
    ("unified_focal(gamma=0.2, per_image=True)", "multiclass"),
    ("unified_focal(smooth=0)", "multilabel"),
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
def test_the_second_derivative_is_that_of_finite_differences(expression, mode):
    logits, target = _example(mode, (2, 2, 3))
    target[..., 1] = 255
    loss = create_loss(expression, ignore_index=255)
    assert torch.autograd.gradgradcheck(lambda values: loss(values, target), logits.requires_grad_())


@every_case
def test_the_functional_gradient_is_that_of_the_backward_pass(expression, mode):
    logits, target = _example(mode)
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
    logits, target = _example(mode, (2, 16, 16))
    logits.requires_grad_()
    given = {tensor.untyped_storage().data_ptr() for tensor in (logits, target)}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in given:
            kept[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        create_loss(expression)(logits, target)
    found = sum(storage.nbytes() for storage in kept.values()) / (8 * logits.numel())
    assert found == pytest.approx(maps, abs=0.1)


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
    logits = (masks.reshape(2, CLASSES[mode], 4, 5) * 2.0 - 1) * 60
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


def _with_option(expression, option):
    """The expression of one loss with another option."""
    name, _, options = expression.rstrip(")").partition("(")
    return f"{name}({', '.join(filter(None, [options, option]))})"


@pytest.mark.parametrize("name", sorted({expression.partition("(")[0] for expression, _ in CASES}))
def test_every_loss_has_the_same_options_beside_its_own(name):
    assert {"class_weights", "per_image", "ignore_index", "from_logits"} <= {
        option.name for option in describe("loss", name).options
    }


@pytest.mark.parametrize(
    ("expression", "mode"), [case for case in CASES if case[1] == "multiclass" or "lovasz" not in case[0]]
)
@pytest.mark.parametrize("ignore_index", [None, 255])
def test_of_probabilities_it_is_the_loss_of_their_logits(expression, mode, ignore_index):
    logits, target = _example(mode)
    if ignore_index is not None:
        target[..., 1] = ignore_index
    probabilities = logits.softmax(1) if mode == "multiclass" else logits.sigmoid()
    loss = create_loss(_with_option(expression, "from_logits=False"), ignore_index=ignore_index)
    wanted = create_loss(expression, ignore_index=ignore_index)(logits, target)
    torch.testing.assert_close(loss(probabilities, target), wanted)


@every_case
def test_probabilities_of_0_and_1_have_a_finite_loss_and_gradient(expression, mode):
    logits, target = _example(mode)
    loss = create_loss(_with_option(expression, "from_logits=False"))
    for certain in ((logits == logits.amax(1, keepdim=True)).double(), (logits > 0).double()):
        value = loss(certain.requires_grad_(), target)
        value.backward()
        assert value.isfinite()
        assert certain.grad.isfinite().all()


@every_case
def test_logits_in_place_of_probabilities_are_refused(expression, mode):
    logits, target = _example(mode)
    with pytest.raises(TargetError, match=r"takes probabilities from 0 to 1, got values from -.*; leave from_logits"):
        create_loss(_with_option(expression, "from_logits=False"))(logits, target)


@pytest.mark.parametrize(("expression", "mode"), [case for case in CASES if "per_image" not in case[0]])
def test_with_per_image_it_is_the_mean_of_the_losses_of_the_images(expression, mode):
    logits, target = _example(mode, (3, 4, 5))
    target[0, ..., 1:] = 255  # the images differ in how many pixels count
    loss = create_loss(expression, ignore_index=255)
    apart = torch.stack([loss(logits[index : index + 1], target[index : index + 1]) for index in range(3)])
    together = create_loss(_with_option(expression, "per_image=True"), ignore_index=255)(logits, target)
    torch.testing.assert_close(together, apart.mean())


@pytest.mark.parametrize(("expression", "mode"), [case for case in CASES if "per_image" not in case[0]])
def test_with_per_image_an_image_in_which_nothing_counts_is_left_out(expression, mode):
    logits, target = _example(mode)
    loss = create_loss(_with_option(expression, "per_image=True"), ignore_index=255)
    alone = loss(logits[:1], target[:1])
    target[1] = 255
    torch.testing.assert_close(loss(logits, target), alone)


@pytest.mark.parametrize(("expression", "mode"), [case for case in CASES if "class_weights" not in case[0]])
def test_equal_class_weights_change_nothing(expression, mode):
    logits, target = _example(mode)
    weighted = create_loss(_with_option(expression, f"class_weights={[3.0] * CLASSES[mode]}"))
    torch.testing.assert_close(weighted(logits, target), create_loss(expression)(logits, target))


@pytest.mark.parametrize(
    ("expression", "mode"), [case for case in CASES if case[1] == "multilabel" and "[" not in case[0]]
)
def test_a_class_of_weight_0_is_left_out(expression, mode):
    logits, target = _example(mode)
    loss = create_loss(_with_option(expression, "class_weights=[1.0, 0.0, 1.0]"))
    torch.testing.assert_close(loss(logits, target), create_loss(expression)(logits[:, ::2], target[:, ::2]))


@pytest.mark.parametrize(
    ("expression", "mode"),
    [case for case in CASES if case[1] != "binary" and "[" not in case[0] and case[0][:7] != "unified"],
)
def test_the_order_of_classes_does_not_matter(expression, mode):
    logits, target = _example(mode)
    order = torch.tensor([2, 0, 1])
    permuted = target[:, order] if mode == "multilabel" else order.argsort()[target]
    loss = create_loss(expression)
    torch.testing.assert_close(loss(logits[:, order], permuted), loss(logits, target))


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
        ("jaccard + tversky + focal_tversky + generalized_dice + mcc + unified_focal", "multiclass"),
        ("lovasz + ohem_ce + soft_ce + poly", "multiclass"),
        ("lovasz(per_image=True) + ohem_ce(per_image=True) + soft_bce + mcc(smooth=0)", "multilabel"),
    ],
)
def test_it_compiles_to_one_graph_also_for_several_outputs(expression, mode):
    logits, target = _example(mode)
    target[..., 2] = 255
    loss = create_loss(expression, ignore_index=255, output_weights=(1, 3))
    compiled = torch.compile(loss, backend="eager", fullgraph=True)
    outputs = [logits, logits[..., ::2, ::2] * 2]
    torch.testing.assert_close(compiled(outputs, target), loss(outputs, target))
