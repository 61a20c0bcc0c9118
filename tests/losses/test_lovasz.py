from itertools import product

import loss_examples
import numpy as np
import pytest
import torch
from loss_examples import IGNORED
from segmentation_models_pytorch.losses import LovaszLoss as PeerLovaszLoss
from segmentation_models_pytorch.losses.lovasz import _lovasz_softmax

from unetzoo.losses.lovasz import LovaszLoss, lovasz_gradient


def example(mode, kind="random"):
    """In float32: smp's takes no other dtype."""
    logits, target, ignore_index = loss_examples.example(mode, kind)
    return logits.float(), target, ignore_index


def assert_same(ours, theirs, logits):
    """The gradient of smp's is the difference of two numbers near 1 in float32, and so has fewer digits."""
    loss_examples.assert_same(ours, theirs, logits, of_gradient=1e-5)


def _jaccard_loss(wrong, truth):
    """1 - intersection over union of a prediction that is wrong in some pixels, 0 for two empty masks."""
    predicted = truth ^ wrong
    union = (predicted | truth).sum()
    return 1 - (predicted & truth).sum() / union if union else 0.0


def _by_definition(errors, truth):
    """Sum over pixels, in the order of falling errors, of the error times what the pixel adds to the Jaccard loss."""
    wrong, before, total = np.zeros_like(truth), 0.0, 0.0
    for pixel in np.argsort(-errors, kind="stable"):
        wrong[pixel] = True
        after = _jaccard_loss(wrong, truth)
        total, before = total + errors[pixel] * (after - before), after
    return total


@pytest.mark.parametrize("mask", list(product([False, True], repeat=4)))
def test_where_all_errors_are_0_or_1_it_is_the_jaccard_loss(mask):
    truth = np.array(mask)
    for vertex in product([False, True], repeat=4):
        predicted = torch.tensor(vertex).double().reshape(1, 1, 2, 2)
        loss = LovaszLoss(from_logits=False)(predicted, torch.tensor(mask).reshape(1, 2, 2))
        assert loss.item() == pytest.approx(_jaccard_loss(np.array(vertex) ^ truth, truth), abs=1e-12)


@pytest.mark.parametrize("positives", [0, 1, 5, 12])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_gradient_is_what_each_pixel_adds_to_the_jaccard_loss(positives, dtype):
    generator = np.random.default_rng(positives)
    errors, truth = generator.random(12), generator.permutation(np.arange(12) < positives)
    steps = torch.from_numpy(errors).to(dtype)
    actual = steps @ lovasz_gradient(steps, torch.from_numpy(truth))
    assert actual.item() == pytest.approx(_by_definition(steps.double().numpy(), truth), rel=1e-6)


def test_it_is_convex_along_lines_of_errors():
    generator = torch.Generator().manual_seed(0)
    truth = torch.randint(2, (1, 5, 6), generator=generator)
    one, other = (torch.randn(1, 1, 5, 6, generator=generator, dtype=torch.float64) * 3 for _ in range(2))
    loss = LovaszLoss()
    for part in (0.25, 0.5, 0.75):
        mixed = loss(part * one + (1 - part) * other, truth)
        assert mixed <= part * loss(one, truth) + (1 - part) * loss(other, truth) + 1e-12


def test_the_hinge_of_two_pixels():
    # errors 1 - 0.5 in the mask and 1 + 2 beside it: of both sets the Jaccard losses are 1/2 for the larger, then 1
    logits, mask = torch.tensor([[[[0.5, 2.0]]]]), torch.tensor([[[1, 0]]])
    assert LovaszLoss()(logits, mask).item() == pytest.approx(3 * 1 / 2 + 0.5 * 1 / 2)


@pytest.mark.parametrize("kind", ["random", "empty", "one class", "partly ignored", "wholly ignored"])
@pytest.mark.parametrize("per_image", [True, False])
def test_the_hinge_of_a_mask_is_that_of_smp(kind, per_image):
    logits, mask, ignore_index = example("binary", kind)
    peer = PeerLovaszLoss("binary", per_image=per_image, ignore_index=ignore_index)
    ours = LovaszLoss(per_image=per_image, ignore_index=ignore_index)
    assert_same(lambda scores: ours(scores, mask), lambda scores: peer(scores, mask[:, None]), logits)


@pytest.mark.parametrize("kind", ["random", "empty", "one class", "one class absent", "partly ignored"])
@pytest.mark.parametrize("per_image", [True, False])
def test_the_softmax_form_is_that_of_smp(kind, per_image):
    logits, ids, ignore_index = example("multiclass", kind)
    peer = PeerLovaszLoss("multiclass", per_image=per_image, ignore_index=ignore_index)
    ours = LovaszLoss(per_image=per_image, ignore_index=ignore_index)
    assert_same(lambda scores: ours(scores, ids), lambda scores: peer(scores, ids), logits)


def test_where_all_is_ignored_the_softmax_form_is_0_and_not_an_empty_tensor_as_of_smp():
    logits, ids, ignore_index = example("multiclass", "wholly ignored")
    assert PeerLovaszLoss("multiclass", ignore_index=ignore_index)(logits, ids).shape == (0, 3)
    assert LovaszLoss(ignore_index=ignore_index)(logits, ids) == 0


@pytest.mark.parametrize("kind", ["random", "empty", "one class absent"])
def test_with_absent_classes_it_is_the_papers_program_for_all_classes(kind):
    logits, ids, _ = example("multiclass", kind)
    ours = LovaszLoss(absent="count")
    assert_same(
        lambda scores: ours(scores, ids), lambda scores: _lovasz_softmax(scores.softmax(1), ids, classes="all"), logits
    )


def test_of_probabilities_of_a_mask_it_is_the_papers_program_for_a_sigmoid():
    logits, mask, _ = example("binary")
    ours = LovaszLoss(from_logits=False)
    assert_same(
        lambda scores: ours(scores, mask),
        lambda scores: _lovasz_softmax(scores[:, 0], mask, classes=[1]),
        logits.sigmoid(),
    )


@pytest.mark.parametrize("kind", ["random", "empty", "one class absent", "partly ignored"])
def test_of_several_masks_it_is_the_mean_of_their_losses_where_smp_makes_one_region_of_them(kind):
    logits, masks, ignore_index = example("multilabel", kind)
    peer = PeerLovaszLoss("binary", ignore_index=ignore_index)
    ours = LovaszLoss(ignore_index=ignore_index)

    def mean_of_smp(scores):
        return torch.stack([peer(scores[:, [index]], masks[:, [index]]) for index in range(3)]).mean()

    assert_same(lambda scores: ours(scores, masks), mean_of_smp, logits)


def test_an_image_in_which_nothing_counts_is_left_out_where_smp_counts_a_loss_of_0():
    logits, mask, _ = example("binary")
    mask[1] = IGNORED
    ours = LovaszLoss(per_image=True, ignore_index=IGNORED)(logits, mask)
    theirs = PeerLovaszLoss("binary", per_image=True, ignore_index=IGNORED)(logits, mask[:, None])
    assert ours.item() == pytest.approx(2 * theirs.item(), rel=1e-6)


def test_class_weights_weigh_the_losses_of_the_classes():
    logits, masks, _ = example("multilabel")
    each = [LovaszLoss()(logits[:, [index]], masks[:, [index]]).item() for index in range(3)]
    expected = (each[0] + 2 * each[1] + 5 * each[2]) / 8
    assert LovaszLoss(class_weights=[1.0, 2.0, 5.0])(logits, masks).item() == pytest.approx(expected, rel=1e-6)


def test_in_float32_the_gradient_of_a_million_pixels_keeps_its_digits():
    generator = np.random.default_rng(0)
    errors = np.unique(generator.random(2_000_000).astype(np.float32))[:1_000_000]  # no two are equal
    errors = generator.permutation(errors)
    truth = generator.random(len(errors)) < 0.3
    order = np.argsort(-errors)
    inside = truth[order].cumsum().astype(np.float64)
    jaccard = 1 - (truth.sum() - inside) / (truth.sum() + (~truth[order]).cumsum())
    expected = np.empty(len(errors))
    expected[order] = np.diff(jaccard, prepend=0.0)
    actual = lovasz_gradient(torch.from_numpy(errors), torch.from_numpy(truth)).double().numpy()
    # of the difference of two numbers near 1 float64 has 1e-16, of 1e-7 or more, and so 1e-9 of it
    enough = expected > 1e-8
    assert enough.mean() > 0.9
    np.testing.assert_allclose(actual[enough], expected[enough], rtol=1e-6)
