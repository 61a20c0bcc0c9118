"""Same weights, same logits as segmentation_models_pytorch."""

import pytest
import segmentation_models_pytorch as smp
import torch
from sweeps import sweep

import unetzoo
from unetzoo.interop.smp import from_smp

PEERS = {"unet": smp.Unet, "unetpp": smp.UnetPlusPlus}


SAMPLE = [  # the peer's encoder, its name here, attention
    ("resnet18", "resnet18", "scse"),
    ("tu-mobilenetv3_small_050", "mobilenetv3_small_050", "none"),
]
CASES = [
    *SAMPLE,
    ("resnet18", "resnet18", "none"),
    ("resnet34", "resnet34", "none"),
    ("tu-efficientnet_b0", "efficientnet_b0", "none"),
]


@pytest.mark.parametrize("decoder", PEERS)
@pytest.mark.parametrize(("peer_encoder", "encoder", "attention"), sweep(CASES, SAMPLE))
def test_weights_of_smp_load_and_give_its_logits(decoder, peer_encoder, encoder, attention):
    torch.manual_seed(0)
    peer = PEERS[decoder](
        peer_encoder, encoder_weights=None, classes=3, decoder_attention_type=None if attention == "none" else attention
    )
    _shake_norms(peer)
    model = unetzoo.create(
        decoder, encoder=encoder, classes=3, head_kernel_size=3, decoder_options={"attention": attention}
    )
    model.load_state_dict(from_smp(peer.state_dict()))
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        ours, theirs = model.eval()(image), peer.eval()(image)
    assert (ours - theirs).abs().max() / theirs.abs().max() < 1e-4


@pytest.mark.parametrize("decoder", PEERS)
def test_both_have_as_many_parameters(decoder):
    with torch.device("meta"):
        peer = PEERS[decoder]("resnet34", encoder_weights=None)
        model = unetzoo.create(decoder, encoder="resnet34", head_kernel_size=3)
    assert _count(model) == _count(peer)


@pytest.mark.slow  # tests/parity compares the gradients of all architectures
@pytest.mark.parametrize("decoder", PEERS)
def test_training_gives_the_same_gradients(decoder):
    torch.manual_seed(0)
    peer = PEERS[decoder]("resnet18", encoder_weights=None).double()
    model = unetzoo.create(decoder, encoder="resnet18", head_kernel_size=3).double()
    model.load_state_dict(from_smp(peer.state_dict()))
    image = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    for network in (peer, model):
        network(image).square().mean().backward()
    theirs = from_smp({name: parameter.grad for name, parameter in peer.named_parameters()})
    ours = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert ours.keys() == theirs.keys()
    for name, gradient in theirs.items():
        torch.testing.assert_close(ours[name], gradient, rtol=1e-6, atol=1e-9)


def _shake_norms(model):
    """Running statistics that differ from 0 and 1, so that a norm in the wrong place shows."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2)


def _count(model):
    return sum(parameter.numel() for parameter in model.parameters())
