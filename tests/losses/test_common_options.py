"""The options that every loss has beside its own."""

import pytest
import torch
from loss_cases import CASES, CLASSES, case_example, every_case, with_option

from unetzoo.assembly import create_loss
from unetzoo.catalog import describe
from unetzoo.errors import TargetError


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
    logits, target = case_example(mode)
    if ignore_index is not None:
        target[..., 1] = ignore_index
    probabilities = logits.softmax(1) if mode == "multiclass" else logits.sigmoid()
    loss = create_loss(with_option(expression, "from_logits=False"), ignore_index=ignore_index)
    expected = create_loss(expression, ignore_index=ignore_index)(logits, target)
    torch.testing.assert_close(loss(probabilities, target), expected)


@every_case
def test_logits_in_place_of_probabilities_are_refused(expression, mode):
    logits, target = case_example(mode)
    with pytest.raises(TargetError, match=r"takes probabilities from 0 to 1, got values from -.*; leave from_logits"):
        create_loss(with_option(expression, "from_logits=False"))(logits, target)


@pytest.mark.parametrize(("expression", "mode"), [case for case in CASES if "per_image" not in case[0]])
def test_with_per_image_it_is_the_mean_of_the_losses_of_the_images(expression, mode):
    logits, target = case_example(mode, (3, 4, 5))
    target[0, ..., 1:] = 255  # the images differ in how many pixels count
    loss = create_loss(expression, ignore_index=255)
    apart = torch.stack([loss(logits[index : index + 1], target[index : index + 1]) for index in range(3)])
    together = create_loss(with_option(expression, "per_image=True"), ignore_index=255)(logits, target)
    torch.testing.assert_close(together, apart.mean())


@pytest.mark.parametrize(("expression", "mode"), [case for case in CASES if "per_image" not in case[0]])
def test_with_per_image_an_image_in_which_nothing_counts_is_left_out(expression, mode):
    logits, target = case_example(mode)
    loss = create_loss(with_option(expression, "per_image=True"), ignore_index=255)
    alone = loss(logits[:1], target[:1])
    target[1] = 255
    torch.testing.assert_close(loss(logits, target), alone)


@pytest.mark.parametrize(("expression", "mode"), [case for case in CASES if "class_weights" not in case[0]])
def test_equal_class_weights_change_nothing(expression, mode):
    logits, target = case_example(mode)
    weighted = create_loss(with_option(expression, f"class_weights={[3.0] * CLASSES[mode]}"))
    torch.testing.assert_close(weighted(logits, target), create_loss(expression)(logits, target))


@pytest.mark.parametrize(
    ("expression", "mode"), [case for case in CASES if case[1] == "multilabel" and "[" not in case[0]]
)
def test_a_class_of_weight_0_is_left_out(expression, mode):
    logits, target = case_example(mode)
    loss = create_loss(with_option(expression, "class_weights=[1.0, 0.0, 1.0]"))
    torch.testing.assert_close(loss(logits, target), create_loss(expression)(logits[:, ::2], target[:, ::2]))


@pytest.mark.parametrize(
    ("expression", "mode"), [case for case in CASES if case[1] == "multilabel" and "[" not in case[0]]
)
@pytest.mark.parametrize("other", ["per_image=False", "per_image=True"])
def test_of_masks_a_class_of_weight_zero_counts_as_one_that_is_not_there(expression, mode, other):
    logits, target = case_example(mode)
    target[1, 0] = target[1, 0] > 2  # also where it has no pixel
    expression = expression if "per_image" in expression else with_option(expression, other)
    weighted = create_loss(with_option(expression, "class_weights=[0, 1, 1]"))
    torch.testing.assert_close(weighted(logits, target), create_loss(expression)(logits[:, 1:], target[:, 1:]))


@pytest.mark.parametrize("loss", ["ce", "soft_ce", "focal", "poly", "ohem_ce", "ohem_ce(min_kept=0.4)"])
@pytest.mark.parametrize("smoothing", [0, 0.1])
@pytest.mark.parametrize("per_image", [False, True])
def test_pixels_of_a_class_of_weight_zero_count_as_ignored_ones(loss, smoothing, per_image):
    if smoothing and loss == "focal":
        pytest.skip("it has no smoothing")
    expression = with_option(loss, f"class_weights=[0, 1, 2], per_image={per_image}")
    expression = with_option(expression, f"label_smoothing={smoothing}") if smoothing else expression
    logits, target = case_example("multiclass", (3, 6, 6))
    target[2] = 0
    ignored = target.masked_fill(target == 0, 255)
    actual = create_loss(expression)(logits, target)
    torch.testing.assert_close(actual, create_loss(expression, ignore_index=255)(logits, ignored))
    assert create_loss(expression)(logits, torch.zeros_like(target)) == 0


@pytest.mark.parametrize("per_image", [False, True])
def test_probabilities_of_classes_of_weight_zero_alone_do_not_count(per_image):
    loss = create_loss(f"soft_ce(class_weights=[0, 1, 1], label_smoothing=0.1, per_image={per_image})")
    logits, target = case_example("multiclass")
    probabilities = torch.nn.functional.one_hot(target, 3).movedim(-1, 1).double()
    torch.testing.assert_close(loss(logits, probabilities), loss(logits, target))
    background = torch.zeros_like(probabilities)
    background[:, 0] = 1
    assert loss(logits, background) == 0
    logits.requires_grad_()
    assert not torch.autograd.grad(loss(logits, background), logits)[0].any()
