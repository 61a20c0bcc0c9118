"""The plain decoder over transformers: networks such as Swin-Unet and TransUNet, by names alone."""

import pytest
import timm
import torch

import unetzoo


def _model(encoder):
    torch.manual_seed(0)
    return unetzoo.create("unet", encoder=encoder, classes=3).eval()


def _levels(model, image):
    with torch.no_grad():
        return model.encoder(image)


def test_over_a_swin_transformer_the_skips_are_the_maps_of_its_stages():
    """As in figure 1 of Swin-Unet (arXiv:2105.05537): C, 2C, 4C and 8C channels at 1/4 to 1/32."""
    model = _model("swin_tiny_patch4_window7_224")
    swin = timm.create_model("swin_tiny_patch4_window7_224", features_only=True).eval()
    swin.load_state_dict(model.encoder.backbone.state_dict())
    image = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        expected = [level.permute(0, 3, 1, 2) for level in swin(image)]
    actual = _levels(model, image)
    assert [level.shape[1] for level in actual] == [96, 192, 384, 768]
    for ours, theirs in zip(actual, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("encoder", ["test_vit", "vit_tiny_r_s16_p8_224"])
def test_over_a_vit_the_deepest_level_is_what_the_transformer_gives_and_finer_ones_lead_up(encoder):
    model = _model(encoder)
    backbone = timm.create_model(encoder, features_only=True, dynamic_img_size=True).eval()
    backbone.load_state_dict(model.encoder.backbone.state_dict())
    image = torch.randn(1, 3, 160, 160)
    with torch.no_grad():
        expected = backbone(image)[-1]
    actual = _levels(model, image)
    torch.testing.assert_close(actual[-1], expected, rtol=1e-4, atol=1e-4)
    assert [level.shape[2] for level in actual] == [
        8 * expected.shape[2],
        4 * expected.shape[2],
        2 * expected.shape[2],
        expected.shape[2],
    ]


@pytest.mark.parametrize("encoder", ["swin_tiny_patch4_window7_224", "test_vit", "vit_tiny_r_s16_p8_224"])
def test_they_give_logits_of_any_size_and_all_of_the_decoder_learns(encoder):
    model = _model(encoder).train()
    logits = model(torch.randn(2, 3, 70, 97))
    assert logits.shape == (2, 3, 70, 97)
    logits.square().mean().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.decoder.parameters())
