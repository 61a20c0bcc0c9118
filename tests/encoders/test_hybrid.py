"""The levels of TransUNet's encoder beside those of timm's own parts."""

import pytest
import timm
import torch

import unetzoo
from unetzoo.encoders.timm import TimmEncoder
from unetzoo.errors import OptionError

NAME = "vit_small_r26_s32_224"


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return TimmEncoder(NAME, skips_from="resnet").eval()


@pytest.fixture(scope="module")
def whole(encoder):
    """timm's model with the same weights."""
    model = timm.create_model(NAME, num_classes=0, dynamic_img_size=True).eval()
    parts = {
        f"patch_embed.backbone.{name}": weight for name, weight in encoder.backbone.resnet.model.state_dict().items()
    }
    model.load_state_dict(parts | encoder.backbone.transformer.model.state_dict())
    return model


def test_the_levels_are_those_of_the_figure():
    # figure 1 of arXiv:2102.04306: skips at 1/2, 1/4 and 1/8 of a ResNet-50, and the transformer at 1/16
    with torch.device("meta"):
        features = TimmEncoder("vit_base_r50_s16_224", skips_from="resnet").features
    assert features.channels == (64, 256, 512, 768)
    assert features.reductions == (2, 4, 8, 16)


@pytest.mark.parametrize("size", [(64, 64), (96, 160)])
def test_the_maps_are_those_of_the_two_networks(encoder, whole, size):
    image = torch.rand(2, 3, *size)
    with torch.no_grad():
        *skips, last = encoder(image)
        tokens = whole.forward_features(image)[:, whole.num_prefix_tokens :]
        expected = [image]
        for stage in (whole.patch_embed.backbone.stem[:2], *_stages(whole.patch_embed.backbone)):
            expected.append(stage(expected[-1]))
    torch.testing.assert_close(last.flatten(2).transpose(1, 2), tokens, rtol=1e-4, atol=1e-5)
    for skip, true in zip(skips, expected[1:], strict=False):
        torch.testing.assert_close(skip, true, rtol=1e-4, atol=1e-5)


def _stages(resnet):
    """Each stage, the first one with the pooling of the stem before it."""
    first, *later = resnet.stages
    return torch.nn.Sequential(*list(resnet.stem)[2:], first), *later


def test_what_is_not_used_is_not_kept():
    encoder = TimmEncoder(NAME, skips_from="resnet", depth=2)
    assert encoder.features.channels == (64, 256)
    names = {name for name, _ in encoder.named_parameters()}
    assert not any("transformer" in name or "stages.1" in name for name in names)
    sum(level.sum() for level in encoder(torch.rand(1, 3, 32, 32))).backward()
    assert all(weight.grad is not None for weight in encoder.parameters())
    some = TimmEncoder(NAME, skips_from="resnet", out_indices=(1, 4))
    assert some.features.reductions == (4, 32)
    assert [level.shape[2] for level in some(torch.rand(1, 3, 64, 64))] == [16, 2]


def test_a_network_trains_and_is_read_again(tmp_path):
    options = {"skips_from": "resnet"}
    model = unetzoo.create("unet", encoder=NAME, encoder_options=options, classes=2, in_channels=5)
    model.checkpoint_activations()
    logits = model(torch.rand(1, 5, 50, 70))
    assert logits.shape == (1, 2, 50, 70)
    logits.square().sum().backward()
    unetzoo.save(model.eval(), tmp_path / "model")
    image = torch.rand(1, 5, 64, 64)
    torch.testing.assert_close(unetzoo.load(tmp_path / "model").eval()(image), model(image))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet18", {}, "over a ResNet, such as timm's 'vit_base_r50_s16_224'; got 'resnet18'"),
        ("vit_tiny_r_s16_p8_224", {}, "got 'vit_tiny_r_s16_p8_224'"),
        (NAME, {"readout": "add"}, "takes no readout"),
        (NAME, {"taps": ["norm"]}, "takes no taps"),
        (NAME, {"out_indices": [4, 1]}, r"must rise from 0 to 4, got \(4, 1\)"),
        (NAME, {"skips_from": "cnn"}, "skips_from"),
    ],
)
def test_what_it_does_not_take_is_one_clear_error(name, options, message):
    with pytest.raises(OptionError, match=message):
        TimmEncoder(name, **({"skips_from": "resnet"} | options))
