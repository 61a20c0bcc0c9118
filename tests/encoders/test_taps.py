"""Levels of a backbone that are the maps of layers which the user names."""

import pytest
import timm
import torch

import unetzoo
from unetzoo.encoders.taps import pad_as_for

TAPS = ["bn1", "blocks.1", "blocks.2.0"]


def _encoder(**options):
    torch.manual_seed(0)
    return unetzoo.create_encoder("mobilenetv2_050", options=options).eval()


def test_the_levels_are_what_hooks_on_these_layers_see():
    encoder = _encoder(taps=TAPS)
    model, seen = timm.create_model("mobilenetv2_050").eval(), {}
    model.load_state_dict(encoder.backbone.state_dict(), strict=False)
    for name in TAPS:
        model.get_submodule(name).register_forward_hook(lambda _, __, output, name=name: seen.update({name: output}))
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        model(image)
        levels = encoder(image)
    assert encoder.features.reductions == (2, 4, 8)
    for level, name in zip(levels, TAPS, strict=True):
        torch.testing.assert_close(level, seen[name])


def test_layers_behind_the_last_tap_are_left_out_and_the_others_learn():
    encoder = _encoder(taps=TAPS).train()
    assert not any(name.startswith(("backbone.blocks.3", "backbone.conv_head")) for name in encoder.state_dict())
    sum(level.sum() for level in encoder(torch.randn(2, 3, 64, 64))).backward()
    assert all(parameter.grad is not None for parameter in encoder.parameters())


def test_a_network_with_taps_is_saved_exported_and_optimized(tmp_path):
    torch.manual_seed(0)
    model = unetzoo.create("unet", encoder="mobilenetv2_050", encoder_options={"taps": TAPS}).eval()
    image = torch.randn(1, 3, 70, 50)
    with torch.no_grad():
        expected = model(image)
        torch.testing.assert_close(unetzoo.load(unetzoo.save(model, tmp_path))(image), expected)
        torch.testing.assert_close(unetzoo.optimize(model)(image), expected, rtol=1e-3, atol=1e-4)


def test_a_depth_takes_the_first_taps():
    assert _encoder(taps=TAPS, depth=2).features.channels == _encoder(taps=TAPS[:2]).features.channels


def test_checkpointing_gives_the_same_gradients():
    gradients = []
    for enabled in (False, True):
        encoder = _encoder(taps=TAPS)
        encoder.checkpoint_activations(enabled)
        encoder(torch.ones(1, 3, 32, 32))[-1].sum().backward()
        gradients.append(encoder.backbone.conv_stem.weight.grad)
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize(
    ("name", "taps", "message"),
    [
        ("mobilenetv2_050", ["nowhere"], "no layer 'nowhere' to tap; there are conv_stem, bn1, blocks"),
        ("mobilenetv2_050", ["blocks.1", "bn1"], "in the order of the layers"),
        ("mobilenetv2_050", "bn1", "taps must be a list of names"),
        ("mobilenetv2_050", [], "taps must be a list of names"),
        ("test_vit", ["norm"], "timm's test_vit is not a chain of layers"),
    ],
)
def test_taps_that_there_cannot_be_are_one_error(name, taps, message):
    with pytest.raises(unetzoo.OptionError, match=message):
        unetzoo.create_encoder(name, options={"taps": taps})


def test_convolutions_pad_as_for_the_size_that_is_said():
    """Of 30 pixels a stride of 2 pads the end alone, of 15 both ends, whatever the size of the image."""
    from timm.layers import Conv2dSame

    torch.manual_seed(0)
    chain = torch.nn.Sequential(*(Conv2dSame(1, 1, 3, stride=2) for _ in range(2)))
    pad_as_for(chain, 30)
    image = torch.randn(1, 1, 32, 32)
    first, second = chain
    padded = torch.nn.functional.pad(image, (0, 1, 0, 1))
    inner = torch.nn.functional.conv2d(padded, first.weight, first.bias, stride=2)
    expected = torch.nn.functional.conv2d(inner, second.weight, second.bias, stride=2, padding=1)
    torch.testing.assert_close(chain(image), expected)
