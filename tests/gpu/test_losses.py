"""Losses of large maps in half precision are finite and near those of float32."""

import pytest
import torch

import unetzoo

SIDES = {"cuda": 2048, "cpu": 256}  # pixels


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("loss", unetzoo.list_losses())
def test_the_loss_of_a_large_map_in_half_precision_is_that_of_float32(loss, dtype, device):
    side, classes = SIDES[device], 1 if "bce" in loss else 3
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(max(2, classes), (1, side // 8, side // 8), generator=generator)
    target = target.repeat_interleave(8, 1).repeat_interleave(8, 2).to(device)
    logits = (torch.randn(1, classes, side, side, generator=generator) * 3).to(device, dtype).requires_grad_()
    compare = unetzoo.create_loss(loss)
    value = compare(logits, target)
    (gradient,) = torch.autograd.grad(value, logits)
    assert value.item() == pytest.approx(compare(logits.detach().float(), target).item(), rel=1e-3)
    assert gradient.isfinite().all()
