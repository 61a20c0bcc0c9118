import pytest
import torch

from unetzoo.training.supervision import Supervised, supervised_loss


def test_native_supervision_compares_each_output_at_its_own_resolution(make_model):
    model = make_model("u2net", deep_supervision=True)
    image = torch.randn(1, 1, 36, 44)
    native = Supervised(model, "native")(image)
    full = Supervised(model, "full")(image)
    assert model.decoder.reductions == (2, 1, 1)
    assert [tuple(logits.shape[-2:]) for logits in full] == [(36, 44)] * len(full)
    assert [tuple(logits.shape[-2:]) for logits in native] == [
        (-(-36 // by), -(-44 // by)) for by in model.decoder.reductions
    ]


def _compared(target):
    """The target that logits (1, 2, 2, 2) at a reduction of 4 are compared with."""
    targets = []
    supervised_loss(lambda _, part: targets.append(part) or torch.tensor(0.0), [torch.zeros(1, 2, 2, 2)], [4], target)
    return targets[0].tolist()


def test_a_target_at_a_quarter_is_the_pixel_in_the_middle_of_each_quarter():
    target = torch.arange(8 * 8).reshape(1, 8, 8)
    assert _compared(target) == [[[2 * 8 + 2, 2 * 8 + 6], [6 * 8 + 2, 6 * 8 + 6]]]


def test_a_target_that_does_not_divide_is_unknown_beyond_its_border():
    assert _compared(torch.ones(1, 5, 8, dtype=torch.long)) == [[[1, 1], [255, 255]]]


def test_the_loss_is_the_mean_over_the_outputs():
    losses = iter([torch.tensor(1.0), torch.tensor(4.0)])
    outputs = [torch.zeros(1, 2, 4, 4)] * 2
    assert supervised_loss(lambda *_: next(losses), outputs, [1, 1], torch.zeros(1, 4, 4)) == pytest.approx(2.5)
