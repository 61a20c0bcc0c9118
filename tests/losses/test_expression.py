import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the field's name for it

from unetzoo.assembly import create_loss
from unetzoo.errors import OptionError, PluginError, TargetError, UnknownNameError
from unetzoo.losses.cross_entropy import BCELoss, CrossEntropyLoss
from unetzoo.losses.expression import parse_loss
from unetzoo.losses.overlap import DiceLoss
from unetzoo.losses.resolution import at_one_resolution
from unetzoo.registry.builtin import unetzoo_losses
from unetzoo.registry.registry import Offer, Provider, Registry
from unetzoo.specs import LossSpec
from unetzoo.training.supervision import supervised_loss


class Brier(nn.Module):
    """A plugin's loss, which knows no ignore_index."""

    def forward(self, logits, target):
        return (logits[:, 0].sigmoid() - target).square().mean()


@pytest.fixture
def registry():
    """The built-in losses, and two of a plugin."""
    cells = (LossSpec(name="brier", build=Brier), LossSpec(name="number", build=lambda: 3))
    offers = [Offer(spec, Provider("unetzoo", "1.0"), "unetzoo 1.0") for spec in unetzoo_losses()]
    return Registry("loss", offers + [Offer(spec, Provider("cells", "2.0"), "cells 2.0") for spec in cells])


@pytest.fixture
def example():
    """Logits (2, 1, 8, 8) and a mask."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 1, 8, 8, generator=generator), torch.randint(2, (2, 8, 8), generator=generator)


def test_a_sum_is_the_terms_times_their_factors(registry, example):
    loss = parse_loss("0.5*dice(smooth=0) + 2*unetzoo:bce(pos_weight=3.0)", registry)
    expected = 0.5 * DiceLoss(smooth=0)(*example) + 2 * BCELoss(pos_weight=3.0)(*example)
    torch.testing.assert_close(loss(*example), expected)


def test_parts_are_the_terms_without_their_factors(registry, example):
    parts = parse_loss("0.5*dice + 2*brier + dice(squared=True)", registry).parts(*example)
    assert list(parts) == ["dice", "brier", "dice#2"]
    torch.testing.assert_close(parts["dice"], DiceLoss()(*example))
    torch.testing.assert_close(parts["brier"], F.mse_loss(example[0][:, 0].sigmoid(), example[1].float()))
    torch.testing.assert_close(parts["dice#2"], DiceLoss(squared=True)(*example))


def test_terms_are_listed_with_label_factor_and_loss(registry):
    first, second = parse_loss("0.5*dice + bce", registry).terms
    assert (first.label, first.factor, type(first.loss)) == ("dice", 0.5, DiceLoss)
    assert (second.label, second.factor, type(second.loss)) == ("bce", 1.0, BCELoss)


def test_its_text_shows_the_sum(registry):
    assert "0.5*dice + 1*bce" in repr(parse_loss("0.5*dice + bce", registry))


def test_ignore_index_reaches_every_term_but_one_that_says_its_own(registry):
    loss = parse_loss("dice + bce(ignore_index=0)", registry, ignore_index=255)
    assert [term.loss.ignore_index for term in loss.terms] == [255, 0]


def test_a_loss_without_ignore_index_is_named_when_it_is_asked_for(registry):
    with pytest.raises(OptionError, match="loss 'brier' has no option ignore_index, so it would count these pixels"):
        parse_loss("dice + brier", registry, ignore_index=255)


def test_ignore_index_must_be_a_whole_number(registry):
    with pytest.raises(OptionError, match="ignore_index must be a whole number or None, got '255'"):
        parse_loss("brier", registry, ignore_index="255")


def test_an_unknown_loss_is_named_with_what_is_near(registry):
    with pytest.raises(UnknownNameError, match=r"no loss named 'dise'; did you mean 'dice'\?"):
        parse_loss("bce + dise", registry)


def test_an_unknown_option_is_named_with_those_there_are(registry):
    with pytest.raises(
        OptionError, match=r"loss 'dice' has no option 'smoth'; did you mean 'smooth'\? it takes smooth=1"
    ):
        parse_loss("dice(smoth=1)", registry)


def test_a_plugin_whose_builder_gives_no_module_is_named(registry):
    with pytest.raises(PluginError, match=r"builder of loss 'number' must return a torch\.nn\.Module, but returned 3"):
        parse_loss("number", registry)


def test_several_outputs_count_alike(registry, example):
    logits, target = example
    outputs = [logits, 2 * logits, 0 * logits]
    single = [BCELoss()(output, target) for output in outputs]
    torch.testing.assert_close(parse_loss("bce", registry)(outputs, target), sum(single) / 3)


def test_output_weights_are_scaled_to_a_sum_of_one(registry, example):
    logits, target = example
    outputs = [logits, 2 * logits, -logits]
    single = [BCELoss()(output, target) for output in outputs]
    loss = parse_loss("3*bce", registry, output_weights=(0, 1, 3))
    torch.testing.assert_close(loss(outputs, target), 3 * (single[1] + 3 * single[2]) / 4)
    torch.testing.assert_close(loss.parts(outputs, target)["bce"], (single[1] + 3 * single[2]) / 4)


def test_one_output_alone_needs_no_output_weights(registry, example):
    torch.testing.assert_close(parse_loss("bce", registry, output_weights=(1, 2))(*example), BCELoss()(*example))


def test_output_weights_must_be_as_many_as_outputs(registry, example):
    logits, target = example
    with pytest.raises(OptionError, match="2 output_weights do not fit 3 outputs; pass one for each"):
        parse_loss("bce", registry, output_weights=(1, 2))([logits] * 3, target)


@pytest.mark.parametrize("weights", [(), (0, 0), (1, -1), (float("inf"), 1)])
def test_output_weights_must_be_numbers_that_can_be_scaled(registry, weights):
    with pytest.raises(OptionError, match="output_weights must be finite numbers >= 0"):
        parse_loss("bce", registry, output_weights=weights)


@pytest.mark.parametrize(("size", "step"), [((4, 4), (2, 2)), ((2, 8), (4, 1))])
def test_a_smaller_output_meets_the_pixels_in_the_middle_of_blocks(registry, example, size, step):
    target = example[1]
    small = torch.randn(2, 1, *size)
    middle = target[:, step[0] // 2 :: step[0], step[1] // 2 :: step[1]]
    torch.testing.assert_close(parse_loss("bce", registry)([small], target), BCELoss()(small, middle))


def test_a_block_whose_middle_lies_beyond_the_border_does_not_count(registry):
    target = torch.randint(3, (1, 9, 7))
    halved = nn.Conv2d(1, 3, 3, stride=2, padding=1)(torch.randn(1, 1, 9, 7))
    assert halved.shape[-2:] == (5, 4)
    expected = CrossEntropyLoss()(halved[..., :4, :3], target[:, 1::2, 1::2])
    torch.testing.assert_close(parse_loss("ce", registry)([halved], target), expected)


@pytest.mark.parametrize(("size", "by"), [((96, 64), 32), ((70, 50), 16), ((33, 48), 32), ((64, 64), 8)])
def test_outputs_of_a_network_meet_the_same_pixels_in_a_loss_as_in_a_training(registry, size, by):
    target = torch.randint(2, (2, *size))
    output = torch.randn(2, 2, -(-size[0] // by), -(-size[1] // by))
    trained = supervised_loss(CrossEntropyLoss(ignore_index=255), [output], [by], target)
    torch.testing.assert_close(parse_loss("ce", registry)([output], target), trained)


@pytest.mark.parametrize("by", [2, 8, 32])
def test_a_mask_at_a_lower_resolution_is_shifted_by_half_a_pixel_at_most(by):
    shifts = []
    for edge in range(128, 128 + by):
        target = (torch.arange(256)[None, None].expand(1, 256, 256) >= edge).long()
        _, small = at_one_resolution(torch.empty(1, 2, 256 // by, 256 // by), target)
        back = F.interpolate(small[None].float(), scale_factor=float(by), mode="bilinear")[0, 0, 128] > 0.5
        shifts.append(256 - int(back.sum()) - edge)
    assert abs(sum(shifts) / len(shifts)) <= 0.5


@pytest.mark.parametrize("size", [(5, 8), (16, 16), (8, 0)])
def test_an_output_of_another_size_is_refused(registry, example, size):
    with pytest.raises(TargetError, match=f"an output of {size[0]} x {size[1]} pixels does not fit a target of 8 x 8"):
        parse_loss("bce", registry)([torch.zeros(2, 1, *size)], example[1])


def test_one_output_that_is_not_in_a_list_must_have_the_targets_size(registry, example):
    with pytest.raises(TargetError, match=r"does not fit logits \(2, 1, 4, 4\)"):
        parse_loss("bce", registry)(torch.zeros(2, 1, 4, 4), example[1])


@pytest.mark.parametrize("logits", [[], None, "logits"])
def test_what_is_no_list_of_logits_is_refused(registry, example, logits):
    with pytest.raises(TargetError, match=r"the logits must be a tensor \(b, k, h, w\) or a list of at least one"):
        parse_loss("bce", registry)(logits, example[1])


def test_a_list_of_what_are_no_logits_is_refused(registry, example):
    with pytest.raises(TargetError, match=r"the logits must be a torch\.Tensor, got str"):
        parse_loss("bce", registry)(["logits"], example[1])


def test_the_sum_can_be_copied_and_pickled(registry, example):
    loss = parse_loss("dice + 2*bce(pos_weight=3.0)", registry, output_weights=(1, 2))
    for again in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert torch.equal(again(*example), loss(*example))


def test_create_loss_finds_the_losses_by_name(example):
    loss = create_loss("0.5*dice + 0.5*bce", ignore_index=255, output_weights=(1, 1))
    torch.testing.assert_close(loss(*example), 0.5 * DiceLoss()(*example) + 0.5 * BCELoss()(*example))
