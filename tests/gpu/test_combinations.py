"""Every decoder trains over every family of encoders, in every precision."""

from itertools import product

import pytest
import torch

import unetzoo

FAMILIES = {
    "plain": {"widths": (8, 16, 32)},
    "resnet18": {},
    "mobilenetv3_small_050": {},
    "efficientnet_b0": {},
    "convnext_atto": {},
    "pvt_v2_b0": {},
    "vit_tiny_patch16_224": {"img_size": [64, 64]},
    "swin_tiny_patch4_window7_224": {"img_size": [64, 64]},
}
DTYPES = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}
ON_GPU = [
    pytest.param(decoder, encoder, "cuda", marks=pytest.mark.gpu)
    for encoder, decoder in product(FAMILIES, unetzoo.list_decoders())
]
ON_CPU = [("unet", "plain", "cpu")]
SIDES = {"cuda": 64, "cpu": 16}  # pixels
_STEPS, _HALVINGS = 2, 8


def _losses(model, image, target, precision, device):
    """The loss before each of a few steps with finite gradients; steps that overflow in float16 lower its scale."""
    dtype = DTYPES[precision]
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    scaler = torch.amp.GradScaler(device, init_scale=2.0**_HALVINGS, enabled=dtype is torch.float16)
    compare, losses = unetzoo.create_loss("dice + ce"), []
    for _ in range(_STEPS + _HALVINGS * scaler.is_enabled()):
        torch.manual_seed(len(losses))  # of dropout
        with torch.autocast(device, dtype, enabled=dtype is not None):
            loss = compare(model(image), target)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        if norm.isfinite():
            assert norm > 0, precision
            losses.append(loss.item())
        if len(losses) == _STEPS:
            return losses
    return pytest.fail(f"{precision}: the gradients are not finite")


@pytest.mark.parametrize(("decoder", "encoder", "device"), [*ON_CPU, *ON_GPU])
def test_the_losses_of_half_precision_follow_those_of_float32(decoder, encoder, device):
    torch.manual_seed(0)
    model = unetzoo.create(decoder, encoder=encoder, encoder_options=FAMILIES[encoder], classes=2).to(device)
    first = {name: value.clone() for name, value in model.state_dict().items()}
    side = SIDES[device]
    image, target = torch.randn(2, 3, side, side, device=device), torch.randint(2, (2, side, side), device=device)
    losses = {}
    for precision in DTYPES:
        model.load_state_dict(first)
        losses[precision] = _losses(model, image, target, precision, device)
    for precision in ("bfloat16", "float16"):
        assert losses[precision] == pytest.approx(losses["float32"], rel=0.1), precision
